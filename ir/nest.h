// Nest: a statement as loops 0 <= l < extent with linear accesses to strided memory. Private to ir.
#pragma once

#include <algorithm>
#include <array>
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
// The part [first, last) of a row that lies inside a tensor, and the offset of the element at its iteration 0.
struct Run {
  int64_t first, last, offset;
};
// Rows of one access: f(Run) for each point of the `outer` loops, along `inner`; indices are kept up to date by steps.
class RowWalk {
 public:
  RowWalk(const NestRef& ref, const std::vector<NestLoop>& outer, const NestLoop& inner);
  // `point` has the coordinates of all other loops; those of outer and inner are set to where they begin.
  template <class F>
  void operator()(std::vector<int64_t>& point, F&& f) const {
    State now = start(point);
    std::array<int64_t, kLoops> at{};
    for (;;) {
      f(run(now));
      size_t k = loops_;
      for (; k > 0; --k) {
        bool more = ++at[k - 1] < extents_[k - 1];
        int64_t by = more ? 1 : 1 - extents_[k - 1];
        now.offset += by * steps_[k - 1];
        for (size_t g = 0; g < guards_; ++g) now.index[g] += by * guard_steps_[g][k - 1];
        if (more) break;
        at[k - 1] = 0;
      }
      if (k == 0) return;
    }
  }

 private:
  static constexpr size_t kLoops = 16, kGuards = 8;
  struct State {
    int64_t offset;
    std::array<int64_t, kGuards> index;
  };
  State start(std::vector<int64_t>& point) const;
  Run run(const State& s) const {
    Run r{0, inner_.extent, s.offset};
    for (size_t g = 0; g < guards_; ++g) {
      int64_t c = inner_steps_[g], i = s.index[g], extent = shape_[g];
      if (c == 0) {
        if (i < 0 || i >= extent) r.last = 0;
      } else if (c > 0) {
        r.first = std::max(r.first, i >= 0 ? 0 : (-i + c - 1) / c);
        r.last = std::min(r.last, i >= extent ? 0 : (extent - 1 - i) / c + 1);
      } else {
        r.first = std::max(r.first, i < extent ? 0 : (i - extent - c) / -c);
        r.last = std::min(r.last, i < 0 ? 0 : i / -c + 1);
      }
    }
    r.last = std::max<int64_t>(r.last, 0);
    r.first = std::min(r.first, r.last);
    return r;
  }

  const NestRef* ref_;
  std::vector<NestLoop> outer_;
  NestLoop inner_;
  size_t loops_ = 0, guards_ = 0;
  std::array<int64_t, kLoops> extents_{}, steps_{};
  std::array<int64_t, kGuards> inner_steps_{}, shape_{};
  std::array<size_t, kGuards> dims_{};
  std::array<std::array<int64_t, kLoops>, kGuards> guard_steps_{};
};
}  // namespace nasc
