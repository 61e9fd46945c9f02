// Elementwise statements and reductions of prepared Programs: loops merged where all accesses allow
// it, vectors inside.
#include <algorithm>
#include <array>

#include "ir/execute_parts.h"
#include "ir/prepared_parts.h"
#include "ir/scalar.h"

namespace nasc {
namespace {
constexpr int kLanes = 512;

struct alignas(64) Lanes {
  std::array<std::byte, kLanes * 8> bytes; // float, or int64_t for integers and bool
  float* f() { return reinterpret_cast<float*>(bytes.data()); }
  int64_t* i() { return reinterpret_cast<int64_t*>(bytes.data()); }
};

struct Node {
  Fn fn;
  DType type, operands;
  std::vector<int> args;
  int index = 0;
  double number = 0;
  int64_t integer = 0;
  RowKernel fast = nullptr;
  ScalarFn slow = nullptr;
};

// One access along the loops of the statement.
struct Stream {
  NestRef ref;
  std::vector<int64_t> steps;
  int64_t inner = 0;
};

struct Rows : Step {
  std::vector<NestLoop> loops; // outermost first
  std::vector<Stream> reads;
  Stream write;
  std::vector<Node> nodes;
  std::vector<std::vector<int64_t>> iterators; // [iterator][loop.., constant]
  Combine combine = Combine::assign;
  bool guarded = false;
  size_t count = 0; // loops of the nest

  int add(const ExprRef& e) {
    Node n{e->fn, e->dtype, e->dtype, {}, e->index, e->number, e->integer, nullptr, nullptr};
    for (const auto& a : e->args)
      n.args.push_back(add(a));
    if (!e->args.empty()) {
      n.operands = e->args.back()->dtype;
      if (e->fn != Fn::cast) {
        n.fast = row_kernel(e->fn, n.operands);
        n.slow = scalar_fn(e->fn, n.operands);
      }
    } else if (e->fn == Fn::extent) {
      n.fn = Fn::constant;
      n.integer = e->extent_value.constant();
    }
    nodes.push_back(std::move(n));
    return static_cast<int>(nodes.size()) - 1;
  }
  static Scalar lane(DType type, const void* at, int i) {
    if (type == DType::f32)
      return {.f = static_cast<const float*>(at)[i]};
    return {.i = static_cast<const int64_t*>(at)[i]};
  }
  static void set_lane(DType type, void* at, int i, Scalar v) {
    if (type == DType::f32)
      static_cast<float*>(at)[i] = static_cast<float>(v.f);
    else
      static_cast<int64_t*>(at)[i] = v.i;
  }
  void constants(std::vector<Lanes>& registers) const {
    for (size_t k = 0; k < nodes.size(); ++k) {
      const Node& n = nodes[k];
      if (n.fn != Fn::constant)
        continue;
      if (n.type == DType::f32)
        std::fill_n(registers[k].f(), kLanes, static_cast<float>(n.number));
      else
        std::fill_n(registers[k].i(), kLanes, wrapped(n.type, n.integer));
    }
  }
  // Values of the body for `n` points from iteration v of the inner loop on.
  const float* evaluate(std::vector<Lanes>& registers, std::vector<const void*>& now,
                        float* const* at, const std::vector<int64_t>& point, int64_t v,
                        int n) const {
    for (size_t k = 0; k < nodes.size(); ++k) {
      const Node& x = nodes[k];
      Lanes& out = registers[k];
      now[k] = out.bytes.data();
      if (x.fn == Fn::constant)
        continue;
      if (x.fn == Fn::read) {
        int64_t step = reads[static_cast<size_t>(x.index)].inner;
        const float* from = at[x.index] + v * step;
        if (step == 1)
          now[k] = from;
        else if (step == 0)
          std::fill_n(out.f(), n, *from);
        else
          for (int i = 0; i < n; ++i)
            out.f()[i] = from[i * step];
      } else if (x.fn == Fn::iterator) {
        const std::vector<int64_t>& row = iterators[static_cast<size_t>(x.index)];
        int64_t value = row[count], step = loops.empty() ? 0 : row[loops.back().loop];
        for (size_t l = 0; l < count; ++l)
          value += row[l] * point[l];
        for (int i = 0; i < n; ++i)
          out.i()[i] = value + (v + i) * step;
      } else if (x.fn == Fn::cast && x.type == DType::f32 && x.operands != DType::f32) {
        auto from = static_cast<const int64_t*>(now[static_cast<size_t>(x.args[0])]);
        for (int i = 0; i < n; ++i)
          out.f()[i] = static_cast<float>(from[i]);
      } else if (x.fast) {
        const void* args[3];
        for (size_t a = 0; a < x.args.size(); ++a)
          args[a] = now[static_cast<size_t>(x.args[a])];
        x.fast(args, out.bytes.data(), n);
      } else {
        Scalar args[3];
        for (int i = 0; i < n; ++i) {
          for (size_t a = 0; a < x.args.size(); ++a) {
            size_t j = static_cast<size_t>(x.args[a]);
            args[a] = lane(nodes[j].type, now[j], i);
          }
          set_lane(x.type, out.bytes.data(), i,
                   x.fn == Fn::cast ? convert(x.operands, x.type, args[0])
                                    : x.slow(x.operands, args));
        }
      }
    }
    return static_cast<const float*>(now.back());
  }

  static float apply(Combine how, float a, float b) {
    switch (how) {
    case Combine::assign:
      return b;
    case Combine::add:
      return a + b;
    case Combine::mul:
      return a * b;
    case Combine::max:
      return a != a || a > b ? a : b;
    case Combine::min:
      return a != a || a < b ? a : b;
    }
    return b;
  }
  void combine_row(float* to, int64_t step, const float* from, int n) const {
    if (step == 0 && combine == Combine::add) {
      *to += row_sums().sum(from, n);
    } else if (step == 1 && combine == Combine::assign) {
      std::copy(from, from + n, to);
    } else if (step == 1 && combine == Combine::add) {
      row_sums().add(to, from, n);
    } else if (combine == Combine::assign) {
      for (int i = 0; i < n; ++i)
        to[i * step] = from[i];
    } else {
      for (int i = 0; i < n; ++i)
        to[i * step] = apply(combine, to[i * step], from[i]);
    }
  }

  static Run row_at(const RowWalk& rows, std::vector<int64_t>& point) {
    Run out{};
    rows(point, [&](const Run& r) { out = r; });
    return out;
  }
  void run(float* const* data) const override {
    for (const NestLoop& l : loops)
      if (l.extent == 0)
        return;
    std::vector<Lanes> registers(nodes.size());
    std::vector<const void*> now(nodes.size());
    std::vector<float*> at(reads.size());
    constants(registers);
    std::vector<int64_t> point(std::max<size_t>(count, 1), 0);
    std::vector<NestLoop> outer = loops;
    NestLoop inner{count, 0, 1};
    if (!outer.empty()) {
      inner = outer.back();
      outer.pop_back();
    }
    auto row = [&](float* to, int64_t first, int64_t last) {
      for (int64_t v = first; v < last; v += kLanes) {
        int n = static_cast<int>(std::min<int64_t>(kLanes, last - v));
        combine_row(to + v * write.inner, write.inner,
                    evaluate(registers, now, at.data(), point, v, n), n);
      }
    };
    if (guarded) {
      RowWalk written(write.ref, {}, inner);
      std::vector<RowWalk> read;
      for (const Stream& r : reads)
        read.emplace_back(r.ref, std::vector<NestLoop>{}, inner);
      walk(outer, point, [&] {
        Run r = row_at(written, point);
        float* to = data[write.ref.tensor] + r.offset;
        for (size_t k = 0; k < reads.size(); ++k) {
          Run of = row_at(read[k], point);
          r.first = std::max(r.first, of.first);
          r.last = std::min(r.last, of.last);
          at[k] = data[reads[k].ref.tensor] + of.offset;
        }
        row(to, r.first, r.last);
      });
      return;
    }
    // Offsets are kept up to date by steps.
    float* to = data[write.ref.tensor] + write.ref.base();
    for (size_t k = 0; k < reads.size(); ++k)
      at[k] = data[reads[k].ref.tensor] + reads[k].ref.base();
    for (;;) {
      row(to, 0, inner.extent);
      size_t k = outer.size();
      for (; k > 0; --k) {
        const NestLoop& l = outer[k - 1];
        bool more = ++point[l.loop] < l.extent;
        int64_t by = more ? 1 : 1 - l.extent;
        to += by * write.steps[l.loop];
        for (size_t r = 0; r < reads.size(); ++r)
          at[r] += by * reads[r].steps[l.loop];
        if (more)
          break;
        point[l.loop] = 0;
      }
      if (k == 0)
        return;
    }
  }
};

Stream stream(const NestRef& ref, size_t loops) {
  Stream s{ref, {}};
  for (size_t l = 0; l < loops; ++l)
    s.steps.push_back(ref.step(l));
  return s;
}
} // namespace

std::unique_ptr<Step> rows_step(const Program& p, const Statement& s,
                                const std::vector<Strides>& strides) {
  if (p.tensor(s.write.tensor).dtype != DType::f32)
    return nullptr;
  bool reads_itself = false;
  for (const Access& a : s.reads) {
    if (p.tensor(a.tensor).dtype != DType::f32)
      return nullptr;
    reads_itself |= a.tensor == s.write.tensor;
  }
  bool known = true, positions = false;
  std::vector<bool> by_iterator(s.iterators.size(), false);
  visit(s.body, [&](const Expr& e) {
    known &= e.dtype == DType::f32 || e.dtype == DType::i64 || e.dtype == DType::boolean;
    if (e.fn == Fn::iterator)
      positions = by_iterator[static_cast<size_t>(e.index)] = true;
  });
  if (!known)
    return nullptr;
  auto nest = make_nest(p, s, strides);
  if (!nest)
    return nullptr;
  auto r = std::make_unique<Rows>();
  r->count = nest->extents.size();
  r->combine = s.combine;
  r->guarded = nest->guarded;
  r->iterators = nest->iterators;
  r->write = stream(nest->write, r->count);
  for (const NestRef& ref : nest->reads)
    r->reads.push_back(stream(ref, r->count));
  r->add(s.body);
  for (size_t l = 0; l < r->count; ++l)
    if (nest->extents[l] != 1)
      r->loops.push_back({l, 0, nest->extents[l]});

  // Any order will do where elements are written once or combined in any order.
  bool free_order =
      !reads_itself && (s.combine == Combine::assign ? nest->write.separable() : s.reassociable);
  auto weight = [&](const NestLoop& l) {
    int64_t sum = std::abs(r->write.steps[l.loop]);
    for (const Stream& x : r->reads)
      sum += std::abs(x.steps[l.loop]);
    return sum;
  };
  if (free_order)
    std::stable_sort(r->loops.begin(), r->loops.end(),
                     [&](const NestLoop& a, const NestLoop& b) { return weight(a) > weight(b); });
  auto in_body = [&](size_t loop) {
    for (size_t k = 0; positions && k < by_iterator.size(); ++k)
      if (by_iterator[k] && nest->iterators[k][loop] != 0)
        return true;
    return false;
  };
  for (size_t k = 1; !r->guarded && k < r->loops.size();) {
    NestLoop &a = r->loops[k - 1], &b = r->loops[k];
    auto together = [&](const Stream& x) { return x.steps[a.loop] == x.steps[b.loop] * b.extent; };
    bool merge = !in_body(a.loop) && !in_body(b.loop) && together(r->write) &&
                 std::all_of(r->reads.begin(), r->reads.end(), together);
    if (!merge) {
      ++k;
      continue;
    }
    b.extent *= a.extent;
    r->loops.erase(r->loops.begin() + static_cast<int64_t>(k) - 1);
  }
  if (!r->loops.empty()) {
    size_t inner = r->loops.back().loop;
    r->write.inner = r->write.steps[inner];
    for (Stream& x : r->reads)
      x.inner = x.steps[inner];
  }
  // A row that reads what the same row writes is right point by point only when it reads the very
  // element.
  if (reads_itself)
    return nullptr;
  return r;
}

} // namespace nasc
