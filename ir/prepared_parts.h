// How a prepared statement runs. Private to ir.
#pragma once

#include <memory>

#include "ir/nest.h"

namespace nasc {

// One statement with all polyhedral work done; `data` has the elements of each tensor of the Program.
struct Step {
  virtual ~Step() = default;
  virtual void run(float* const* data) const = 0;
  virtual bool any_thread() const { return true; }  // run() asks isl nothing
};
// Sums of products through OpenBLAS, with windows gathered or scattered; nullptr when it is none.
std::unique_ptr<Step> contraction_step(const Program& p, const Statement& s, const std::vector<Strides>& strides);
// Any statement on f32 with linear accesses, along rows that are as long as possible; nullptr when it is none.
std::unique_ptr<Step> rows_step(const Program& p, const Statement& s, const std::vector<Strides>& strides);
// Anything else of f32, through run_rows.
std::unique_ptr<Step> any_step(const Program& p, const Statement& s, const std::vector<Strides>& strides);

// c = alpha a b + beta c in row-major order; the OpenBLAS that execute() uses.
void sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
           float* c, int64_t ldc);

}  // namespace nasc
