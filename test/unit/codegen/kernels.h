// Programs and kernels that several tests emit.
#pragma once

#include <string>

#include "polyhedral/module.h"

namespace nasc::test {

// Text of a padded 3x3 convolution with bias, sum and ReLU, channels in blocks of `lanes`, one image.
std::string conv(int64_t in, int64_t out, int64_t extent, int64_t lanes);
// The Program with that one step applied; fails the test when it is refused.
Kernel tiled(const std::string& source, const std::string& step);

}  // namespace nasc::test
