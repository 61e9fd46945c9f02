// Small Programs and schedules for the tests of legality.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "polyhedral/module.h"

namespace nasc::testing {

struct StatementText {
  std::string domain; // "{ S[i, j] : 0 <= i, j < 4 }"
  std::string write;  // "{ S[i, j] -> C[i, j] }"
  Combine combine = Combine::assign;
  std::vector<std::string> reads = {};
};
// Tensors by name and shape; those never written are inputs, the last one written the output,
// others temps. A body is the sum of the reads. The domain may start with "[N] -> ".
Program program(const std::string& name, const std::vector<std::pair<std::string, Shape>>& tensors,
                const std::vector<StatementText>& statements);

Program conv(int h, int co, int ci, int k,
             int stride = 1);        // init, mac, epi over a temp accumulator; padded
Program matmul(int m, int n, int k); // zero, mac
Program symbolic_matmul();           // extents N
Program stencil(int t, int n);       // in place over time, one statement
Program pool(int n, int k);          // low, max=
Program chain(int n);                // three pointwise steps, the last reads reversed
Program scan(int n);                 // y[i] += y[i - 1]: a combine that is not free

// Nested bands for all statements: each band is (mark, one expression in the iterators per
// statement); then the statements one after another in `order`, each under its own bands.
using Band = std::pair<std::string, std::vector<std::string>>;
Kernel scheduled(const Program& program, const std::vector<Band>& shared,
                 const std::vector<int>& order, const std::vector<std::vector<Band>>& own);
// Every statement under its iterators, in textual order.
Kernel in_textual_order(const Program& program);

// A complete schedule by random sharing, interchange, tiling, skewing, shifting, reversal,
// reordering and marks. `wildness` in [0, 1]: how often a step departs from textual order.
Kernel random_kernel(const Program& program, std::mt19937& rng, double wildness);

} // namespace nasc::testing
