// What a plan of neural steps means, computed without any of the compiler: every term of the original convolution is
// listed, steps select terms.
#pragma once

#include <string>
#include <vector>

#include "models.h"

namespace nasc::test {

// One convolution and one image, for many plans.
class Oracle {
 public:
  explicit Oracle(const OneConv& conv, uint64_t seed = 1);  // run()'s image of that seed
  // The values of one_conv(conv) after the steps, [images, outputs, rows, columns]. Weights are the given ones at the
  // places that stay.
  std::vector<double> values(const std::vector<Step>& steps) const;

 private:
  OneConv conv_;
  int64_t rows_ = 0, columns_ = 0;
  std::vector<float> weights_, bias_;
  std::vector<double> image_;  // padded
};

// The same for one plan.
std::vector<double> expected_values(const OneConv& conv, const std::vector<Step>& steps, uint64_t seed = 1);

}  // namespace nasc::test
