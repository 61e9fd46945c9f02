// Graph -> ModelProto.
#include "frontend/export.h"

#include <onnx.pb.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "frontend/op.h"
#include "ir/diag.h"

namespace nasc {
namespace {

constexpr int kIrVersion = 8;
constexpr size_t kMostBytes = (size_t{1} << 31) - 1;

int export_opset(const Graph& g) {
  const Node* other = nullptr;
  for (int opset = std::min(g.opset, kNewestExportOpset); opset > 0 && opset <= g.opset; --opset)
    if (!(other = differing(g, opset))) return opset;
  throw UserError(code::unsupported_op, where(g, *other),
                  text(other->op, " of opset ", g.opset, " is another operator in opsets up to ", kNewestExportOpset));
}

struct Exporter {
  const Graph& g;
  onnx::ModelProto model;
  std::vector<std::string> names;
  size_t bytes = 0;

  explicit Exporter(const Graph& graph) : g(graph), names(graph.values.size()) {
    // Inputs and outputs keep their names from the file; others as far as they are unique.
    std::set<std::string> taken;
    auto name = [&](ValueId v) {
      std::string& n = names[static_cast<size_t>(v)];
      if (!n.empty()) return;
      const Value& value = g.value(v);
      n = value.original.empty() || taken.count(value.original) ? value.name : value.original;
      for (int k = 2; taken.count(n); ++k) n = text(value.name, "_", k);
      taken.insert(n);
    };
    for (ValueId v : g.inputs) name(v);
    for (ValueId v : g.outputs) name(v);
    for (size_t v = 0; v < g.values.size(); ++v) name(static_cast<ValueId>(v));
  }

  void tensor(onnx::TensorProto* t, const Constant& c) {
    t->set_data_type(static_cast<int>(c.dtype));
    for (int64_t e : c.shape) t->add_dims(e);
    bytes += c.payload.size;
    if (bytes > kMostBytes)
      throw UserError(code::limit, g.file, "the weights of an exported model have at most 2 GB");
    if (c.payload.size) t->set_raw_data(c.payload.data, c.payload.size);
    else t->set_raw_data("");
  }

  void type(onnx::ValueInfoProto* info, ValueId v) {
    const Value& value = g.value(v);
    info->set_name(names[static_cast<size_t>(v)]);
    auto* t = info->mutable_type()->mutable_tensor_type();
    t->set_elem_type(static_cast<int>(value.dtype));
    if (!value.shape) return;
    auto* shape = t->mutable_shape();
    for (const Extent& e : *value.shape) {
      auto* d = shape->add_dim();
      if (e.is_constant()) d->set_dim_value(e.constant());
      else d->set_dim_param(e.text());
    }
  }

  struct AttributeWriter {
    Exporter& e;
    const Node& node;
    onnx::AttributeProto* a;
    void operator()(int64_t v) const { a->set_type(onnx::AttributeProto::INT), a->set_i(v); }
    void operator()(double v) const { a->set_type(onnx::AttributeProto::FLOAT), a->set_f(static_cast<float>(v)); }
    void operator()(const std::string& v) const { a->set_type(onnx::AttributeProto::STRING), a->set_s(v); }
    void operator()(const std::vector<int64_t>& v) const {
      a->set_type(onnx::AttributeProto::INTS);
      for (int64_t i : v) a->add_ints(i);
    }
    void operator()(const std::vector<double>& v) const {
      a->set_type(onnx::AttributeProto::FLOATS);
      for (double f : v) a->add_floats(static_cast<float>(f));
    }
    void operator()(const std::vector<std::string>& v) const {
      a->set_type(onnx::AttributeProto::STRINGS);
      for (const auto& s : v) a->add_strings(s);
    }
    void operator()(const Constant& v) const { a->set_type(onnx::AttributeProto::TENSOR), e.tensor(a->mutable_t(), v); }
    void operator()(const std::shared_ptr<Graph>&) const {
      throw UserError(code::unsupported_op, where(e.g, node), node.op + " has a sub-graph, which is not exported");
    }
  };

  std::string run() {
    model.set_ir_version(kIrVersion);
    model.set_producer_name("nasc");
    auto* opset = model.add_opset_import();
    opset->set_domain("");
    opset->set_version(export_opset(g));
    std::set<std::string> domains;
    auto* graph = model.mutable_graph();
    graph->set_name(g.name.empty() ? "graph" : g.name);
    for (ValueId v : g.inputs) type(graph->add_input(), v);
    for (ValueId v : g.outputs) type(graph->add_output(), v);
    std::set<ValueId> produced(g.inputs.begin(), g.inputs.end()), constants;
    for (const Node& n : g.nodes) produced.insert(n.outputs.begin(), n.outputs.end());
    auto use = [&](ValueId v, const std::string& where_) {
      if (v < 0 || produced.count(v) || !constants.insert(v).second) return;
      const Value& value = g.value(v);
      if (!value.constant)
        throw UserError(code::unsupported_op, where_, "value " + value.original + " depends on symbolic extents");
      auto* t = graph->add_initializer();
      t->set_name(names[static_cast<size_t>(v)]);
      tensor(t, *value.constant);
    };
    for (const Node& n : g.nodes) {
      auto* node = graph->add_node();
      node->set_op_type(n.op);
      node->set_domain(n.domain);
      node->set_name(n.name);
      if (!n.domain.empty()) domains.insert(n.domain);
      for (ValueId v : n.inputs) use(v, where(g, n)), node->add_input(v < 0 ? "" : names[static_cast<size_t>(v)]);
      for (ValueId v : n.outputs) node->add_output(v < 0 ? "" : names[static_cast<size_t>(v)]);
      for (const auto& [name, value] : n.attributes) {
        auto* a = node->add_attribute();
        a->set_name(name);
        std::visit(AttributeWriter{*this, n, a}, value);
      }
    }
    for (ValueId v : g.outputs) use(v, g.file);
    for (const auto& domain : domains) {
      auto* other = model.add_opset_import();
      other->set_domain(domain);
      other->set_version(1);
    }
    std::string out;
    if (!model.SerializeToString(&out)) throw UserError(code::limit, g.file, "an exported model has at most 2 GB");
    return out;
  }
};
}  // namespace

const Node* differing(const Graph& g, int opset) {
  for (const Node& n : g.nodes)
    if (n.domain.empty() && find_op(n.op, n.domain, opset) != find_op(n.op, n.domain, g.opset)) return &n;
  return nullptr;
}

std::string export_onnx(const Graph& graph) { return Exporter(graph).run(); }

}  // namespace nasc
