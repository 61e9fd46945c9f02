// Applying a definition: inputs, attributes, shapes, and the order of its lines.
#include "ir/einsum.h"

#include <algorithm>
#include <set>

#include "ir/einsum_build.h"

namespace nasc::einsum {
namespace {
constexpr int64_t kMaxElements = int64_t{1} << 31;

const char* kind_of(const Attribute& a) {
  static const char* names[] = {"an integer", "a float", "a string", "a list of integers", "a list of floats",
                                "a list of strings", "a tensor", "a graph"};
  return names[a.index()];
}

void collect_names(const AstRef& e, std::vector<std::string>& out) {
  if (!e) return;
  if (e->kind == Ast::name && std::find(out.begin(), out.end(), e->text) == out.end()) out.push_back(e->text);
  for (const auto& a : e->args) collect_names(a, out);
}

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

void Builder::attribute(const Line& line) {
  const std::string& kind = line.words[0];
  bool optional = line.words.size() > 1;
  attribute_names.push_back(line.name);
  std::optional<int64_t> length;
  if (line.other) length = integer_of(eval(line.other));
  auto it = call.attributes.find(line.name);
  auto wrong = [&](const std::string& wanted) {
    throw UserError(code::bad_attribute, "",
                    text("attribute ", line.name, " must be ", wanted, ", but it is ", kind_of(it->second)));
  };
  Val v;
  if (it != call.attributes.end()) {
    const Attribute& a = it->second;
    auto list = [](const auto& from) {
      List out;
      for (const auto& x : from) out.emplace_back(x);
      return Val(std::move(out));
    };
    auto reals = std::get_if<std::vector<double>>(&a);
    auto ints = std::get_if<std::vector<int64_t>>(&a);
    if (kind == "int") {
      if (auto n = std::get_if<int64_t>(&a)) v = *n;
      else wrong("an integer");
    } else if (kind == "float") {
      if (auto n = std::get_if<double>(&a)) v = *n;
      else wrong("a float");
    } else if (kind == "string") {
      if (auto n = std::get_if<std::string>(&a)) v = *n;
      else wrong("a string");
    } else if (kind == "ints") {
      if (ints) v = list(*ints);
      else if (reals && reals->empty()) v = List();
      else wrong("a list of integers");
    } else if (kind == "floats") {
      if (reals) v = list(*reals);
      else if (ints && ints->empty()) v = List();
      else wrong("a list of floats");
    } else if (kind == "tensor") {
      auto c = std::get_if<Constant>(&a);
      if (!c) wrong("a tensor");
      Value value;
      value.constant = *c;
      Operand o;
      o.value = &value;
      operands.push_back(o);
      size_t mark = env.size();
      env.emplace_back("_", TensorRef{static_cast<int>(operands.size()) - 1});
      v = eval_call(Ast{Ast::call, "content", {std::make_shared<const Ast>(Ast{Ast::name, "_", {}})}});
      env.resize(mark);
      operands.pop_back();
      env.emplace_back(line.name + "_type", c->dtype);
    } else {
      throw InternalError("definition of " + call.name + ": attribute type " + kind);
    }
    bool empty = v.list() && v.list()->empty() && line.expr;
    if (length && !empty && static_cast<int64_t>(list_of(v).size()) != *length)
      throw UserError(code::bad_attribute, "",
                      text("attribute ", line.name, " must have ", *length, " elements, but it is ", show(v)));
    if (!(length && empty)) return env.emplace_back(line.name, std::move(v)), void();
  }
  if (!line.expr && !optional) throw UserError(code::bad_attribute, "", "attribute " + line.name + " is missing");
  v = eval(line.expr);
  if (length && !v.list() && !v.none()) v = List(static_cast<size_t>(*length), v);
  env.emplace_back(line.name, std::move(v));
}

void Builder::require(const Line& line) {
  auto holds = truth(eval(line.expr));
  if (line.kind == Line::need ? holds != false : holds == false) return;
  if (!holds) throw UserError(code::unsupported_shape, "", "not known at compile time: " + line.source);
  std::vector<std::string> names;
  collect_names(line.expr, names);
  std::string values;
  bool attribute = false;
  for (const auto& n : names) {
    const Val* v = find(n);
    if (!v || v->as<TensorRef>()) continue;
    attribute |= std::find(attribute_names.begin(), attribute_names.end(), n) != attribute_names.end();
    values += (values.empty() ? "" : ", ") + n + " = " + show(*v);
  }
  std::string message = line.words.empty() ? "needs " + line.source : line.words[0];
  if (!values.empty()) message += text(", but ", values);
  if (line.kind == Line::refuse) {
    message = (line.words.empty() ? "does not support " + line.source : line.words[0]) + " (" + values + ")";
    throw UserError(attribute ? code::unsupported_attribute : code::unsupported_shape, "", message);
  }
  throw UserError(attribute ? code::bad_attribute : code::bad_shape, "", message);
}

void Builder::run(const std::vector<Line>& lines) {
  for (const auto& l : lines) switch (l.kind) {
      case Line::in: inputs(l); break;
      case Line::out: case Line::tmp: outputs(l); break;
      case Line::type:
        for (const auto& w : l.words)
          for (DType t : types_of(w)) type_sets[l.name].push_back(t);
        break;
      case Line::attr: attribute(l); break;
      case Line::let: {
        Val v = eval(l.expr);
        if (l.words.empty()) env.emplace_back(l.name, std::move(v));
        else *const_cast<Val*>(find(l.name)) = std::move(v);
        break;
      }
      case Line::def: functions[l.name] = &l; break;
      case Line::need: case Line::refuse: require(l); break;
      case Line::statement: statement(l); break;
      case Line::choose: run(decide(l.expr) ? l.lines : l.otherwise); break;
      case Line::repeat: {
        Val range = eval(l.expr);
        size_t mark = env.size();
        for (const auto& x : list_of(range)) {
          env.emplace_back(l.name, x);
          run(l.lines);
          env.resize(mark);
        }
        break;
      }
      case Line::view: {
        const Val* v = find(l.name);
        const TensorRef* t = v ? v->as<TensorRef>() : nullptr;
        NASC_CHECK(t) << "definition of " << call.name << ": view of " << l.name;
        result.view_of = operands[t->id].input;
        break;
      }
      case Line::content: {
        std::vector<Extent> content;
        Val list = eval(l.expr);
        for (const auto& e : list_of(list)) content.push_back(extent_of(e));
        NASC_CHECK(!result.contents.empty()) << "definition of " << call.name << ": content before out";
        result.contents[0] = std::move(content);
        break;
      }
    }
}

EinsumResult Builder::finish() {
  for (size_t k = static_cast<size_t>(next_input); k < call.inputs.size(); ++k)
    if (call.inputs[k])
      throw UserError(code::bad_graph, "", text("has ", k + 1, " inputs, but takes at most ", next_input));
  if (result.shapes.size() < call.outputs.size())
    throw UserError(code::bad_graph, "",
                    text("has ", call.outputs.size(), " outputs, but gives ", result.shapes.size()));
  for (auto [narrow, wide] : narrowed) {
    env.emplace_back("to", TensorRef{narrow});
    env.emplace_back("from", TensorRef{wide});
    auto named = [](const char* n) { return std::make_shared<const Ast>(Ast{Ast::name, n, {}}); };
    Line copy{};
    copy.kind = Line::statement;
    copy.words = {"="};
    copy.other = named("to");
    copy.expr = named("from");
    statement(copy);
  }
  if (result.view_of >= 0 || program.statements.empty()) return std::move(result);
  program.name = program.origin = call.name;
  for (const auto& o : operands) {
    if (!o.used) continue;
    if (o.input >= 0) result.inputs.emplace_back(o.tensor.name, o.input);
    if (o.output >= 0) result.outputs.emplace_back(o.tensor.name, o.output);
    program.tensors.push_back(o.tensor);
  }
  result.program = std::move(program);
  return std::move(result);
}

}  // namespace nasc::einsum

namespace nasc {
EinsumResult apply_einsum(const EinsumText& definition, const EinsumCall& call) {
  einsum::Builder b(call);
  b.definition = definition.lines;
  b.run(einsum::prelude());
  b.run(b.definition);
  return b.finish();
}
}  // namespace nasc
