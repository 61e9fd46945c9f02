// A comma list of judges as one: `--legality=capacity,naswot,fisher`.
#pragma once

#include <string>
#include <vector>

#include "legality/order.h"

namespace nasc {

// The judges of a list, cheap ones first as listed. Throws UserError usage for a name that no judge has.
std::vector<const Judge*> parse_legality(const std::string& list);
extern const char kDefaultLegality[];

struct NamedVerdict {
  std::string judge;
  Verdict verdict;
};
// In order, until one does not allow it.
std::vector<NamedVerdict> judge_all(const std::vector<const Judge*>& judges, const Subject& subject);
bool allowed(const std::vector<NamedVerdict>& verdicts);

}  // namespace nasc
