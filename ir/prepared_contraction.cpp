// Contractions of prepared Programs: matrices in place where strides allow it, else gathered;
// results in place or scattered, block of columns by block.
#include <algorithm>

#include "ir/prepared_parts.h"

namespace nasc {
namespace {
constexpr int64_t kBlockElements = 1 << 19; // of a gathered or scattered block: 2 MiB

using Loops = std::vector<NestLoop>;

// The step of the last loop when all loops are one with that step.
std::optional<int64_t> fused(const NestRef& ref, const Loops& loops) {
  if (ref.guarded)
    return std::nullopt;
  for (size_t i = 0; i + 1 < loops.size(); ++i)
    if (ref.step(loops[i].loop) != ref.step(loops[i + 1].loop) * loops[i + 1].extent)
      return std::nullopt;
  return loops.empty() ? 0 : ref.step(loops.back().loop);
}

int64_t offset_at(const NestRef& ref, const std::vector<int64_t>& point) {
  int64_t sum = ref.base();
  for (size_t l = 0; l < point.size(); ++l)
    sum += point[l] * ref.step(l);
  return sum;
}

// The innermost loop apart, so that rows of memory are handled whole. Iterations of the last loop
// that are one piece of memory, and together one step of the loop before (the batch inside of a
// column), are its `unit`.
struct Inner {
  Loops outer;
  NestLoop last;
  int64_t unit = 1;
  Inner(const Loops& loops, const NestRef& ref, size_t none) : outer(loops), last{none, 0, 1} {
    if (outer.empty())
      return;
    last = outer.back();
    outer.pop_back();
    if (outer.empty() || last.lo != 0 || ref.step(last.loop) != 1 ||
        ref.step(outer.back().loop) != last.extent || leaves(ref, last.loop))
      return;
    unit = last.extent;
    last = outer.back();
    outer.pop_back();
  }
  // The loop moves a dimension that other loops move too: its iterations may leave the tensor one
  // by one.
  static bool leaves(const NestRef& ref, size_t loop) {
    return ref.guarded &&
           std::any_of(ref.coefficients.begin(), ref.coefficients.end(), [&](const auto& row) {
             return row[loop] != 0 &&
                    std::count_if(row.begin(), row.end(), [](int64_t c) { return c != 0; }) > 1;
           });
  }
};

// A matrix with `own` loops and the sums, for one block.
struct Matrix {
  const float* data;
  int64_t ld;
  bool sums_first; // rows are the sums
};

struct Contraction : Step {
  NestRef a, b, c;
  Loops batch, rows, columns, sums;
  size_t loops = 0;
  bool in_place = false; // c is a matrix already

  void gather(const NestRef& ref, const float* data, const Loops& own, std::vector<int64_t>& point,
              float* out) const {
    Inner in(own, ref, loops);
    int64_t step = own.empty() ? 0 : in.unit > 1 ? 1 : ref.step(in.last.loop);
    RowWalk rows_of(ref, in.outer, in.last);
    walk(sums, point, [&] {
      for (const NestLoop& l : own)
        point[l.loop] = l.lo;
      rows_of(point, [&](Run run) {
        run.first *= in.unit;
        run.last *= in.unit;
        const float* from = data + run.offset;
        std::fill(out, out + run.first, 0.f);
        if (step == 1)
          std::copy(from + run.first, from + run.last, out + run.first);
        else
          for (int64_t v = run.first; v < run.last; ++v)
            out[v] = from[v * step];
        std::fill(out + run.last, out + in.last.extent * in.unit, 0.f);
        out += in.last.extent * in.unit;
      });
    });
  }
  void scatter(const float* from, float* data, const Loops& block,
               std::vector<int64_t>& point) const {
    Inner in(block, c, loops);
    int64_t step = block.empty() ? 0 : in.unit > 1 ? 1 : c.step(in.last.loop);
    RowWalk rows_of(c, in.outer, in.last);
    walk(rows, point, [&] {
      for (const NestLoop& l : block)
        point[l.loop] = l.lo;
      rows_of(point, [&](Run run) {
        run.first *= in.unit;
        run.last *= in.unit;
        float* to = data + run.offset;
        if (step == 1)
          for (int64_t v = run.first; v < run.last; ++v)
            to[v] += from[v];
        else
          for (int64_t v = run.first; v < run.last; ++v)
            to[v * step] += from[v];
        from += in.last.extent * in.unit;
      });
    });
  }

  Matrix matrix(const NestRef& ref, const float* data, const Loops& own,
                std::vector<int64_t>& point, std::vector<float>& scratch) const {
    auto own_step = fused(ref, own), sum_step = fused(ref, sums);
    int64_t own_count = volume(own), sum_count = volume(sums);
    if (own_step && sum_step) {
      for (const NestLoop& l : own)
        point[l.loop] = l.lo;
      for (const NestLoop& l : sums)
        point[l.loop] = l.lo;
      const float* start = data + offset_at(ref, point);
      if ((*own_step == 1 || own_count == 1) && (sum_count == 1 || *sum_step >= own_count))
        return {start, std::max(sum_count == 1 ? own_count : *sum_step, own_count), true};
      if ((*sum_step == 1 || sum_count == 1) && (own_count == 1 || *own_step >= sum_count))
        return {start, std::max(own_count == 1 ? sum_count : *own_step, sum_count), false};
    }
    scratch.resize(static_cast<size_t>(own_count * sum_count));
    gather(ref, data, own, point, scratch.data());
    return {scratch.data(), own_count, true};
  }

  void block_product(const Matrix& left, const float* right, const Loops& block,
                     std::vector<int64_t>& point, float* out) const {
    thread_local std::vector<float> gathered, product;
    Matrix r = matrix(b, right, block, point, gathered);
    int64_t m = volume(rows), n = volume(block), k = volume(sums);
    if (in_place) {
      for (const auto* list : {&rows, &block})
        for (const NestLoop& l : *list)
          point[l.loop] = l.lo;
      int64_t ldc = rows.empty() ? n : c.step(rows.back().loop);
      sgemm(left.sums_first, !r.sums_first, m, n, k, left.data, left.ld, r.data, r.ld, 1,
            out + offset_at(c, point), std::max(ldc, n));
      return;
    }
    product.resize(static_cast<size_t>(m * n));
    sgemm(left.sums_first, !r.sums_first, m, n, k, left.data, left.ld, r.data, r.ld, 0,
          product.data(), n);
    scatter(product.data(), out, block, point);
  }

  void run(float* const* data) const override {
    thread_local std::vector<float> left_scratch;
    std::vector<int64_t> point(loops, 0);
    const float *left = data[a.tensor], *right = data[b.tensor];
    float* out = data[c.tensor];
    // The columns of one block: the last loops whole, a part of the one before, one point of the
    // others.
    int64_t depth = std::max(volume(sums), in_place ? int64_t{1} : volume(rows));
    int64_t room = std::max<int64_t>(kBlockElements / std::max<int64_t>(depth, 1), 64);
    size_t whole = columns.size();
    int64_t inner = 1;
    while (whole > 0 && inner * columns[whole - 1].extent <= room)
      inner *= columns[--whole].extent;
    Loops fixed(columns.begin(), columns.begin() + static_cast<int64_t>(whole ? whole - 1 : 0));
    walk(batch, point, [&] {
      Matrix l = matrix(a, left, rows, point, left_scratch);
      if (whole == 0)
        return block_product(l, right, columns, point, out);
      const NestLoop cut = columns[whole - 1];
      int64_t chunk = std::max<int64_t>(room / inner, 1);
      walk(fixed, point, [&] {
        for (int64_t lo = 0; lo < cut.extent; lo += chunk) {
          Loops block = {{cut.loop, cut.lo + lo, std::min(chunk, cut.extent - lo)}};
          block.insert(block.end(), columns.begin() + static_cast<int64_t>(whole), columns.end());
          block_product(l, right, block, point, out);
        }
      });
    });
  }
};
// Results at x = o + t k + constant, gathered instead of scattered: the loop o becomes one over x,
// the operand that o moves alone is read at o = x - t k - constant, where it has no element outside
// of the loop's range.
void gather_results(Nest& nest, const NestRef& left, NestRef& right, NestRef& out) {
  for (size_t d = 0; d < out.shape.size(); ++d) {
    const std::vector<int64_t> row = out.coefficients[d];
    if (std::count_if(row.begin(), row.end(), [](int64_t c) { return c != 0; }) < 2)
      continue;
    for (size_t o = 0; o < row.size(); ++o) {
      auto moves = [&](const NestRef& ref) {
        return std::count_if(ref.coefficients.begin(), ref.coefficients.end(),
                             [&](const auto& r) { return r[o] != 0; });
      };
      bool longest = true; // of a position and a tap of a window, it is the position
      for (size_t l = 0; l < row.size(); ++l)
        longest &= row[l] == 0 || nest.extents[l] <= nest.extents[o];
      if (!longest || row[o] != 1 || left.uses(o) || moves(out) != 1 || moves(right) != 1)
        continue;
      size_t e = 0;
      while (right.coefficients[e][o] == 0)
        ++e;
      std::vector<int64_t>& from = right.coefficients[e];
      bool alone = std::count_if(from.begin(), from.end(), [](int64_t c) { return c != 0; }) == 1;
      if (!alone || from[o] != 1 || right.constants[e] != 0 || right.shape[e] != nest.extents[o])
        continue;
      for (size_t l = 0; l < row.size(); ++l)
        if (l != o)
          from[l] = -row[l], out.coefficients[d][l] = 0;
      right.constants[e] = -out.constants[d];
      out.constants[d] = 0;
      nest.extents[o] = out.shape[d];
      right.guarded = true;
      break;
    }
  }
  out.guarded = false;
  for (size_t d = 0; d < out.shape.size(); ++d) {
    int64_t least = out.constants[d], most = least;
    for (size_t l = 0; l < nest.extents.size(); ++l)
      (out.coefficients[d][l] < 0 ? least : most) += out.coefficients[d][l] * (nest.extents[l] - 1);
    out.guarded |= least < 0 || most >= out.shape[d];
  }
}
} // namespace

std::unique_ptr<Step> contraction_step(const Program& p, const Statement& s,
                                       const std::vector<Strides>& strides) {
  const Expr& e = *s.body;
  bool product = s.combine == Combine::add && s.reassociable && e.fn == Fn::mul &&
                 e.args[0]->fn == Fn::read && e.args[1]->fn == Fn::read;
  if (!product)
    return nullptr;
  const Access &left = s.reads[static_cast<size_t>(e.args[0]->index)],
               &right = s.reads[static_cast<size_t>(e.args[1]->index)];
  for (const Access* x : {&s.write, &left, &right})
    if (p.tensor(x->tensor).dtype != DType::f32)
      return nullptr;
  if (left.tensor == s.write.tensor || right.tensor == s.write.tensor)
    return nullptr;
  auto nest = make_nest(p, s, strides);
  if (!nest)
    return nullptr;
  auto x = std::make_unique<Contraction>();
  x->a = nest->reads[static_cast<size_t>(e.args[0]->index)];
  x->b = nest->reads[static_cast<size_t>(e.args[1]->index)];
  x->c = nest->write;
  x->loops = nest->extents.size();
  if (!x->c.separable()) {
    gather_results(*nest, x->a, x->b, x->c);
    gather_results(*nest, x->b, x->a, x->c);
  }
  // The columns are the loops of the operand that follows the fastest ones of the result.
  auto fastest = [&](const NestRef& mine, const NestRef& other) {
    int64_t least = INT64_MAX;
    for (size_t l = 0; l < x->loops; ++l)
      if (nest->extents[l] > 1 && mine.uses(l) && !other.uses(l) && x->c.uses(l))
        least = std::min(least, std::abs(x->c.step(l)));
    return least;
  };
  auto width = [&](const NestRef& mine, const NestRef& other) {
    int64_t n = 1;
    for (size_t l = 0; l < x->loops; ++l)
      if (mine.uses(l) && !other.uses(l) && x->c.uses(l))
        n *= nest->extents[l];
    return n;
  };
  bool swap = x->c.separable() ? fastest(x->a, x->b) < fastest(x->b, x->a)
                               : width(x->a, x->b) > width(x->b, x->a);
  if (swap)
    std::swap(x->a, x->b);
  for (size_t l = 0; l < x->loops; ++l) {
    NestLoop loop{l, 0, nest->extents[l]};
    bool in_a = x->a.uses(l), in_b = x->b.uses(l), in_c = x->c.uses(l);
    if (loop.extent == 1 || (in_a && in_b && in_c))
      x->batch.push_back(loop);
    else if (in_a && in_c)
      x->rows.push_back(loop);
    else if (in_b && in_c)
      x->columns.push_back(loop);
    else if (in_a && in_b)
      x->sums.push_back(loop);
    else
      return nullptr;
  }
  if (volume(x->rows) * volume(x->columns) < 8 || volume(x->rows) * volume(x->sums) < 2)
    return nullptr; // rows do better
  auto by = [](const NestRef& ref) {
    return [&ref](const NestLoop& p, const NestLoop& q) {
      return std::abs(ref.step(p.loop)) > std::abs(ref.step(q.loop));
    };
  };
  std::stable_sort(x->rows.begin(), x->rows.end(), by(x->c));
  std::stable_sort(x->columns.begin(), x->columns.end(), by(x->c));
  std::stable_sort(x->sums.begin(), x->sums.end(), by(x->a.guarded ? x->b : x->a));
  auto row_step = fused(x->c, x->rows), column_step = fused(x->c, x->columns);
  x->in_place = x->c.separable() && row_step && column_step &&
                (x->columns.empty() || *column_step == 1) &&
                (x->rows.empty() || *row_step >= volume(x->columns));
  if (!x->in_place)
    std::stable_sort(x->rows.begin(), x->rows.end(), by(x->a));
  // Summing a part at a time keeps both operands where they are.
  auto stay = [&](const Loops& part) {
    auto one = [&](const NestRef& ref, const Loops& own) {
      auto step = fused(ref, own), sum = fused(ref, part);
      return step && sum && *step && *sum && (*step == 1 || *sum == 1);
    };
    return one(x->a, x->rows) && one(x->b, x->columns);
  };
  for (size_t k = 1; x->in_place && k < x->sums.size() && !stay(x->sums); ++k) {
    Loops part(x->sums.begin() + static_cast<int64_t>(k), x->sums.end());
    if (volume(part) < 8 || !stay(part))
      continue;
    x->batch.insert(x->batch.end(), x->sums.begin(), x->sums.begin() + static_cast<int64_t>(k));
    x->sums = part;
  }
  return x;
}

} // namespace nasc
