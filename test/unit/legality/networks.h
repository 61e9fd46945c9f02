// Networks of the zoo on a batch, and what neural steps make of them.
#pragma once

#include <string>
#include <vector>

#include "ir/network.h"

namespace nasc::test {

Network zoo_network(const std::string& name, int64_t batch);
// Fails the test with the refusal when a step is refused.
Network rewritten(const Network& base, const std::vector<std::string>& steps);

}  // namespace nasc::test
