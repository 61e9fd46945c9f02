// Nest: a statement as loops 0 <= l < extent with linear accesses to strided memory. Private to ir.
#pragma once

#include <optional>
#include <vector>

#include "ir/points.h"

namespace nasc {

// Strides in elements, one per dimension.
using Strides = std::vector<int64_t>;

struct NestRef {
  int tensor = -1;                                 // position in Program::tensors
  std::vector<std::vector<int64_t>> coefficients;  // [dimension of the tensor][loop]
  std::vector<int64_t> constants, shape;           // per dimension
  Strides strides;
  bool guarded = false;  // may leave the tensor: such points are no part of the statement

  int64_t step(size_t loop) const;  // elements per iteration
  int64_t base() const;             // offset of the first iteration
  bool uses(size_t loop) const;
  // Every dimension has at most one loop of its own: different points are different elements.
  bool separable() const;
};

struct Nest {
  std::vector<int64_t> extents;
  NestRef write;
  std::vector<NestRef> reads;
  bool guarded = false;
  // Iterator k of the statement as a function of the loops: coefficients, then a constant.
  std::vector<std::vector<int64_t>> iterators;
};

// nullopt when the domain is no box without the points whose accesses leave their tensors, or an access is not linear
// after splitting loops at the divisors of its floors (groups). `strides` has one entry per tensor of the Program.
std::optional<Nest> make_nest(const Program& program, const Statement& s, const std::vector<Strides>& strides);

// Ways to walk: a loop with the part of it that is walked.
struct NestLoop {
  size_t loop;
  int64_t lo, extent;
};
int64_t volume(const std::vector<NestLoop>& loops);
// f() for each point of the loops, `point` set; once when there are none.
template <class F>
void walk(const std::vector<NestLoop>& loops, std::vector<int64_t>& point, F&& f) {
  for (const NestLoop& l : loops) point[l.loop] = l.lo;
  for (;;) {
    f();
    size_t k = loops.size();
    while (k > 0 && ++point[loops[k - 1].loop] == loops[k - 1].lo + loops[k - 1].extent) {
      --k;
      point[loops[k].loop] = loops[k].lo;
    }
    if (k == 0) return;
  }
}
// The part [first, last) of `inner` iterations from `point` on (inner's coordinate is where it starts) in which `ref`
// stays inside its tensor, and the offset of the element at iteration 0.
struct Run {
  int64_t first, last, offset;
};
Run inside(const NestRef& ref, const std::vector<int64_t>& point, const NestLoop& inner);

}  // namespace nasc
