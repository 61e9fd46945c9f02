// Iterators of any number of values: those of images, and of rows and columns that are known when a model runs.
#pragma once

#include <map>
#include <optional>

#include "codegen/nest.h"

namespace nasc {

// A domain without its parameters and with one value of the iterators that depend on them, and the last of their values.
struct Slice {
  isl::set domain;
  std::map<int, NestExprRef> last;
};

// nullopt when the domain is no product of such intervals and something else.
std::optional<Slice> slice_of(const isl::set& domain);
// Of a function and of the quotients in it.
int64_t greatest_denominator(const QuasiAff& f);
bool mentions(const QuasiAff& f, int iterator);
bool has_parameters(const QuasiAff& f);

}  // namespace nasc
