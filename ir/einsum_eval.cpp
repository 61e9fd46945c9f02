// Evaluation of expressions of the definition notation.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ir/einsum_build.h"

namespace nasc::einsum {
namespace {
constexpr int64_t kMaxList = 1 << 22;
constexpr int kMaxWork = 1 << 25;

// Numbers of a constant, or elements known symbolically.
std::optional<List> content_of(const Operand& o) {
  if (!o.value) return std::nullopt;
  if (o.value->content) return List(o.value->content->begin(), o.value->content->end());
  if (!o.value->constant) return std::nullopt;
  const Constant& c = *o.value->constant;
  int64_t n = c.count();
  if (n > kMaxList) return std::nullopt;
  List out;
  auto fill = [&]<class T>(const T* p) {
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_floating_point_v<T>) out.emplace_back(static_cast<double>(p[i]));
      else out.emplace_back(static_cast<int64_t>(p[i]));
    }
  };
  switch (c.dtype) {
    case DType::f32: fill(c.payload.as<float>()); break;
    case DType::f64: fill(c.payload.as<double>()); break;
    case DType::i64: fill(c.payload.as<int64_t>()); break;
    case DType::i32: fill(c.payload.as<int32_t>()); break;
    case DType::i16: fill(c.payload.as<int16_t>()); break;
    case DType::u16: fill(c.payload.as<uint16_t>()); break;
    case DType::u32: fill(c.payload.as<uint32_t>()); break;
    case DType::i8: fill(c.payload.as<int8_t>()); break;
    case DType::u8: case DType::boolean: fill(c.payload.as<uint8_t>()); break;
    default: return std::nullopt;
  }
  return out;
}

std::pair<double, double> float_range(DType t) {
  double inf = std::numeric_limits<double>::infinity();
  (void)t;
  return {-inf, inf};
}
Val range_limit(DType t, bool highest) {
  if (is_float(t)) return highest ? float_range(t).second : float_range(t).first;
  if (t == DType::boolean) return highest ? 1 : 0;
  int bits = bytes(t) * 8;
  if (info(t).is_signed) {
    int64_t top = bits == 64 ? INT64_MAX : (int64_t{1} << (bits - 1)) - 1;
    return highest ? top : -top - 1;
  }
  return highest ? (bits == 64 ? int64_t{-1} : (int64_t{1} << bits) - 1) : int64_t{0};
}

struct Compare {
  bool operator()(const Val& a, const Val& b) const { return number_of(a) < number_of(b); }
};
}  // namespace

Shape broadcast(const Shape& a, const Shape& b) {
  size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  for (size_t k = 0; k < rank; ++k) {
    Extent x = k + a.size() < rank ? Extent(1) : a[k + a.size() - rank];
    Extent y = k + b.size() < rank ? Extent(1) : b[k + b.size() - rank];
    if (x == y || y.is(1)) out[k] = x;
    else if (x.is(1)) out[k] = y;
    else if (x.is_constant() && y.is_constant())
      throw UserError(code::bad_shape, "", text("shapes ", text(a), " and ", text(b), " do not broadcast"));
    else
      throw UserError(code::unsupported_shape, "",
                      text("whether shapes ", text(a), " and ", text(b), " broadcast is not known at compile time"));
  }
  return out;
}

const Val* Builder::find(const std::string& name) const {
  for (size_t k = env.size(); k-- > 0;)
    if (env[k].first == name) return &env[k].second;
  return nullptr;
}
Val Builder::lookup(const std::string& name) const {
  if (const Val* v = find(name)) return *v;
  if (const DTypeInfo* t = find_dtype(std::string_view(name == "bool" ? "bool" : name))) return t->type;
  if (name == "none") return Val();
  if (name == "inf") return std::numeric_limits<double>::infinity();
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (name == "pi") return 3.14159265358979323846;
  if (name == "opset") return call.opset;
  if (name == "outputs") return static_cast<int64_t>(call.outputs.size());
  if (name == "true") return 1;
  if (name == "false") return 0;
  throw InternalError("definition of " + call.name + ": unknown name " + name);
}

bool Builder::decide(const AstRef& e) {
  auto known = truth(eval(e));
  if (!known) throw UserError(code::unsupported_shape, "", "depends on extents that are not known at compile time");
  return *known;
}

Val Builder::scalar(Val v) {
  if (auto t = v.as<TensorRef>()) return read_broadcast(t->id);
  return v;
}

Val Builder::eval(const AstRef& e) {
  if (!e) return Val();
  if (++work > kMaxWork) throw UserError(code::limit, "", "the definition takes too long to evaluate");
  switch (e->kind) {
    case Ast::integer: return e->number;
    case Ast::real: return e->value;
    case Ast::string: return e->text;
    case Ast::name: case Ast::spread: return lookup(e->text);
    case Ast::call: return eval_call(*e);
    case Ast::index: return eval_index(*e);
    case Ast::unary: return e->text == "not" ? call_scalar("not", {scalar(eval(e->args[0]))}) : negated(scalar(eval(e->args[0])));
    case Ast::ternary: {
      Val c = scalar(eval(e->args[0]));
      if (auto known = truth(c)) return eval(e->args[*known ? 1 : 2]);
      if (c.as<Cond>() && !current)
        throw UserError(code::unsupported_shape, "", "depends on extents that are not known at compile time");
      return select(c, scalar(eval(e->args[1])), scalar(eval(e->args[2])));
    }
    case Ast::binary: {
      Val a = eval(e->args[0]);
      if (e->text == "or" || e->text == "and") {
        if (a.none() && e->text == "or") return eval(e->args[1]);
        if (a.list() && e->text == "or" && e->args[1]->kind == Ast::list) return a;  // `L or []`
        if (a.as<TensorRef>() && e->text == "or") return a;  // `B or 0`
        if (body_type(a) && !a.as<Cond>() && e->text == "or") return a;  // `B[m] or 0`
        if (auto known = truth(a)) {
          if (*known == (e->text == "or")) return a;
          return eval(e->args[1]);
        }
        return binary(e->text, a, eval(e->args[1]));
      }
      Val b = eval(e->args[1]);
      if (e->text == "in") {
        for (const auto& x : list_of(b))
          if (truth(binary("==", a, x)) == true) return true;
        return false;
      }
      return binary(e->text, scalar(std::move(a)), scalar(std::move(b)));
    }
    case Ast::list: {
      List out;
      for (const auto& a : e->args) {
        Val v = eval(a);
        if (a->kind == Ast::spread) {
          for (const auto& x : list_of(v)) out.push_back(x);
        } else {
          out.push_back(std::move(v));
        }
      }
      return out;
    }
    case Ast::comprehension: {
      Val range = eval(e->args[1]);
      List out;
      size_t mark = env.size();
      env.emplace_back(e->text, Val());
      for (const auto& x : list_of(range)) {
        env[mark].second = x;
        if (e->args[2] && !decide(e->args[2])) continue;
        out.push_back(eval(e->args[0]));
      }
      env.resize(mark);
      return out;
    }
    case Ast::slice: break;
  }
  throw InternalError("definition of " + call.name + ": misplaced slice");
}

Val Builder::eval_index(const Ast& e) {
  Val base = eval(e.args[0]);
  if (base.none()) return Val();
  if (auto t = base.as<TensorRef>()) {
    std::vector<Val> index;
    for (size_t k = 1; k < e.args.size(); ++k) {
      Val v = eval(e.args[k]);
      if (auto l = v.list()) index.insert(index.end(), l->begin(), l->end());
      else index.push_back(std::move(v));
    }
    return access(t->id, index);
  }
  const List& l = list_of(base);
  int64_t n = static_cast<int64_t>(l.size());
  NASC_CHECK(e.args.size() == 2) << "definition of " << call.name << ": index of a list";
  const AstRef& at = e.args[1];
  if (at->kind == Ast::slice) {
    auto place = [&](const AstRef& a, int64_t otherwise) {
      int64_t k = a ? integer_of(eval(a)) : otherwise;
      return std::clamp<int64_t>(k < 0 ? k + n : k, 0, n);
    };
    int64_t lo = place(at->args[0], 0), hi = place(at->args[1], n);
    return lo < hi ? List(l.begin() + lo, l.begin() + hi) : List();
  }
  Val where = eval(at);
  auto pick = [&](const Val& v) {
    int64_t k = integer_of(v);
    if (k < 0) k += n;
    if (k < 0 || k >= n) throw UserError(code::bad_shape, "", text("position ", integer_of(v), " of a list of ", n));
    return l[static_cast<size_t>(k)];
  };
  if (auto many = where.list()) {
    List out;
    for (const auto& k : *many) out.push_back(pick(k));
    return out;
  }
  return pick(where);
}

Val Builder::eval_call(const Ast& e) {
  auto function = functions.find(e.text);
  if (function != functions.end()) {
    const Line& f = *function->second;
    NASC_CHECK(f.words.size() == e.args.size()) << "definition of " << call.name << ": arguments of " << e.text;
    std::vector<Val> args;
    for (const auto& a : e.args) {
      Val v = eval(a);
      args.push_back(current && v.as<TensorRef>() ? scalar(v) : v);
    }
    if (++depth > 64) throw InternalError("definition of " + call.name + ": recursion in " + e.text);
    size_t mark = env.size();
    for (size_t k = 0; k < args.size(); ++k) env.emplace_back(f.words[k], args[k]);
    Val out = eval(f.expr);
    env.resize(mark);
    --depth;
    return out;
  }
  std::vector<Val> a;
  for (const auto& x : e.args) a.push_back(eval(x));
  auto argument = [&](size_t k) -> const Val& {
    NASC_CHECK(k < a.size()) << "definition of " << call.name << ": arguments of " << e.text;
    return a[k];
  };
  auto operand = [&]() -> const Operand& {
    auto t = argument(0).as<TensorRef>();
    NASC_CHECK(t) << "definition of " << call.name << ": " << e.text << " wants a tensor";
    return operands[t->id];
  };
  const std::string& f = e.text;
  if (f == "present") return !argument(0).none();
  if (f == "shape") return argument(0).none() ? Val() : list_of(operand().tensor.shape);
  if (f == "type") return operand().tensor.dtype;
  if (f == "content") {
    if (argument(0).none()) return Val();
    auto c = content_of(operand());
    return c ? Val(std::move(*c)) : Val();
  }
  if (f == "len") return static_cast<int64_t>(list_of(argument(0)).size());
  if (f == "range" || f == "fill") {
    int64_t n = integer_of(argument(0));
    if (n > kMaxList) throw UserError(code::limit, "", text("a table of ", n, " elements is too large"));
    List out;
    for (int64_t k = 0; k < n; ++k) out.push_back(f == "fill" ? argument(1) : Val(k));
    return out;
  }
  if (f == "sum" || f == "product") {
    Val out = f == "sum" ? 0 : 1;
    for (const auto& x : list_of(argument(0))) out = binary(f == "sum" ? "+" : "*", out, x);
    return out;
  }
  if (f == "sort") {
    List out = list_of(argument(0));
    std::stable_sort(out.begin(), out.end(), Compare{});
    return out;
  }
  if (f == "argsort") {
    const List& l = list_of(argument(0));
    std::vector<size_t> order(l.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return Compare{}(l[x], l[y]); });
    List out;
    for (size_t k : order) out.emplace_back(static_cast<int64_t>(k));
    return out;
  }
  if (f == "find") {  // position of a value in a list, -1 when absent
    const List& l = list_of(argument(0));
    for (size_t k = 0; k < l.size(); ++k)
      if (truth(binary("==", l[k], argument(1))) == true) return static_cast<int64_t>(k);
    return -1;
  }
  if (f == "all") return truth(argument(0)) ? Val(*truth(argument(0))) : argument(0);
  if (f == "surely") return truth(argument(0)) == true;
  if (f == "reduce") {  // reduce("f", list): f(f(l0, l1), l2) ..
    const List& l = list_of(argument(1));
    NASC_CHECK(!l.empty() && a[0].as<std::string>()) << "definition of " << call.name << ": reduce";
    auto named = [](const char* n) { return std::make_shared<const Ast>(Ast{Ast::name, n, {}}); };
    Ast step{Ast::call, *a[0].as<std::string>(), {named("_a"), named("_b")}};
    size_t mark = env.size();
    Val out = current ? scalar(l[0]) : l[0];
    for (size_t k = 1; k < l.size(); ++k) {
      env.emplace_back("_a", out);
      env.emplace_back("_b", l[k]);
      out = eval_call(step);
      env.resize(mark);
    }
    return out;
  }
  if (f == "any") {
    for (const auto& x : list_of(argument(0)))
      if (truth(x) == true) return true;
    return false;
  }
  if (f == "known") {  // whether all numbers are constants
    if (argument(0).none()) return false;
    if (auto l = argument(0).list()) {
      for (const auto& x : *l)
        if (x.as<Extent>() && !x.as<Extent>()->is_constant()) return false;
      return true;
    }
    return !argument(0).as<Extent>() || argument(0).as<Extent>()->is_constant();
  }
  if (f == "broadcast") return list_of(broadcast(shape_of(argument(0)), shape_of(argument(1))));
  if (f == "pieces") {
    List out;
    for (const auto& p : affine_pieces(integers_of(argument(0)))) {
      List one;
      for (int64_t x : p) one.emplace_back(x);
      out.emplace_back(std::move(one));
    }
    return out;
  }
  if (f == "cross") {  // all choices of one element per list
    List out{List{}};
    for (const auto& choice : list_of(argument(0))) {
      List next;
      for (const auto& have : out)
        for (const auto& x : list_of(choice)) {
          List one = list_of(have);
          one.push_back(x);
          next.emplace_back(std::move(one));
          if (next.size() > 1 << 16) throw UserError(code::limit, "", "the operator needs too many pieces");
        }
      out = std::move(next);
    }
    return out;
  }
  if (f == "flatten") {
    List out;
    for (const auto& l : list_of(argument(0))) out.insert(out.end(), list_of(l).begin(), list_of(l).end());
    return out;
  }
  if (f == "integer") {
    const Val& v = argument(0);
    if (auto l = v.list()) {
      List out;
      for (const auto& x : *l) out.emplace_back(static_cast<int64_t>(number_of(x)));
      return out;
    }
    if (v.as<Extent>()) return v;
    double x = number_of(v);
    if (!(std::fabs(x) < 9e15)) throw UserError(code::bad_shape, "", text("a number out of range: ", x));
    return static_cast<int64_t>(x);
  }
  if (f == "single") return static_cast<double>(static_cast<float>(number_of(argument(0))));
  if (f == "real") return number_of(argument(0));
  if (f == "dtype") {
    auto t = find_dtype(static_cast<int>(std::clamp<int64_t>(integer_of(argument(0)), -1, 1000)));
    if (!t || t->type == DType::none)
      throw UserError(code::unsupported_type, "", text("element type ", e.args[0]->text, " = ", show(argument(0)), " is not supported"));
    return t->type;
  }
  auto type_argument = [&](size_t k) {
    auto t = argument(k).as<DType>();
    NASC_CHECK(t) << "definition of " << call.name << ": " << f << " wants a type";
    return *t;
  };
  if (f == "lowest" || f == "highest") return range_limit(type_argument(0), f == "highest");
  if (f == "accumulator") return type_argument(0) == DType::f16 ? DType::f32 : type_argument(0);
  if (f == "is_float") return is_float(type_argument(0));
  if (f == "is_signed") return info(type_argument(0)).is_signed;
  if (f == "bits") return bytes(type_argument(0)) * 8;
  for (auto& x : a) x = scalar(std::move(x));
  if (f == "cast") {
    DType to = type_argument(0);
    const Val& v = argument(1);
    if (v.none()) return v;
    return cast(to, body_of(v, to));
  }
  if (f == "select") return select(argument(0), argument(1), argument(2));
  if (is_scalar_function(f)) return call_scalar(f, a);
  throw InternalError("definition of " + call.name + ": unknown function " + f);
}

}  // namespace nasc::einsum
