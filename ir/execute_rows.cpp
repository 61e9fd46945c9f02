// Statements evaluated a row of the innermost iterator at a time.
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "ir/execute_parts.h"
#include "ir/scalar.h"
#include "ir/selection.h"

namespace nasc {
namespace {
constexpr int kLanes = 256;
constexpr int64_t kShortRow = 16;

// One value per point of a row: float for f32, double for other floats, int64_t for integers and bool.
struct alignas(64) Lanes {
  std::array<std::byte, kLanes * 8> bytes;
  template <class T>
  T* as() { return reinterpret_cast<T*>(bytes.data()); }
};
Scalar lane(DType type, const void* lanes, int i) {
  if (type == DType::f32) return {.f = static_cast<const float*>(lanes)[i]};
  if (is_float(type)) return {.f = static_cast<const double*>(lanes)[i]};
  return {.i = static_cast<const int64_t*>(lanes)[i]};
}
void set_lane(DType type, void* lanes, int i, Scalar v) {
  if (type == DType::f32) static_cast<float*>(lanes)[i] = static_cast<float>(v.f);
  else if (is_float(type)) static_cast<double*>(lanes)[i] = v.f;
  else static_cast<int64_t*>(lanes)[i] = v.i;
}

// Addresses of one access along rows of dimension `inner`.
struct Stream {
  const Elements* tensor;
  std::vector<IndexFn> index;
  std::vector<int64_t> strides;
  bool linear = true;
  int64_t step = 0, offset = 0;
  int inner;
  std::string where;

  Stream(const Elements& t, const Access& a, const ParameterValues& values, int inner_, std::string where_)
      : tensor(&t), index(index_fns(a, values)), strides(row_major_strides(t.shape)), inner(inner_), where(std::move(where_)) {
    for (size_t d = 0; d < index.size(); ++d) {
      linear &= index[d].is_linear();
      if (inner >= 0 && index[d].is_linear()) step += index[d].coefficients[inner] * strides[d];
    }
  }
  int64_t at(const int64_t* point) const {
    int64_t sum = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      int64_t i = index[d](point);
      NASC_CHECK(i >= 0 && i < tensor->shape[d]) << where << " leaves its tensor in dimension " << d << ": index " << i;
      sum += i * strides[d];
    }
    return sum;
  }
  void begin(int64_t* point, int64_t lo, int64_t hi) {
    if (!linear) return;
    if (inner >= 0) point[inner] = hi;
    at(point);
    if (inner >= 0) point[inner] = lo;
    offset = at(point) - (inner >= 0 ? lo * step : 0);
  }
  std::byte* element(int64_t* point, int64_t v) const {
    if (inner >= 0) point[inner] = v;
    return tensor->data + (linear ? offset + v * step : at(point)) * bytes(tensor->dtype);
  }
};

struct Step {
  Fn fn;
  DType dtype, operands;
  std::vector<int> args;
  int index = 0;
  RowKernel fast = nullptr;
  ScalarFn slow = nullptr;
};

// The body with one register of lanes per node.
struct RowBody {
  std::vector<Step> steps;
  std::vector<Lanes> registers;
  std::vector<const void*> now;  // where each node's lanes are at present: its register, or the tensor itself

  RowBody(const ExprRef& e, const ParameterValues& values, const ExecuteOptions& options) {
    add(e, values, options);
    registers.resize(steps.size());
    now.resize(steps.size());
    for (size_t k = 0; k < steps.size(); ++k) now[k] = registers[k].bytes.data();
    for (size_t k = 0; k < steps.size(); ++k)
      if (steps[k].fn == Fn::constant || steps[k].fn == Fn::extent) fill(static_cast<int>(k), constants_[k]);
  }
  DType type() const { return steps.back().dtype; }
  void fill(int k, Scalar v) {
    for (int i = 0; i < kLanes; ++i) set_lane(steps[k].dtype, registers[k].bytes.data(), i, v);
  }
  const void* run(int64_t* point, int64_t v, int n, int inner, std::vector<Stream>& reads) {
    for (size_t k = 0; k < steps.size(); ++k) {
      const Step& s = steps[k];
      void* out = registers[k].bytes.data();
      if (s.fn == Fn::constant || s.fn == Fn::extent) continue;
      if (s.fn == Fn::read) {
        now[k] = load_row(reads[s.index], point, v, n, registers[k]);
      } else if (s.fn == Fn::iterator) {
        for (int i = 0; i < n; ++i) registers[k].as<int64_t>()[i] = s.index == inner ? v + i : point[s.index];
      } else if (s.fast) {
        const void* args[3];
        for (size_t a = 0; a < s.args.size(); ++a) args[a] = now[s.args[a]];
        s.fast(args, out, n);
      } else {
        Scalar args[3];
        for (int i = 0; i < n; ++i) {
          for (size_t a = 0; a < s.args.size(); ++a) args[a] = lane(steps[s.args[a]].dtype, now[s.args[a]], i);
          set_lane(s.dtype, out, i, s.fn == Fn::cast ? convert(s.operands, s.dtype, args[0]) : s.slow(s.operands, args));
        }
      }
    }
    return now.back();
  }

 private:
  std::map<size_t, Scalar> constants_;

  int add(const ExprRef& e, const ParameterValues& values, const ExecuteOptions& options) {
    Step s{e->fn, effective(e->dtype, options), effective(e->dtype, options), {}, e->index, nullptr, nullptr};
    for (const auto& a : e->args) s.args.push_back(add(a, values, options));
    if (!e->args.empty()) {
      s.operands = effective(e->args.back()->dtype, options);
      if (e->fn != Fn::cast) {
        s.fast = row_kernel(e->fn, s.operands);
        s.slow = scalar_fn(e->fn, s.operands);
      }
    }
    size_t k = steps.size();
    if (e->fn == Fn::constant && is_float(s.dtype)) constants_[k].f = rounded(s.dtype, e->number);
    else if (e->fn == Fn::constant) constants_[k].i = wrapped(s.dtype, e->integer);
    else if (e->fn == Fn::extent) constants_[k].i = evaluate({e->extent_value}, values)[0];
    steps.push_back(std::move(s));
    return static_cast<int>(k);
  }
  template <class T>
  static const void* gather(const Stream& r, int64_t v, int n, Lanes& lanes) {
    const T* from = reinterpret_cast<const T*>(r.tensor->data) + r.offset + v * r.step;
    if (r.step == 1) return from;
    T* to = lanes.as<T>();
    for (int i = 0; i < n; ++i) to[i] = from[i * r.step];
    return to;
  }
  static const void* load_row(const Stream& r, int64_t* point, int64_t v, int n, Lanes& lanes) {
    DType t = r.tensor->dtype;
    if (r.linear && t == DType::f32) return gather<float>(r, v, n, lanes);
    if (r.linear && (t == DType::f64 || t == DType::i64)) return gather<double>(r, v, n, lanes);
    for (int i = 0; i < n; ++i) set_lane(t, lanes.bytes.data(), i, load(t, r.element(point, v + i)));
    return lanes.bytes.data();
  }
};

constexpr Fn kCombine[] = {Fn::select, Fn::add, Fn::mul, Fn::max, Fn::min};

void store_row(const Stream& w, int64_t* point, int64_t v, int n, const void* lanes, Combine combine) {
  DType t = w.tensor->dtype;
  if (w.linear && t == DType::f32 && (combine == Combine::assign || combine == Combine::add)) {
    float* to = reinterpret_cast<float*>(w.tensor->data) + w.offset + v * w.step;
    auto from = static_cast<const float*>(lanes);
    if (combine == Combine::assign)
      for (int i = 0; i < n; ++i) to[i * w.step] = from[i];
    else if (w.step == 0) {
      float sum = *to;
      for (int i = 0; i < n; ++i) sum += from[i];
      *to = sum;
    } else
      for (int i = 0; i < n; ++i) to[i * w.step] += from[i];
    return;
  }
  ScalarFn f = combine == Combine::assign ? nullptr : scalar_fn(kCombine[static_cast<int>(combine)], t);
  for (int i = 0; i < n; ++i) {
    std::byte* at = w.element(point, v + i);
    Scalar value = lane(t, lanes, i);
    if (f) {
      Scalar pair[2] = {load(t, at), value};
      value = f(t, pair);
    }
    store(t, at, value);
  }
}

// The order of iteration: as written, but short reductions go outside of the written element's own dimensions, so
// that rows are long. Each element still combines its values in the same order.
std::vector<int> iteration_order(const Statement& s, const std::vector<IndexFn>& write, const Points& points, bool reads_itself) {
  int n = points.dims();
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  if (n < 2 || reads_itself || !s.is_reduction() || points.empty()) return order;
  auto extent = [&](int d) { return points.bounds()[d].second - points.bounds()[d].first + 1; };
  if (extent(n - 1) >= kShortRow) return order;
  int users = 0;
  std::vector<int> outer, inner;
  for (int d = 0; d < n; ++d) {
    bool ignored = true;
    for (const IndexFn& f : write) ignored &= f.ignores(d);
    (ignored ? outer : inner).push_back(d);
  }
  for (const IndexFn& f : write) {  // each dimension of its own iterator: injective
    int used = 0;
    for (int d : inner) used += !f.ignores(d);
    if (used > 1 || !f.is_linear()) return order;
    users += used;
  }
  if (inner.empty() || outer.empty() || users != static_cast<int>(inner.size()) || extent(inner.back()) <= extent(n - 1))
    return order;
  outer.insert(outer.end(), inner.begin(), inner.end());
  return outer;
}

isl::set permuted(const isl::set& domain, const std::vector<int>& order) {
  std::string in, out;
  for (size_t k = 0; k < order.size(); ++k) {
    in += text(k ? ", i" : "i", k);
    out += text(k ? ", i" : "i", order[k]);
  }
  return domain.apply(isl::map(isl_context(), "{ " + tuple_name(domain) + "[" + in + "] -> [" + out + "] }"));
}
}  // namespace

void run_rows(const Program& program, const Statement& s, const ElementsByName& tensors, const ParameterValues& values,
              const ExecuteOptions& options) {
  Points points(s.domain, values);
  if (points.empty()) return;
  bool reads_itself = false, in_order = false;
  for (const Access& a : s.reads) {
    if (a.tensor != s.write.tensor) continue;
    reads_itself = true;
    in_order |= !a.map.plain_is_equal(s.write.map);
  }
  std::optional<Selection> selected = selection(s);
  std::vector<int> order = iteration_order(s, index_fns(s.write, values), points, reads_itself);
  if (selected) {
    order.clear();
    for (int d = 0; d < points.dims(); ++d)
      if (d != selected->iterator) order.push_back(d);
    order.push_back(selected->iterator);
  }
  if (!std::is_sorted(order.begin(), order.end())) points = Points(permuted(s.domain, order), values);
  int dims = points.dims(), inner = dims ? order.back() : -1;
  std::string where = program.name + "." + s.name;
  std::vector<Stream> reads;
  for (const Access& a : s.reads) reads.emplace_back(tensors.at(a.tensor), a, values, inner, where + ": read of " + a.tensor);
  Stream write(tensors.at(s.write.tensor), s.write, values, inner, where + ": write of " + s.write.tensor);
  RowBody body(selected ? selected->value : s.body, values, options);
  std::optional<RowBody> key;
  if (selected) key.emplace(selected->key, values, options);
  if (reads_itself && (!write.linear || write.step == 0)) in_order = true;
  int64_t chunk = in_order ? 1 : kLanes;
  std::vector<int64_t> own(std::max(dims, 1), 0);
  points.rows([&](int64_t* point, int64_t lo, int64_t hi) {
    for (int k = 0; k < dims; ++k) own[order[k]] = point[k];
    for (Stream& r : reads) r.begin(own.data(), lo, hi);
    write.begin(own.data(), lo, hi);
    if (key) {
      int64_t k = *static_cast<const int64_t*>(key->run(own.data(), lo, 1, inner, reads));
      if (k < lo || k > hi) return;
      lo = hi = k;
    }
    for (int64_t v = lo; v <= hi; v += chunk) {
      int n = static_cast<int>(std::min(chunk, hi - v + 1));
      const void* result = body.run(own.data(), v, n, inner, reads);
      store_row(write, own.data(), v, n, result, s.combine);
    }
  });
}

}  // namespace nasc
