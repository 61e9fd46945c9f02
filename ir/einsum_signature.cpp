// Signatures of a definition: binding of dimensions, types, inputs and outputs.
#include "ir/einsum.h"

#include <algorithm>
#include <set>

#include "ir/einsum_build.h"

namespace nasc::einsum {
namespace {
constexpr int64_t kMaxElements = int64_t{1} << 31;

// Targets that some statement combines into.
void collect_combined(const std::vector<Line>& lines, std::set<std::string>& out) {
  for (const auto& l : lines) {
    if (l.kind == Line::statement && l.words[0] != "=" && l.other->kind == Ast::index &&
        l.other->args[0]->kind == Ast::name)
      out.insert(l.other->args[0]->text);
    collect_combined(l.lines, out);
    collect_combined(l.otherwise, out);
  }
}
}  // namespace

std::vector<DType> types_of(const std::string& word) {
  using enum DType;
  if (word == "float") return {f16, f32, f64};
  if (word == "signed") return {i8, i16, i32, i64};
  if (word == "unsigned") return {u8, u16, u32, u64};
  if (word == "int") return {i8, i16, i32, i64, u8, u16, u32, u64};
  if (word == "num") return {f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64};
  if (word == "any") return {f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean};
  const DTypeInfo* t = find_dtype(std::string_view(word));
  NASC_CHECK(t) << "definition: element type " << word;
  return {t->type};
}

void Builder::bind_dims(const Signature& s, const Shape& shape, const std::string& what) {
  size_t open = 0, fixed = 0;
  bool spread = false;
  for (size_t k = 0; k < s.dims.size(); ++k) {
    if (s.dims[k]->kind == Ast::spread) spread = true, open = k;
    else ++fixed;
  }
  if (spread ? shape.size() < fixed : shape.size() != fixed)
    throw UserError(code::bad_shape, "",
                    text(what, " has shape ", text(shape), ", of rank ", shape.size(), "; ", s.name, " needs rank ",
                               fixed, spread ? " or more" : ""));
  auto bind = [&](const std::string& name, Val v) {
    const Val* have = find(name);
    if (!have || have->none()) return env.emplace_back(name, std::move(v)), void();
    auto same = truth(binary("==", *have, v));
    if (same == false)
      throw UserError(code::bad_shape, "",
                      text(what, " has shape ", text(shape), ": ", name, " is ", show(v), " here but ",
                                 show(*have), " before"));
    if (!same)
      throw UserError(code::unsupported_shape, "",
                      text(what, " has shape ", text(shape), ": whether ", name, " = ", show(v), " equals ",
                                 show(*have), " is not known at compile time"));
  };
  for (size_t k = 0, at = 0; k < s.dims.size(); ++k) {
    const Ast& d = *s.dims[k];
    if (d.kind == Ast::spread) {
      size_t n = shape.size() - fixed;
      bind(d.text, list_of(Shape(shape.begin() + at, shape.begin() + at + n)));
      at += n;
    } else if (d.kind == Ast::name) {
      bind(d.text, shape[at++]);
    } else {
      Extent want = extent_of(eval(s.dims[k]));
      if (!(want == shape[at]))
        throw UserError(code::bad_shape, "",
                        text(what, " has shape ", text(shape), ": extent ", at, " must be ", want.text()));
      ++at;
    }
  }
  (void)open;
}

DType Builder::bind_type(const Signature& s, DType actual, const std::string& what) {
  if (!s.type) return actual;
  bool letter = s.type->kind == Ast::name && std::isupper(static_cast<unsigned char>(s.type->text[0]));
  if (letter && (!find(s.type->text) || find(s.type->text)->none())) {
    auto set = type_sets.find(s.type->text);
    if (set != type_sets.end() && std::find(set->second.begin(), set->second.end(), actual) == set->second.end())
      throw UserError(code::bad_type, "", text(what, " has type ", name(actual), ", which ", call.name, " does not take"));
    env.emplace_back(s.type->text, actual);
    return actual;
  }
  Val want = letter ? *find(s.type->text) : eval(s.type);
  if (*want.as<DType>() != actual)
    throw UserError(code::bad_type, "",
                    text(what, " has type ", name(actual), ", but ", name(*want.as<DType>()), " is needed"));
  return actual;
}

void Builder::inputs(const Line& line) {
  for (const auto& s : line.signatures) {
    auto add = [&](int k, const std::string& as) -> Val {
      bool given = k < static_cast<int>(call.inputs.size()) && call.inputs[k];
      if (!given) {
        if (!s.optional) throw UserError(code::bad_graph, "", text("input ", k, " (", s.name, ") is missing"));
        auto absent = [&](const AstRef& e) {
          bool letter = e && (e->kind == Ast::name || e->kind == Ast::spread) &&
                        std::isupper(static_cast<unsigned char>(e->text[0]));
          if (letter && !find(e->text)) env.emplace_back(e->text, Val());
        };
        for (const auto& d : s.dims) absent(d);
        absent(s.type);
        return Val();
      }
      const EinsumInput& in = *call.inputs[k];
      std::string what = text("input ", s.name, " '", escaped(in.label), "'");
      bind_type(s, in.dtype, what);
      bind_dims(s, in.shape, what);
      Operand o;
      o.tensor.name = as;
      o.tensor.dtype = in.dtype;
      o.tensor.shape = in.shape;
      o.tensor.role = Role::input;
      o.input = k;
      o.value = in.value;
      operands.push_back(std::move(o));
      TensorRef ref{static_cast<int>(operands.size()) - 1};
      if (!s.known) return ref;
      size_t mark = env.size();
      env.emplace_back("_", ref);
      Val content = eval_call(Ast{Ast::call, "content", {std::make_shared<const Ast>(Ast{Ast::name, "_", {}})}});
      env.resize(mark);
      if (content.none())
        throw UserError(code::unsupported_shape, "",
                        text(what, " must be known at compile time, but it depends on run-time data"));
      return content;
    };
    if (!s.variadic) {
      Val v = add(next_input++, s.name);
      env.emplace_back(s.name, std::move(v));
      continue;
    }
    List all;
    for (int k = 0; next_input < static_cast<int>(call.inputs.size()); ++k) {
      size_t mark = env.size();
      all.push_back(add(next_input++, s.name + std::to_string(k)));
      for (size_t e = mark; e < env.size();)  // dims bind per input, types for all
        if (env[e].second.as<DType>()) ++e;
        else env.erase(env.begin() + static_cast<long>(e));
    }
    if (all.empty() && !s.optional)
      throw UserError(code::bad_graph, "", text("input ", next_input, " (", s.name, ") is missing"));
    env.emplace_back(s.name, std::move(all));
  }
}

Shape Builder::shape_from(const Signature& s) {
  Shape shape;
  for (const auto& d : s.dims) {
    Val v = eval(d);
    if (auto l = v.list()) {
      for (const auto& e : *l) shape.push_back(extent_of(e));
    } else {
      shape.push_back(extent_of(v));
    }
  }
  for (const auto& e : shape)
    if (e.is_constant() && e.constant() < 0)
      throw UserError(code::bad_shape, "", text("output ", s.name, " would have shape ", text(shape)));
  Extent count = product(shape);
  if (count.is_constant() && count.constant() > kMaxElements)
    throw UserError(code::limit, "", text("output ", s.name, " ", text(shape), " has too many elements"));
  return shape;
}

void Builder::outputs(const Line& line) {
  std::set<std::string> combined;
  if (line.kind == Line::out) collect_combined(definition, combined);
  for (const auto& s : line.signatures) {
    auto make = [&](const std::string& as, Role role, int output) {
      Operand o;
      o.tensor.name = as;
      auto taken = [&](const Operand& other) { return other.tensor.name == o.tensor.name; };
      for (int n = 2; std::any_of(operands.begin(), operands.end(), taken); ++n) o.tensor.name = text(as, "_", n);
      o.tensor.dtype = s.type ? *eval(s.type).as<DType>() : DType::f32;
      o.tensor.shape = shape_from(s);
      o.tensor.role = role;
      o.output = output;
      operands.push_back(o);
      if (output >= 0) {
        result.shapes.push_back(o.tensor.shape);
        result.dtypes.push_back(o.tensor.dtype);
        result.contents.emplace_back();
      }
      return static_cast<int>(operands.size()) - 1;
    };
    if (line.kind == Line::tmp) {
      env.emplace_back(s.name, TensorRef{make(s.name, Role::temp, -1)});
      continue;
    }
    if (s.variadic) {
      List all;
      for (int k = 0; next_output < static_cast<int>(call.outputs.size()); ++k) {
        env.emplace_back("k", k);
        int id = make(s.name + std::to_string(k), Role::output, next_output);
        env.pop_back();
        all.push_back(call.outputs[next_output] ? Val(TensorRef{id}) : Val());
        ++next_output;
      }
      env.emplace_back(s.name, std::move(all));
      continue;
    }
    if (next_output >= static_cast<int>(call.outputs.size())) {
      NASC_CHECK(s.optional || next_output > 0) << "definition of " << call.name << ": no output";
      env.emplace_back(s.name, Val());
      continue;
    }
    int id = make(s.name, Role::output, next_output);
    bool wanted = call.outputs[next_output++];
    if (wanted && combined.contains(s.name) && operands[id].tensor.dtype == DType::f16) {
      Operand wide = operands[id];  // reductions of halves run in single precision
      wide.tensor.name += "_acc";
      wide.tensor.dtype = DType::f32;
      wide.tensor.role = Role::temp;
      wide.output = -1;
      operands.push_back(wide);
      narrowed.emplace_back(id, static_cast<int>(operands.size()) - 1);
      id = static_cast<int>(operands.size()) - 1;
    }
    env.emplace_back(s.name, wanted ? Val(TensorRef{id}) : Val());
  }
}

}  // namespace nasc::einsum
