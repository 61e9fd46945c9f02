// Numbers that a kernel's calls all bind to one of its tensors, such as the bounds of a Clip.
#pragma once

#include <map>
#include <string>

#include "ir/network.h"

namespace nasc {

// Of weights of one element, by name of the Program's tensor; those that calls do not agree on are
// left out. Code generation reads them at compile time.
std::map<std::string, Payload> scalar_values(const Network& network, size_t program);

} // namespace nasc
