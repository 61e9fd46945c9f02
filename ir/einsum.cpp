// Applying a definition: attributes, requirements, and the order of its lines.
#include "ir/einsum.h"

#include <algorithm>
#include <set>

#include "ir/einsum_build.h"

namespace nasc::einsum {
namespace {
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
}  // namespace

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
