// Wording of verdicts.
#include "legality/verdict.h"

namespace nasc {

const char* name(Verdict::Answer answer) {
  constexpr const char* kNames[] = {"yes", "no", "undecided"};
  return kNames[answer];
}

std::string text(const Verdict& v) {
  std::string out = name(v.answer);
  if (!v.reason.empty())
    out += " " + v.reason;
  if (!v.text.empty())
    out += ": " + v.text;
  for (const Measure& m : v.measures)
    out += " " + m.name + " = " + std::to_string(m.value) + " +- " + std::to_string(m.error);
  return out;
}

Verdict yes_verdict() { return {Verdict::yes, "", "", {}, {}}; }

Verdict order_violated(const std::string& source, const std::string& sink) {
  return {Verdict::no,
          "order-violated",
          source + " must run before " + sink,
          Witness{source, sink},
          {}};
}

Verdict loop_carried(const std::string& loop, bool vector, bool reduction,
                     const std::string& source, const std::string& sink) {
  std::string kind = vector ? "vectorize" : "parallel";
  std::string where = " in different " + std::string(vector ? "lanes" : "iterations") + " of " +
                      kind + " loop " + loop;
  if (reduction)
    return {Verdict::no,
            "reduction-race",
            source + " and " + sink + " combine into one element" + where,
            Witness{source, sink},
            {}};
  return {Verdict::no,
          kind + "-carried",
          sink + " depends on " + source + where,
          Witness{source, sink},
          {}};
}

Verdict storage_overwritten(const std::string& tensor, const std::string& source,
                            const std::string& sink) {
  return {Verdict::no,
          "storage-overwritten",
          source + " writes over an element of " + tensor + " that " + sink + " needs",
          Witness{source, sink},
          {}};
}

Verdict gave_up(const std::string& who) {
  return {Verdict::undecided, "gave-up", who + " did not decide within the quota", {}, {}};
}

} // namespace nasc
