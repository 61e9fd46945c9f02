// Contractions as matrix products: operands used in place where their strides allow it, else gathered.
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "ir/execute_parts.h"

namespace nasc {
namespace {
constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;
constexpr int64_t kFewProducts = 4096, kBlockElements = 4 << 20;

struct Blas {
  void (*sgemm)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int) = nullptr;
  void (*dgemm)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*, int) = nullptr;
};
const Blas& blas() {
  static const Blas loaded = [] {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (wide) setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) setenv("OPENBLAS_CORETYPE", "HASWELL", 0);
#endif
    Blas b;
    if (void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL)) {
      b.sgemm = reinterpret_cast<decltype(b.sgemm)>(dlsym(library, "cblas_sgemm"));
      b.dgemm = reinterpret_cast<decltype(b.dgemm)>(dlsym(library, "cblas_dgemm"));
    }
    return b;
  }();
  return loaded;
}
void gemm(bool ta, bool tb, int m, int n, int k, const float* a, int lda, const float* b, int ldb, float* c, int ldc) {
  blas().sgemm(kRowMajor, ta ? kTrans : kNoTrans, tb ? kTrans : kNoTrans, m, n, k, 1, a, lda, b, ldb, 1, c, ldc);
}
void gemm(bool ta, bool tb, int m, int n, int k, const double* a, int lda, const double* b, int ldb, double* c, int ldc) {
  blas().dgemm(kRowMajor, ta ? kTrans : kNoTrans, tb ? kTrans : kNoTrans, m, n, k, 1, a, lda, b, ldb, 1, c, ldc);
}

// A loop of the statement: its extent, and per access how far one step goes (in elements).
struct Loop {
  int64_t lo, extent;
  int dim;
  int64_t row = 0, column = 0, out = 0;
};
struct Operand {
  const Elements* tensor;
  std::vector<IndexFn> index;
  std::vector<int64_t> strides;
  bool padded = false;  // indices outside the tensor read zero

  int64_t step(int dim) const {
    int64_t s = 0;
    for (size_t d = 0; d < index.size(); ++d) s += index[d].coefficients[dim] * strides[d];
    return s;
  }
  bool uses(int dim) const {
    return std::any_of(index.begin(), index.end(), [&](const IndexFn& f) { return f.coefficients[dim] != 0; });
  }
};
// Loops as one stride: the last has stride `last`, each other the stride of the next times its extent.
bool coalesce(const std::vector<Loop>& loops, int64_t Loop::*step) {
  for (size_t i = 0; i + 1 < loops.size(); ++i)
    if (loops[i].*step != loops[i + 1].*step * loops[i + 1].extent) return false;
  return true;
}
int64_t count(const std::vector<Loop>& loops) {
  int64_t n = 1;
  for (const Loop& l : loops) n *= l.extent;
  return n;
}
int64_t last_step(const std::vector<Loop>& loops, int64_t Loop::*step) { return loops.empty() ? 1 : loops.back().*step; }

// Every point of nested loops; f(point) with the loops' dimensions set.
template <class F>
void odometer(const std::vector<Loop>& loops, std::vector<int64_t>& point, F&& f) {
  for (const Loop& l : loops) point[l.dim] = l.lo;
  for (;;) {
    f();
    size_t k = loops.size();
    while (k > 0 && ++point[loops[k - 1].dim] == loops[k - 1].lo + loops[k - 1].extent) {
      --k;
      point[loops[k].dim] = loops[k].lo;
    }
    if (k == 0) return;
  }
}

// Rows k, columns q: out[k * columns + q] for the flat range of columns [from, from + columns).
template <class T>
void pack(const Operand& op, const std::vector<Loop>& sums, const std::vector<Loop>& loops, std::vector<int64_t>& point, T* out) {
  std::vector<Loop> outer = loops;
  Loop inner{0, 1, -1};
  if (!outer.empty()) {
    inner = outer.back();
    outer.pop_back();
  }
  int64_t step = inner.dim < 0 ? 0 : op.step(inner.dim);
  const T* data = reinterpret_cast<const T*>(op.tensor->data);
  odometer(sums, point, [&] {
    odometer(outer, point, [&] {
      if (inner.dim >= 0) point[inner.dim] = inner.lo;
      int64_t first = 0, last = inner.extent, offset = 0;  // [first, last): inside the tensor
      for (size_t d = 0; d < op.index.size(); ++d) {
        int64_t i = op.index[d](point.data()), extent = op.tensor->shape[d];
        offset += i * op.strides[d];
        if (!op.padded) continue;
        int64_t c = inner.dim < 0 ? 0 : op.index[d].coefficients[inner.dim];
        if (c == 0) {
          if (i < 0 || i >= extent) last = 0;
        } else if (c > 0) {
          first = std::max(first, i >= 0 ? 0 : (-i + c - 1) / c);
          last = std::min(last, i >= extent ? 0 : (extent - 1 - i) / c + 1);
        } else {
          first = std::max(first, i < extent ? 0 : (i - extent - c) / -c);
          last = std::min(last, i < 0 ? 0 : i / -c + 1);
        }
      }
      last = std::max(last, int64_t{0});
      first = std::min(first, last);
      const T* from = data + offset;
      std::fill(out, out + first, T(0));
      if (step == 1) std::copy(from + first, from + last, out + first);
      else
        for (int64_t v = first; v < last; ++v) out[v] = from[v * step];
      std::fill(out + last, out + inner.extent, T(0));
      out += inner.extent;
    });
  });
}

// C[row.., column..] += sum over `sums` of A[row.., sums..] * B[sums.., column..], for each point of `batch`.
struct Contraction {
  Operand a, b, c;  // a has the row loops, b the column loops; the columns hold c's fastest dimension
  std::vector<Loop> batch, rows, columns, sums;

  template <class T>
  struct Matrix {
    const T* data = nullptr;
    int64_t ld = 0;
    bool sums_outer = false;  // stored with the sums as rows
    std::vector<T> packed;
    bool fixed = false;  // the same for all of the batch
  };
  // In place when the tensor is a matrix already; else gathered with the sums as rows.
  template <class T>
  void prepare(Matrix<T>& m, const Operand& op, const std::vector<Loop>& own, int64_t Loop::*step, std::vector<int64_t>& point) const {
    if (m.fixed) return;
    m.fixed = std::none_of(batch.begin(), batch.end(), [&](const Loop& l) { return op.uses(l.dim); });
    int64_t own_step = last_step(own, step), sum_step = last_step(sums, step);
    bool whole = !op.padded && coalesce(own, step) && coalesce(sums, step);
    if (whole && (own_step == 1 || sum_step == 1) && own_step > 0 && sum_step > 0) {
      for (const auto* loops : {&own, &sums})
        for (const Loop& l : *loops) point[l.dim] = l.lo;
      int64_t offset = 0;
      for (size_t d = 0; d < op.index.size(); ++d) offset += op.index[d](point.data()) * op.strides[d];
      m.data = reinterpret_cast<const T*>(op.tensor->data) + offset;
      m.sums_outer = own_step == 1 && (sum_step >= count(own) || sums.empty());
      m.ld = m.sums_outer ? (sums.empty() ? count(own) : sum_step) : (own.empty() ? count(sums) : own_step);
      if (m.ld >= (m.sums_outer ? count(own) : count(sums)) && (m.sums_outer || sum_step == 1)) return;
    }
    m.packed.resize(count(sums) * count(own));
    pack(op, sums, own, point, m.packed.data());
    m.data = m.packed.data();
    m.sums_outer = true;
    m.ld = count(own);
  }

  template <class T>
  void run(int dims) const {
    std::vector<int64_t> point(dims, 0);
    Matrix<T> left, right;
    int m = static_cast<int>(count(rows)), n = static_cast<int>(count(columns)), k = static_cast<int>(count(sums));
    int64_t ldc = rows.empty() ? n : rows.back().out;
    odometer(batch, point, [&] {
      prepare(left, a, rows, &Loop::row, point);
      prepare(right, b, columns, &Loop::column, point);
      for (const auto* loops : {&rows, &columns})
        for (const Loop& l : *loops) point[l.dim] = l.lo;
      int64_t offset = 0;
      for (size_t d = 0; d < c.index.size(); ++d) offset += c.index[d](point.data()) * c.strides[d];
      T* out = reinterpret_cast<T*>(c.tensor->data) + offset;
      gemm(left.sums_outer, !right.sums_outer, m, n, k, left.data, static_cast<int>(left.ld), right.data,
           static_cast<int>(right.ld), out, static_cast<int>(ldc));
    });
  }
};

Operand operand(const Access& access, const ElementsByName& tensors, const ParameterValues& values) {
  const Elements& t = tensors.at(access.tensor);
  return {&t, index_fns(access, values), row_major_strides(t.shape)};
}

// The domain is `box` without the points whose reads leave their tensors, so that reading zero there gives the same sum.
bool is_padded_box(const Statement& s, const ElementsByName& tensors, const ParameterValues& values) {
  isl::set inside = s.box;
  for (const Access& a : s.reads) {
    Tensor t;
    t.name = a.tensor;
    t.shape = shape_of(tensors.at(a.tensor).shape);
    inside = inside.intersect(isl::set(extent_set(t)).preimage(a.map));
  }
  return with_parameters(inside, values).is_equal(with_parameters(s.domain, values));
}
}  // namespace

bool has_blas() { return blas().sgemm && blas().dgemm; }

bool run_contraction(const Statement& s, const ElementsByName& tensors, const ParameterValues& values) {
  const Expr& e = *s.body;
  if (s.combine != Combine::add || !s.reassociable || e.fn != Fn::mul || s.reads.empty() || e.args[0]->fn != Fn::read ||
      e.args[1]->fn != Fn::read)
    return false;
  const Access *left = &s.reads[e.args[0]->index], *right = &s.reads[e.args[1]->index];
  DType type = tensors.at(s.write.tensor).dtype;
  if (type != DType::f32 && type != DType::f64) return false;
  if (left->tensor == s.write.tensor || right->tensor == s.write.tensor || !has_blas()) return false;

  Operand a = operand(*left, tensors, values), b = operand(*right, tensors, values), c = operand(s.write, tensors, values);
  Points box(s.box, values);
  if (!box.is_box() || box.volume() < kFewProducts) return false;
  for (const IndexFn& f : c.index)  // each element once per point of the sums: its dimensions have iterators of their own
    if (!f.is_linear() || std::count_if(f.coefficients.begin(), f.coefficients.end(), [](int64_t k) { return k != 0; }) > 1)
      return false;
  std::vector<std::pair<int64_t, int64_t>> bounds = box.bounds();
  if (!split_groups(bounds, {&a.index, &b.index, &c.index})) return false;
  int dims = static_cast<int>(bounds.size());
  bool padded = !with_parameters(s.domain, values).is_equal(with_parameters(s.box, values));
  if (padded && !is_padded_box(s, tensors, values)) return false;
  a.padded = b.padded = padded;

  Contraction x;
  std::vector<Loop> only_a, only_b;
  for (int d = 0; d < dims; ++d) {
    auto [lo, hi] = bounds[d];
    Loop l{lo, hi - lo + 1, d};
    bool in_a = a.uses(d), in_b = b.uses(d), in_c = c.uses(d);
    if (in_a && in_b && in_c) x.batch.push_back(l);
    else if (in_a && in_c) only_a.push_back(l);
    else if (in_b && in_c) only_b.push_back(l);
    else if (in_a && in_b) x.sums.push_back(l);
    else if (l.extent == 1) x.batch.push_back(l);
    else return false;
  }
  auto slowest = [&](const std::vector<Loop>& loops) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const Loop& l : loops)
      if (l.extent > 1) least = std::min(least, std::abs(c.step(l.dim)));
    return least;
  };
  if (slowest(only_a) < slowest(only_b)) {
    std::swap(a, b);
    std::swap(only_a, only_b);
  }
  x.a = a, x.b = b, x.c = c;
  auto settle = [&](std::vector<Loop>& loops) {
    for (Loop& l : loops) {
      l.row = a.step(l.dim);
      l.column = b.step(l.dim);
      l.out = c.step(l.dim);
    }
    std::erase_if(loops, [&](const Loop& l) {
      if (l.extent == 1 && &loops != &x.batch) x.batch.push_back(l);
      return l.extent == 1 && &loops != &x.batch;
    });
  };
  settle(only_a);
  settle(only_b);
  settle(x.sums);
  auto by_out = [](const Loop& p, const Loop& q) { return p.out > q.out; };
  std::sort(only_a.begin(), only_a.end(), by_out);
  std::sort(only_b.begin(), only_b.end(), by_out);
  // What is not part of one matrix of C joins the batch, outermost first.
  auto fit = [&](std::vector<Loop>& loops, bool unit) {
    while (!loops.empty() && (!coalesce(loops, &Loop::out) || loops.back().out <= 0)) {
      x.batch.push_back(loops.front());
      loops.erase(loops.begin());
    }
    if (unit && !loops.empty() && loops.back().out != 1) {
      x.batch.insert(x.batch.end(), loops.begin(), loops.end());
      loops.clear();
    }
  };
  fit(only_b, true);
  fit(only_a, false);
  x.rows = only_a;
  x.columns = only_b;
  if (!x.rows.empty() && x.rows.back().out < count(x.columns)) {  // rows would overlap
    x.batch.insert(x.batch.end(), x.rows.begin(), x.rows.end());
    x.rows.clear();
  }
  constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
  if (count(x.rows) * count(x.columns) * count(x.sums) < 8 || count(x.columns) > kMaxInt || count(x.rows) > kMaxInt ||
      count(x.sums) > kMaxInt || (!x.rows.empty() && x.rows.back().out > kMaxInt) ||
      a.tensor->data == nullptr || count(x.batch) > (int64_t{1} << 22))
    return false;
  for (int64_t n : {count(x.rows), count(x.columns)})
    if (n * count(x.sums) > kBlockElements * 64) return false;
  type == DType::f32 ? x.run<float>(dims) : x.run<double>(dims);
  return true;
}

}  // namespace nasc
