// Inlining of bodies.
#include "frontend/inline.h"

#include <algorithm>
#include <map>

#include "ir/diag.h"

namespace nasc {
namespace {

const Graph& body_of(const Graph& g, const Node& node, const char* attribute) {
  auto it = node.attributes.find(attribute);
  auto* body = it == node.attributes.end() ? nullptr : std::get_if<std::shared_ptr<Graph>>(&it->second);
  if (!body) throw UserError(code::bad_attribute, where(g, node), text(node.op, " needs the graph attribute ", attribute));
  return **body;
}

int64_t captures(const Node& node) {
  auto it = node.attributes.find("captures");
  auto* n = it == node.attributes.end() ? nullptr : std::get_if<int64_t>(&it->second);
  return n ? *n : 0;
}

// The first element of a constant, as a number.
std::optional<int64_t> scalar(const Graph& g, ValueId v) {
  if (v < 0 || !g.value(v).constant || g.value(v).constant->count() != 1) return std::nullopt;
  const Constant& c = *g.value(v).constant;
  if (c.dtype == DType::boolean) return *c.payload.as<uint8_t>() != 0;
  if (c.dtype == DType::i64) return *c.payload.as<int64_t>();
  if (c.dtype == DType::i32) return *c.payload.as<int32_t>();
  return std::nullopt;
}

Node helper(const Node& like, const char* op, std::vector<ValueId> inputs, ValueId output) {
  Node n;
  n.op = op;
  n.name = like.name;
  n.index = like.index;
  n.inputs = std::move(inputs);
  n.outputs = {output};
  return n;
}

void push_front(std::deque<Node>& todo, std::vector<Node> nodes) {
  todo.insert(todo.begin(), std::make_move_iterator(nodes.begin()), std::make_move_iterator(nodes.end()));
}
void append(std::vector<Node>& to, std::vector<Node> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void expand_if(Graph& g, const Node& node, std::deque<Node>& todo, std::set<ValueId>& selects) {
  const Graph& yes = body_of(g, node, "then_branch");
  const Graph& no = body_of(g, node, "else_branch");
  if (node.inputs.empty() || node.inputs[0] < 0) throw UserError(code::bad_graph, where(g, node), "If without a condition");
  std::vector<ValueId> inputs(node.inputs.begin() + 1, node.inputs.end());
  for (const Graph* branch : {&yes, &no})
    if (branch->outputs.size() < node.outputs.size() || branch->inputs.size() != inputs.size())
      throw UserError(code::bad_graph, where(g, node), "If: a branch has inputs, or fewer outputs than the node");
  if (auto condition = scalar(g, node.inputs[0])) return push_front(todo, inlined(g, node, *condition ? yes : no, inputs, node.outputs));
  if (g.opset < 9) throw UserError(code::unsupported_op, where(g, node), "If with a condition known only at run time needs opset 9");
  std::vector<ValueId> from_yes, from_no;
  for (ValueId out : node.outputs) {
    from_yes.push_back(out < 0 ? -1 : g.add_value(g.value(out).original + "_then", DType::none));
    from_no.push_back(out < 0 ? -1 : g.add_value(g.value(out).original + "_else", DType::none));
  }
  std::vector<Node> nodes = inlined(g, node, yes, inputs, from_yes);
  append(nodes, inlined(g, node, no, inputs, from_no));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    nodes.push_back(helper(node, "Where", {node.inputs[0], from_yes[i], from_no[i]}, node.outputs[i]));
    selects.insert(node.outputs[i]);
  }
  push_front(todo, std::move(nodes));
}

constexpr int64_t kMaxTrips = 1024;

ValueId add_constant(Graph& g, const std::string& hint, DType type, std::vector<int64_t> shape, Payload payload) {
  ValueId v = g.add_value(hint, type);
  g.value(v).shape = shape_of(shape);
  g.value(v).constant = Constant{type, std::move(shape), std::move(payload)};
  return v;
}

// One iteration at a time: the body, then the Loop again with what it carries. Attribute `iteration` counts; the
// values of scan outputs so far travel as the very last inputs.
void expand_loop(Graph& g, const Node& node, std::deque<Node>& todo) {
  const Graph& body = body_of(g, node, "body");
  auto unsupported = [&](const std::string& why) { throw UserError(code::unsupported_op, where(g, node), "Loop " + why); };
  auto counted = node.attributes.find("iteration");
  int64_t iteration = counted == node.attributes.end() ? 0 : std::get<int64_t>(counted->second);
  size_t captured = static_cast<size_t>(captures(node));
  if (body.inputs.size() < 2 + captured || body.outputs.empty()) throw UserError(code::bad_graph, where(g, node), "Loop: the body has too few inputs or outputs");
  size_t carried = body.inputs.size() - 2 - captured;
  if (body.outputs.size() < 1 + carried || node.inputs.size() < 2 + carried + captured) throw UserError(code::bad_graph, where(g, node), "Loop: inputs of the node and of the body differ in number");
  size_t scans = body.outputs.size() - 1 - carried;
  auto trips = scalar(g, node.inputs[0]);
  if (node.inputs[0] >= 0 && !trips) unsupported("whose trip count is known only at run time is not supported");
  auto condition = node.inputs[1] < 0 ? std::optional<int64_t>(1) : scalar(g, node.inputs[1]);
  if (!condition) unsupported("whose condition is known only at run time is not supported");
  auto in = [&](size_t i) { return node.inputs[i]; };
  if (!*condition || (trips && iteration >= *trips)) {
    std::vector<Node> last;
    size_t history = 2 + carried + captured;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] < 0) continue;
      if (i < carried) {
        last.push_back(helper(node, "Identity", {in(2 + i)}, node.outputs[i]));
        continue;
      }
      if (!iteration) unsupported("without iterations has scan outputs of unknown shape");
      std::vector<ValueId> slices;
      for (int64_t k = 0; k < iteration; ++k) {
        ValueId slice = in(history + static_cast<size_t>(k) * scans + (i - carried)), row = g.add_value("slice", DType::none);
        Node n = helper(node, "Unsqueeze", {slice}, row);
        if (g.opset < 13) n.attributes["axes"] = std::vector<int64_t>{0};
        else n.inputs.push_back(add_constant(g, "axes", DType::i64, {1}, payload_of(std::vector<int64_t>{0})));
        last.push_back(std::move(n));
        slices.push_back(row);
      }
      Node concat = helper(node, "Concat", slices, node.outputs[i]);
      concat.attributes["axis"] = int64_t{0};
      last.push_back(std::move(concat));
    }
    return push_front(todo, std::move(last));
  }
  if (iteration >= kMaxTrips) unsupported(text("of more than ", kMaxTrips, " iterations is not supported"));
  std::vector<ValueId> inputs = {add_constant(g, "iteration", DType::i64, {}, payload_of(std::vector<int64_t>{iteration})),
                                 add_constant(g, "condition", DType::boolean, {}, payload_of(std::vector<uint8_t>{1}))};
  inputs.insert(inputs.end(), node.inputs.begin() + 2, node.inputs.begin() + static_cast<long>(2 + carried + captured));
  std::vector<ValueId> outputs;
  for (ValueId o : body.outputs) outputs.push_back(g.add_value(body.value(o).original, DType::none));
  std::vector<Node> nodes = inlined(g, node, body, inputs, outputs);
  Node next = node;
  next.attributes["iteration"] = iteration + 1;
  next.inputs[1] = outputs[0];
  std::copy(outputs.begin() + 1, outputs.begin() + 1 + static_cast<long>(carried), next.inputs.begin() + 2);
  next.inputs.insert(next.inputs.end(), outputs.begin() + 1 + static_cast<long>(carried), outputs.end());
  nodes.push_back(std::move(next));
  push_front(todo, std::move(nodes));
}

}  // namespace

std::vector<Node> inlined(Graph& g, const Node& node, const Graph& body, const std::vector<ValueId>& inputs,
                          const std::vector<ValueId>& outputs) {
  std::vector<ValueId> map(body.values.size(), -1);
  for (size_t i = 0; i < body.inputs.size(); ++i) map[static_cast<size_t>(body.inputs[i])] = inputs[i];
  std::set<ValueId> produced;
  for (const Node& n : body.nodes) produced.insert(n.outputs.begin(), n.outputs.end());
  std::vector<bool> direct(outputs.size(), false);
  for (size_t i = 0; i < outputs.size(); ++i) {
    ValueId& to = map[static_cast<size_t>(body.outputs[i])];
    if (outputs[i] >= 0 && to < 0 && produced.count(body.outputs[i])) to = outputs[i], direct[i] = true;
  }
  for (size_t v = 0; v < body.values.size(); ++v) {
    if (map[v] >= 0) continue;
    const Value& from = body.values[v];
    ValueId to = g.add_value(from.original, from.dtype);
    g.value(to).shape = from.shape;
    g.value(to).constant = from.constant;
    map[v] = to;
  }
  std::vector<Node> nodes;
  for (Node n : body.nodes) {
    n.name = node.name + "/" + (n.name.empty() ? text(n.op, "_", n.index) : n.name);
    for (auto* list : {&n.inputs, &n.outputs})
      for (ValueId& v : *list)
        if (v >= 0) v = map[static_cast<size_t>(v)];
    nodes.push_back(std::move(n));
  }
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i] >= 0 && !direct[i]) nodes.push_back(helper(node, "Identity", {map[static_cast<size_t>(body.outputs[i])]}, outputs[i]));
  return nodes;
}

bool expand_control_flow(Graph& g, const Node& node, std::deque<Node>& todo, std::set<ValueId>& selects) {
  if (!node.domain.empty() || (node.op != "If" && node.op != "Loop")) return false;
  if (node.op == "If") expand_if(g, node, todo, selects);
  else expand_loop(g, node, todo);
  return true;
}

}  // namespace nasc
