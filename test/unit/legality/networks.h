// Networks of the zoo on a batch, and what neural steps make of them.
#pragma once

#include <string>
#include <vector>

#include "ir/network.h"

namespace nasc::test {

// `folded`: batch normalizations became weights of the convolutions before them, as a compiler does.
Network zoo_network(const std::string& name, int64_t batch, bool folded = true);
// Fails the test with the refusal when a step is refused.
Network rewritten(const Network& base, const std::vector<std::string>& steps);

}  // namespace nasc::test
