// A Dna as texts: steps of a plan per layer, and settings.
#pragma once

#include "polyhedral/search/dna.h"

namespace nasc {

struct LayerSteps {
  std::string where; // a layer, or a section
  bool section = false;
  std::vector<std::string> steps; // `group(by=4)`, in the order of the points
};
struct Decoded {
  std::vector<LayerSteps> steps;                             // only where there are any
  std::vector<std::pair<std::string, std::string>> values;   // path of each active point, its value
  std::vector<std::pair<std::string, std::string>> settings; // those that are no steps
};
// A point whose value is a step or a list of steps gives steps; `keep` and `[]` give none; any
// other value is a setting.
Decoded decode(const Space& space, const Dna& dna);
// The same for one group, of whose nodes alone `values` are the decisions.
Decoded decode_group(const Space& space, size_t group, const std::vector<double>& values);
// Equal for Dnas that mean the same: steps and settings, not how they were chosen.
std::string key(const Decoded& decoded);

// The inverse: the first Dna whose points have these values (Decoded::values). Nothing: there is
// none.
std::optional<Dna> encode(const Space& space,
                          const std::vector<std::pair<std::string, std::string>>& values);

} // namespace nasc
