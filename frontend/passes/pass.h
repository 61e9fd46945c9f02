// Graph passes: rewrites of nodes and constants of a Graph with known shapes, which they keep known.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/registry.h"

namespace nasc {

struct PassResult {
  Graph graph;
  int matched = 0;  // places whose pattern fits
  int changed = 0;  // those whose preconditions hold, too
};

struct GraphPass {
  std::string name;
  int order;  // passes run in this order
  std::string doc;
  std::function<PassResult(Graph)> apply;
};

struct PassReport {
  std::string name;
  int matched, changed;
};
// All passes in order, again while something changes (at most `rounds` times).
Graph run_passes(Graph graph, std::vector<PassReport>* report = nullptr, int rounds = 3);

// Who writes and reads each value. Graph outputs count as uses.
struct Uses {
  std::vector<int> producer;            // node, -1 for inputs and constants
  std::vector<std::vector<int>> users;  // nodes, once per operand
  std::vector<int> count;               // users and graph outputs
  explicit Uses(const Graph& graph);
};
// The only node that reads `v`, -1 unless it is the only use.
int only_user(const Uses& uses, ValueId v);
void replace_uses(Graph& graph, ValueId from, ValueId to);  // operands of nodes, not graph outputs
// Keeps the nodes whose flag is set.
void keep_nodes(Graph& graph, const std::vector<bool>& keep);
int64_t int_attribute(const Node& node, const char* name, int64_t fallback);
double float_attribute(const Node& node, const char* name, double fallback);
std::vector<int64_t> ints_attribute(const Node& node, const char* name);
std::string string_attribute(const Node& node, const char* name, const char* fallback);
bool is_op(const Node& node, const char* op);  // of the default domain
// Elements of a float constant (f16, f32, f64) as doubles; empty when it is none.
std::vector<double> doubles(const Graph& graph, ValueId v);
// A new constant value of a float type.
ValueId add_constant(Graph& graph, const std::string& hint, DType type, std::vector<int64_t> shape, const std::vector<double>& values);

}  // namespace nasc
