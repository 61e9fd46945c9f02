// Runs a Network on the reference interpreter.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/interpret.h"
#include "ir/network.h"

namespace nasc {

// Values of the parameters that extents of the inputs are, by name. Throws UserError bad_shape when an input does not
// fit what the Network declares.
ParameterValues parameters_of(const Network& network, const std::vector<HostTensor>& inputs);
// The outputs in the Network's order.
std::vector<HostTensor> interpret_network(const Network& network, const std::vector<HostTensor>& inputs);

// |y - r| <= rtol |r| + atol everywhere, NaN equal to NaN, equal types and shapes. Empty, else the first difference.
std::string difference(const HostTensor& y, const HostTensor& r, double rtol, double atol);

}  // namespace nasc
