// What a plan of neural steps means, computed without any of the compiler: every term of the original convolution is
// listed, steps select terms.
#pragma once

#include <string>
#include <vector>

#include "models.h"

namespace nasc::test {

// The values of one_conv(conv) after the steps, on run()'s image of that seed, [images, outputs, rows, columns].
// Weights are the given ones at the places that stay.
std::vector<double> expected_values(const OneConv& conv, const std::vector<Step>& steps, uint64_t seed = 1);

}  // namespace nasc::test
