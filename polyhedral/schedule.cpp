// Schedules: marks, the textual order, text, invariants.
#include "polyhedral/schedule.h"

#include <algorithm>
#include <sstream>

#include "ir/isl_box.h"
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {
constexpr const char* kAnnotations[] = {"parallel", "unroll", "vectorize"};
}

const char* name(Annotation annotation) { return kAnnotations[static_cast<int>(annotation)]; }
std::optional<Annotation> find_annotation(std::string_view name) {
  for (int i = 0; i < 3; ++i)
    if (name == kAnnotations[i]) return static_cast<Annotation>(i);
  return std::nullopt;
}

bool Mark::has(Annotation a) const {
  return std::find(annotations.begin(), annotations.end(), a) != annotations.end();
}

std::string text(const Mark& mark) {
  if (mark.kind == Mark::stage) return "stage " + mark.name;
  if (mark.kind == Mark::barrier) return "barrier";
  std::string out = mark.name;
  for (Annotation a : mark.annotations) out += std::string(" ") + name(a);
  return out;
}

Expected<Mark> parse_mark(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(w);
  Mark mark;
  if (words.empty()) return refuse("bad-mark", "empty mark");
  if (words[0] == "barrier" && words.size() == 1) {
    mark.kind = Mark::barrier;
    return mark;
  }
  if (words[0] == "stage" && words.size() == 2) {
    mark.kind = Mark::stage;
    mark.name = words[1];
    return mark;
  }
  mark.name = words[0];
  for (size_t k = 1; k < words.size(); ++k) {
    auto a = find_annotation(words[k]);
    if (!a || mark.has(*a)) return refuse("bad-mark", "mark \"" + line + "\" has no annotation " + words[k]);
    mark.annotations.push_back(*a);
  }
  return mark;
}

Schedule textual_schedule(const Program& program) {
  TreeParts parts;
  for (const auto& s : program.statements) {
    LoopTreeRef nest = leaf({s.name});
    for (size_t d = s.iterators.size(); d-- > 0;) {
      Mark mark;
      mark.name = s.iterators[d];
      nest = loop(mark, {{s.name, dim_value(s.domain, static_cast<int>(d))}}, nest);
    }
    parts.emplace_back(Filter{{s.name, isl::set::universe(s.domain.space())}}, nest);
  }
  return schedule_of(program.domain(), sequence(std::move(parts)));
}

isl::union_map order(const Schedule& schedule) {
  return schedule.tree().map().intersect_domain(schedule.domain());
}

namespace {
// isl prints the pieces of a union in the order of a hash table, which depends on how the union was made: sorted, equal
// schedules have equal text.
std::string with_sorted_pieces(const std::string& line) {
  size_t open = line.find("{ "), close = line.rfind(" }");
  if (open == std::string::npos || close == std::string::npos || close < open + 2) return line;
  std::vector<std::string> pieces;
  size_t at = open + 2;
  for (size_t next; (next = line.find("; ", at)) < close; at = next + 2) pieces.push_back(line.substr(at, next - at));
  pieces.push_back(line.substr(at, close - at));
  std::sort(pieces.begin(), pieces.end());
  std::string out = line.substr(0, open + 2);
  for (size_t k = 0; k < pieces.size(); ++k) out += (k ? "; " : "") + pieces[k];
  return out + line.substr(close);
}
}  // namespace

std::string text(const Schedule& schedule) {
  std::istringstream in(block_text(schedule.tree()));
  std::string out;
  for (std::string line; std::getline(in, line);) out += with_sorted_pieces(line) + "\n";
  return out;
}

Expected<Schedule> parse(const Program& program, const std::string& text) {
  try {
    Schedule schedule{parse_schedule(text)};
    verify(program, schedule);
    return schedule;
  } catch (const isl::exception& e) {
    return refuse("bad-schedule", e.what());
  } catch (const InternalError& e) {
    return refuse("bad-schedule", e.what());
  }
}

void verify(const Program& program, const Schedule& schedule) {
  NASC_CHECK(same(schedule.domain(), program.domain()))
      << program.name << ": the schedule has another domain: " << schedule.domain();
  LoopTreeRef tree = tree_of(schedule);  // checks marks, bands and sequences of isl's tree
  for (const Statement& s : program.statements)
    NASC_CHECK(tree->statements.count(s.name) || s.domain.is_empty()) << program.name << ": " << s.name << " is not scheduled";
  visit(tree, [&](const TreePath& p) {
    const LoopTree& node = *p.node();
    Names below;
    for (const auto& child : node.children) below.insert(child->statements.begin(), child->statements.end());
    NASC_CHECK(node.children.empty() || below == node.statements) << program.name << ": a node loses statements";
    if (node.kind == LoopTree::loop)
      for (const auto& name : node.statements)
        NASC_CHECK(node.band.count(name) && domain_name(node.band.at(name)) == name)
            << program.name << ": loop " << node.mark.name << " has no value for " << name;
    if (node.kind == LoopTree::loop)
      for (size_t d = 0; d + 1 < p.nodes.size(); ++d)
        NASC_CHECK(p.nodes[d]->kind != LoopTree::loop || p.nodes[d]->mark.name != node.mark.name)
            << program.name << ": two loops " << node.mark.name << " around one statement";
    if (node.kind == LoopTree::region && node.mark.kind == Mark::stage) program.tensor(node.mark.name);
  });
}

}  // namespace nasc
