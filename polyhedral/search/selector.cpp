// Which layers a block of a space is about.
#include <algorithm>

#include "polyhedral/search/space_text.h"

namespace nasc {

// The one list of attributes; a layer has those that make sense for its operator.
const std::vector<std::string>& layer_attributes() {
  static const std::vector<std::string> all = {
      "n",            // batch
      "ci",     "co", // channels (or rows and columns of a weight matrix)
      "ih",     "iw", // input extents
      "h",      "w",  // output extents
      "k",            // kernel extent when it is square
      "kh",     "kw", // kernel extents
      "stride", "sh", "sw", "dilation", "pad", "groups", "macs", "weights",
      "cut",   // largest factor that may divide the output channels (ties to other layers)
      "index", // position of the layer in the model
      "lanes", // of the target's vectors, for steps
  };
  return all;
}

const int64_t* SpaceLayer::attribute(const std::string& wanted) const {
  for (const auto& [name, value] : attributes)
    if (name == wanted)
      return &value;
  return nullptr;
}

bool holds(const Condition& c, const SpaceLayer& layer) {
  const int64_t* found = layer.attribute(c.attribute);
  const int64_t* wanted = c.other.empty() ? &c.value : layer.attribute(c.other);
  if (!found || !wanted)
    return false;
  int64_t x = c.modulus ? *found % c.modulus : *found;
  static const std::vector<std::pair<std::string, bool (*)(int64_t, int64_t)>> kRelations = {
      {"=", [](int64_t a, int64_t b) { return a == b; }},
      {"!=", [](int64_t a, int64_t b) { return a != b; }},
      {"<", [](int64_t a, int64_t b) { return a < b; }},
      {"<=", [](int64_t a, int64_t b) { return a <= b; }},
      {">", [](int64_t a, int64_t b) { return a > b; }},
      {">=", [](int64_t a, int64_t b) { return a >= b; }}};
  for (const auto& [relation, test] : kRelations)
    if (relation == c.relation)
      return test(x, *wanted);
  return false;
}

bool glob(const std::string& pattern, const std::string& name) {
  size_t p = 0, n = 0, star = std::string::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*')
      star = p++, retry = n;
    else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]))
      ++p, ++n;
    else if (star != std::string::npos)
      p = star + 1, n = ++retry;
    else
      return false;
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

bool matches(const Selector& s, const SpaceLayer& layer) {
  return std::any_of(s.operators.begin(), s.operators.end(),
                     [&](const std::string& op) { return glob(op, layer.op); }) &&
         glob(s.names, layer.name) &&
         std::all_of(s.conditions.begin(), s.conditions.end(),
                     [&](const Condition& c) { return holds(c, layer); });
}

} // namespace nasc
