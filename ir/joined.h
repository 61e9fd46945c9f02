// Words as isl, plans and messages list them.
#pragma once

#include <string>
#include <vector>

namespace nasc {

// `n, co, h`
inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

}  // namespace nasc
