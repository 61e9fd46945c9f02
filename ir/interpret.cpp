// Point by point execution of Programs.
#include "ir/interpret.h"

#include <algorithm>

#include "ir/prefetch.h"
#include "ir/scalar.h"

namespace nasc {
namespace {
constexpr int64_t kMaxInstances = 2'000'000'000;

// Elements of one tensor, with the halo of its layout around them (zero unless written).
struct Storage {
  DType dtype;
  std::vector<int64_t> shape, before, extents, strides;
  HostTensor own;
  std::byte* data = nullptr;
  bool has_halo = false;

  Storage(const Tensor& t, const std::vector<int64_t>& shape_) : dtype(t.dtype), shape(shape_) {
    Layout l = layout_of(t);
    strides.resize(shape.size());
    for (int d = 0; d < t.rank(); ++d) {
      before.push_back(l.halo[d].first);
      extents.push_back(shape[d] + l.halo[d].first + l.halo[d].second);
      has_halo |= l.halo[d].first || l.halo[d].second;
    }
    int64_t s = 1;
    for (int d = t.rank() - 1; d >= 0; --d) {
      strides[d] = s;
      s *= std::max<int64_t>(extents[d], 1);
    }
  }
  void own_elements() {
    own = zeros(dtype, extents);
    data = own.bytes.data();
  }
  // Copies the elements inside the halo from (or to) plain row-major bytes.
  void copy(std::byte* plain, bool in) {
    size_t width = bytes(dtype);
    int64_t count = element_count(shape);
    std::vector<int64_t> index(shape.size(), 0);
    for (int64_t n = 0; n < count; ++n) {
      int64_t offset = 0;
      for (size_t d = 0; d < shape.size(); ++d) offset += (index[d] + before[d]) * strides[d];
      std::byte *inner = data + offset * width, *outer = plain + n * width;
      std::memcpy(in ? inner : outer, in ? outer : inner, width);
      for (int d = static_cast<int>(shape.size()) - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
    }
  }
};

// Addresses of one access.
struct Reader {
  Storage* storage;
  std::vector<IndexFn> index;
  bool linear = true;
  int64_t offset = 0, step = 0;  // of the present row, in elements
  std::string where;

  Reader(Storage& s, const Access& a, const ParameterValues& values, std::string where_)
      : storage(&s), index(index_fns(a, values)), where(std::move(where_)) {
    for (const IndexFn& f : index) linear &= f.is_linear();
  }
  int64_t at(const int64_t* point) const {
    int64_t offset = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      int64_t i = index[d](point) + storage->before[d];
      NASC_CHECK(i >= 0 && i < storage->extents[d]) << where << " leaves its tensor in dimension " << d << ": index " << i;
      offset += i * storage->strides[d];
    }
    return offset;
  }
  void begin(int64_t* point, int dims, int64_t lo, int64_t hi) {
    if (!linear) return;
    if (dims) point[dims - 1] = hi;
    at(point);
    if (dims) point[dims - 1] = lo;
    offset = at(point);
    step = 0;
    for (size_t d = 0; d < index.size() && dims; ++d) step += index[d].coefficients[dims - 1] * storage->strides[d];
  }
};

struct Step {
  enum Kind { read, iterator, function, cast } kind;
  DType dtype, operands;
  int target, index;
  std::vector<int> args;
  ScalarFn fn;
};

struct Body {
  std::vector<Scalar> values;
  std::vector<Step> steps;
  int result;

  Body(const ExprRef& e, const ParameterValues& parameters) { result = add(e, parameters); }
  int add(const ExprRef& e, const ParameterValues& parameters) {
    std::vector<int> args;
    for (const auto& a : e->args) args.push_back(add(a, parameters));
    int target = static_cast<int>(values.size());
    values.push_back({.i = 0});
    if (e->fn == Fn::constant) {
      if (is_float(e->dtype)) values[target].f = rounded(e->dtype, e->number);
      else values[target].i = wrapped(e->dtype, e->integer);
    } else if (e->fn == Fn::extent) {
      values[target].i = evaluate({e->extent_value}, parameters)[0];
    } else {
      Step::Kind kind = e->fn == Fn::read       ? Step::read
                        : e->fn == Fn::iterator ? Step::iterator
                        : e->fn == Fn::cast     ? Step::cast
                                                : Step::function;
      DType operands = e->args.empty() ? e->dtype : e->args.back()->dtype;
      steps.push_back({kind, e->dtype, operands, target, e->index, args,
                       kind == Step::function ? scalar_fn(e->fn, operands) : nullptr});
    }
    return target;
  }
  template <class Load>
  Scalar run(const int64_t* point, Load&& load_read) {
    Scalar a[3];
    for (const Step& s : steps) {
      for (size_t k = 0; k < s.args.size(); ++k) a[k] = values[s.args[k]];
      Scalar& out = values[s.target];
      if (s.kind == Step::read) out = load_read(s.index);
      else if (s.kind == Step::function) out = s.fn(s.operands, a);
      else if (s.kind == Step::cast) out = convert(s.operands, s.dtype, a[0]);
      else out.i = point[s.index];
    }
    return values[result];
  }
};

void run(const Program& program, const Statement& s, std::map<std::string, Storage>& storage,
         const ParameterValues& values) {
  if (is_prefetch(s)) return;
  Points points(s.domain, values);
  if (points.volume() > kMaxInstances) {
    int64_t count = 0;
    points.rows([&](int64_t*, int64_t lo, int64_t hi) {
      count += hi - lo + 1;
      if (count > kMaxInstances)
        throw UserError(code::limit, program.name, "statement " + s.name + " has more than 2e9 instances");
    });
  }
  std::string where = program.name + "." + s.name;
  std::vector<Reader> reads;
  for (const Access& a : s.reads) reads.emplace_back(storage.at(a.tensor), a, values, where + ": read of " + a.tensor);
  Reader write(storage.at(s.write.tensor), s.write, values, where + ": write of " + s.write.tensor);
  DType type = write.storage->dtype;
  int width = bytes(type), dims = points.dims();
  constexpr Fn kCombine[] = {Fn::select, Fn::add, Fn::mul, Fn::max, Fn::min};
  ScalarFn combine = s.is_reduction() ? scalar_fn(kCombine[static_cast<int>(s.combine)], type) : nullptr;
  Body body(s.body, values);

  points.rows([&](int64_t* point, int64_t lo, int64_t hi) {
    for (Reader& r : reads) r.begin(point, dims, lo, hi);
    write.begin(point, dims, lo, hi);
    for (int64_t v = lo; v <= hi; ++v) {
      if (dims) point[dims - 1] = v;
      Scalar result = body.run(point, [&](int k) {
        Reader& r = reads[k];
        int64_t offset = r.linear ? r.offset + (v - lo) * r.step : r.at(point);
        return load(r.storage->dtype, r.storage->data + offset * bytes(r.storage->dtype));
      });
      int64_t offset = write.linear ? write.offset + (v - lo) * write.step : write.at(point);
      std::byte* at = write.storage->data + offset * width;
      if (combine) {
        Scalar pair[2] = {load(type, at), result};
        result = combine(type, pair);
      }
      store(type, at, result);
    }
  });
}
}  // namespace

void interpret(const Program& program, Bindings& bindings, const ParameterValues& given) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const Tensor& t : program.tensors) {
    auto it = bindings.find(t.name);
    if (t.role == Role::temp || t.role == Role::output || (t.role == Role::weight && it == bindings.end() && t.payload))
      continue;
    if (it == bindings.end()) throw UserError(code::bad_tensor, program.name, "tensor " + t.name + " is not bound");
    if (it->second.dtype != t.dtype)
      throw UserError(code::bad_tensor, program.name,
                      text("tensor ", t.name, " is ", name(t.dtype), ", given ", name(it->second.dtype)));
    if (static_cast<int64_t>(it->second.bytes.size()) != it->second.count() * bytes(t.dtype))
      throw UserError(code::bad_tensor, program.name, "tensor " + t.name + " has another number of bytes than its shape");
    shapes[t.name] = it->second.shape;
  }
  ParameterValues values = parameter_values(program, shapes, given);

  std::map<std::string, Storage> storage;
  for (const Tensor& t : program.tensors) {
    Storage& s = storage.emplace(t.name, Storage(t, evaluate(t.shape, values))).first->second;
    if (t.role == Role::input || t.role == Role::weight) {
      if (!shapes.count(t.name)) bindings[t.name] = host_tensor(t.dtype, s.shape, t.payload);
      HostTensor& bound = bindings[t.name];
      if (s.has_halo) {
        s.own_elements();
        s.copy(bound.bytes.data(), true);
      } else {
        s.data = bound.bytes.data();
      }
    } else {
      s.own_elements();
    }
  }
  for (const Statement& s : program.statements) run(program, s, storage, values);
  for (const Tensor& t : program.tensors) {
    if (t.role != Role::output) continue;
    Storage& s = storage.at(t.name);
    if (s.has_halo) {
      HostTensor out = zeros(t.dtype, s.shape);
      s.copy(out.bytes.data(), false);
      bindings[t.name] = std::move(out);
    } else {
      bindings[t.name] = std::move(s.own);
    }
  }
}

}  // namespace nasc
