// Schedule: named single-member bands over an isl schedule tree.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

// A mark above each band: its loop name, then annotations of the closed list; other marks are regions.
//   `co.t parallel`   `w.i unroll`   `co.v vectorize`   `stage acc`   `barrier`
enum class Annotation { parallel, unroll, vectorize };
const char* name(Annotation annotation);
std::optional<Annotation> find_annotation(std::string_view name);

struct Mark {  // a parsed mark
  enum Kind { loop, stage, barrier } kind = loop;
  std::string name;  // of the loop or of the staged tensor
  std::vector<Annotation> annotations;
  bool has(Annotation a) const;
};
std::string text(const Mark& mark);
Expected<Mark> parse_mark(const std::string& text);

struct LoopTree;

// Root domain = the Program's domain. Every band has exactly one member, below the mark that names its loop. Loop
// names are unique along each path. A value: edits return a new Schedule. It has two forms, isl's and plain nodes
// (loop_tree.h): the other one is made when somebody asks for it, since most schedules are never asked for isl's.
class Schedule {
 public:
  Schedule(isl::schedule tree);  // NOLINT(google-explicit-constructor)
  // `text` is what isl parses as this schedule; empty: its tree is built from the nodes.
  Schedule(isl::union_set domain, std::shared_ptr<const LoopTree> loops, std::string text = "");

  const isl::union_set& domain() const;
  const isl::schedule& tree() const;
  const std::shared_ptr<const LoopTree>& loop_tree() const;  // throws InternalError when isl's has another structure

 private:
  struct Forms;
  std::shared_ptr<Forms> forms_;  // of this thread, as all of isl's values
};

// Statements one after another, each under its iterators' loops, named like the iterators.
Schedule textual_schedule(const Program& program);

// A loop as found in the tree: the mark node above its band.
struct Loop {
  isl::schedule_node mark;  // the mark; mark.child(0) is the band
  Mark text;
  std::vector<std::string> statements;  // statements below
};
// `co` when unique in the tree, else `mac.co` (the loop co around statement mac). Refusals: no-such-loop (with "did
// you mean"), ambiguous-loop (with the choices).
Expected<Loop> find_loop(const Schedule& schedule, const std::string& address);
// All loops in depth-first order.
std::vector<Loop> loops(const Schedule& schedule);
// Loops around one statement, outermost first.
std::vector<Loop> loops_of(const Schedule& schedule, const std::string& statement);
// Values the band takes at fixed outer loops: number of iterations when it is a constant for all, else nullopt.
std::optional<int64_t> trip_count(const Schedule& schedule, const Loop& loop);

// The whole schedule as { S[i..] -> [t..] }.
isl::union_map order(const Schedule& schedule);
std::string text(const Schedule& schedule);
Expected<Schedule> parse(const Program& program, const std::string& text);
// Structure only: the invariants above, annotations known, domain equals the Program's. InternalError otherwise.
void verify(const Program& program, const Schedule& schedule);

}  // namespace nasc
