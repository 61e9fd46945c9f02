// Verdict: what a judge answers, with the evidence; plain data that may cross threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nasc {

// Two statement instances `S[i..]` that the schedule brings into a wrong order.
struct Witness {
  std::string source, sink;
};
// A number that a judge weighed, with its error bar.
struct Measure {
  std::string name;
  double value = 0, error = 0;
};

// Undecided counts as no. `reason` is a stable kebab-case code, empty for yes:
//   order-violated      source must run before sink, and does not
//   parallel-carried    source and sink run in different iterations of a parallel loop
//   vectorize-carried   the same in different lanes
//   reduction-race      iterations of a parallel loop combine into one element (lanes of a vector loop may)
//   storage-overwritten sink reads what source wrote over: two elements in one place of a folded layout
//   gave-up             no engine decided within its quota
//   out-of-time         the search's time was over before the judge knew
struct Verdict {
  enum Answer { yes, no, undecided } answer = undecided;
  std::string reason;
  std::string text; // one sentence
  std::optional<Witness> witness;
  std::vector<Measure> measures;

  bool allowed() const { return answer == yes; }
};
const char* name(Verdict::Answer answer);
// `yes`, or `no order-violated: mac[0, 1] must run before epi[0] ...`
std::string text(const Verdict& verdict);

Verdict yes_verdict();
// A no with the sentence that belongs to its reason; `loop` names the loop at fault.
Verdict order_violated(const std::string& source, const std::string& sink);
Verdict loop_carried(const std::string& loop, bool vector, bool reduction,
                     const std::string& source, const std::string& sink);
Verdict storage_overwritten(const std::string& tensor, const std::string& source,
                            const std::string& sink);
Verdict gave_up(const std::string& who);

} // namespace nasc
