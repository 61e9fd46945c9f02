// Small Programs that the tests of this folder schedule.
#pragma once

#include "ir/program.h"

namespace nasc::test {

Tensor tensor(const std::string& name, const std::vector<int64_t>& shape, Role role);
// A statement from isl text: domain, written element, combine, elements read; the body is the product of the reads,
// or 0 without reads.
Statement statement(const std::string& domain, const std::string& write, Combine combine,
                    const std::vector<std::string>& reads);

// Y[n,co,h,w] = 0; Y += X * W, padded 3x3; Z = Y * R when `epilogue`.
Program conv(int64_t channels, int64_t extent, bool epilogue = true);
Program matmul(int64_t m, int64_t n, int64_t k);
Program elementwise(int64_t rows, int64_t columns);

}  // namespace nasc::test
