// Running passes, and what they share.
#include "frontend/passes/pass.h"

#include <algorithm>

#include "ir/host_tensor.h"

namespace nasc {

Graph run_passes(Graph graph, std::vector<PassReport>* report, int rounds) {
  std::vector<const GraphPass*> passes = all_registered<GraphPass>();
  std::stable_sort(passes.begin(), passes.end(), [](auto* a, auto* b) { return a->order < b->order; });
  for (int round = 0; round < rounds; ++round) {
    int changed = 0;
    for (const GraphPass* pass : passes) {
      PassResult result = pass->apply(std::move(graph));
      graph = std::move(result.graph);
      changed += result.changed;
      if (report) report->push_back({pass->name, result.matched, result.changed});
    }
    if (!changed) break;
  }
  return graph;
}

Uses::Uses(const Graph& g) : producer(g.values.size(), -1), users(g.values.size()), count(g.values.size(), 0) {
  for (size_t n = 0; n < g.nodes.size(); ++n) {
    for (ValueId v : g.nodes[n].outputs)
      if (v >= 0) producer[static_cast<size_t>(v)] = static_cast<int>(n);
    for (ValueId v : g.nodes[n].inputs)
      if (v >= 0) users[static_cast<size_t>(v)].push_back(static_cast<int>(n)), ++count[static_cast<size_t>(v)];
  }
  for (ValueId v : g.outputs) ++count[static_cast<size_t>(v)];
}

int only_user(const Uses& uses, ValueId v) {
  const auto& users = uses.users[static_cast<size_t>(v)];
  return users.size() == 1 && uses.count[static_cast<size_t>(v)] == 1 ? users[0] : -1;
}

void replace_uses(Graph& g, ValueId from, ValueId to) {
  for (Node& n : g.nodes) std::replace(n.inputs.begin(), n.inputs.end(), from, to);
}

void keep_nodes(Graph& g, const std::vector<bool>& keep) {
  size_t to = 0;
  for (size_t n = 0; n < g.nodes.size(); ++n)
    if (keep[n]) {
      if (to != n) g.nodes[to] = std::move(g.nodes[n]);
      ++to;
    }
  g.nodes.resize(to);
}

namespace {
template <class T>
const T* attribute(const Node& node, const char* name) {
  auto it = node.attributes.find(name);
  return it == node.attributes.end() ? nullptr : std::get_if<T>(&it->second);
}
}  // namespace

int64_t int_attribute(const Node& node, const char* name, int64_t fallback) {
  auto* v = attribute<int64_t>(node, name);
  return v ? *v : fallback;
}
double float_attribute(const Node& node, const char* name, double fallback) {
  auto* v = attribute<double>(node, name);
  return v ? *v : fallback;
}
std::vector<int64_t> ints_attribute(const Node& node, const char* name) {
  auto* v = attribute<std::vector<int64_t>>(node, name);
  return v ? *v : std::vector<int64_t>();
}
std::string string_attribute(const Node& node, const char* name, const char* fallback) {
  auto* v = attribute<std::string>(node, name);
  return v ? *v : fallback;
}
bool is_op(const Node& node, const char* op) { return node.op == op && node.domain.empty(); }

std::vector<double> doubles(const Graph& g, ValueId v) {
  if (v < 0 || !g.value(v).constant || !is_float(g.value(v).constant->dtype)) return {};
  const Constant& c = *g.value(v).constant;
  return to_doubles(host_tensor(c.dtype, c.shape, c.payload));
}

ValueId add_constant(Graph& g, const std::string& hint, DType type, std::vector<int64_t> shape, const std::vector<double>& values) {
  HostTensor t = zeros(type, shape);
  for (size_t i = 0; i < values.size(); ++i) set(t, static_cast<int64_t>(i), values[i]);
  ValueId v = g.add_value(hint, type);
  g.value(v).shape = shape_of(shape);
  g.value(v).constant = Constant{type, std::move(shape), payload_from(std::move(t.bytes))};
  return v;
}

}  // namespace nasc
