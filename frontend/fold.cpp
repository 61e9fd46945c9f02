// Folding of one node.
#include "frontend/fold.h"

#include <algorithm>

#include "ir/interpret.h"

namespace nasc {
namespace {
constexpr int64_t kMaxContent = 4096;

bool integral(DType t) { return t != DType::none && !is_float(t); }

// An upper bound on the statement instances of a program with constant extents.
double steps_of(const Program& p) {
  double total = 0;
  for (const Statement& s : p.statements) {
    double n = 1;
    if (s.box.is_empty()) continue;
    for (int i = 0; i < static_cast<int>(s.iterators.size()); ++i) {
      isl::val low = s.box.dim_min_val(i), high = s.box.dim_max_val(i);
      if (!low.is_int() || !high.is_int()) return 1e300;
      n *= static_cast<double>(high.num_si() - low.num_si() + 1);
    }
    total += n;
  }
  return total;
}

void set_content(Value& v, const std::vector<Extent>& elements) {
  NASC_CHECK(product(*v.shape).is(static_cast<int64_t>(elements.size())))
      << v.original << ": " << elements.size() << " known elements of " << text(*v.shape);
  bool known = std::all_of(elements.begin(), elements.end(), [](const Extent& e) { return e.is_constant(); });
  if (!known) {
    v.content = elements;
    return;
  }
  std::vector<int64_t> shape = constants(*v.shape);
  HostTensor t = zeros(v.dtype, shape);
  for (size_t i = 0; i < elements.size(); ++i) {
    int64_t e = elements[i].constant();
    if (v.dtype == DType::i64) t.as<int64_t>()[i] = e;
    else set(t, static_cast<int64_t>(i), static_cast<double>(e));
  }
  v.constant = Constant{v.dtype, shape, payload_from(std::move(t.bytes))};
}

bool all_known(const Graph& g, const Node& node) {
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId v) { return v < 0 || g.value(v).constant || g.value(v).content; });
}

bool static_shapes(const Graph& g, const Node& node) {
  return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId v) { return v < 0 || is_static(*g.value(v).shape); });
}

bool affordable(const Graph& g, const Node& node, const Program& p, const InferOptions& o, FoldBudget& spent) {
  double bytes_needed = 0;
  for (ValueId v : node.outputs) {
    if (v < 0) continue;
    double n = bytes(g.value(v).dtype);
    for (const Extent& e : *g.value(v).shape) n *= static_cast<double>(e.constant());
    bytes_needed += n;
  }
  if (bytes_needed > static_cast<double>(o.fold_value_bytes) || static_cast<double>(spent.bytes) + bytes_needed > static_cast<double>(o.fold_total_bytes)) return false;
  double steps = steps_of(p);
  if (steps > static_cast<double>(o.fold_value_steps) || static_cast<double>(spent.steps) + steps > static_cast<double>(o.fold_total_steps)) return false;
  spent.bytes += static_cast<int64_t>(bytes_needed);
  spent.steps += static_cast<int64_t>(steps);
  return true;
}

void fold_constants(Graph& g, const Node& node, const Instance& instance) {
  Bindings bindings;
  for (const auto& [tensor, input] : instance.inputs) {
    const Constant& c = *g.value(node.inputs[static_cast<size_t>(input)]).constant;
    bindings[tensor] = host_tensor(c.dtype, c.shape, c.payload);
  }
  interpret(*instance.program, bindings);
  for (const auto& [tensor, output] : instance.outputs) {
    ValueId v = node.outputs[static_cast<size_t>(output)];
    if (v < 0) continue;
    HostTensor& t = bindings.at(tensor);
    g.value(v).constant = Constant{t.dtype, t.shape, payload_from(std::move(t.bytes))};
  }
}

void fold_contents(Graph& g, const Node& node, const Instance& instance) {
  if (instance.outputs.size() != 1) return;
  Value& out = g.value(node.outputs[static_cast<size_t>(instance.outputs[0].second)]);
  if (!integral(out.dtype) || out.shape->size() > 1 || !is_static(*out.shape) || element_count(constants(*out.shape)) > kMaxContent) return;
  std::map<std::string, std::vector<Extent>> contents;
  for (const auto& [tensor, input] : instance.inputs) {
    auto elements = content_of(g.value(node.inputs[static_cast<size_t>(input)]));
    if (!elements) return;
    contents[tensor] = std::move(*elements);
  }
  for (const Tensor& t : instance.program->tensors)
    if (!is_static(t.shape)) return;
  if (auto elements = interpret_symbolic(*instance.program, contents)) set_content(out, *elements);
}

void fold_view(Graph& g, const Node& node, const Instance& instance) {
  const Value& from = g.value(node.inputs[static_cast<size_t>(instance.view_of)]);
  Value& to = g.value(node.outputs[0]);
  if (from.constant && is_static(*to.shape)) {
    to.constant = from.constant;
    to.constant->shape = constants(*to.shape);
  } else if (from.content && to.shape->size() <= 1) {
    to.content = from.content;
  }
}
}  // namespace

std::optional<std::vector<Extent>> content_of(const Value& v) {
  if (v.content) return v.content;
  if (!v.constant || !integral(v.dtype) || v.dtype == DType::u64 || v.constant->count() > kMaxContent) return std::nullopt;
  std::vector<Extent> out;
  HostTensor t = host_tensor(v.dtype, v.constant->shape, v.constant->payload);
  for (int64_t i = 0; i < t.count(); ++i)
    out.push_back(v.dtype == DType::i64 ? t.as<int64_t>()[i] : static_cast<int64_t>(get(t, i)));
  return out;
}

bool fold_node(Graph& g, const Node& node, const Instance& instance, const InferOptions& options, FoldBudget& budget) {
  for (size_t i = 0; i < node.outputs.size() && i < instance.contents.size(); ++i)
    if (node.outputs[i] >= 0 && instance.contents[i]) set_content(g.value(node.outputs[i]), *instance.contents[i]);
  if (instance.view_of >= 0) fold_view(g, node, instance);
  if (all_known(g, node)) return true;
  if (!instance.program) return false;
  bool known = std::all_of(instance.inputs.begin(), instance.inputs.end(), [&](const auto& in) {
    return g.value(node.inputs[static_cast<size_t>(in.second)]).constant.has_value();
  });
  if (known && static_shapes(g, node) && affordable(g, node, *instance.program, options, budget)) fold_constants(g, node, instance);
  else if (!known) fold_contents(g, node, instance);
  return all_known(g, node);
}

}  // namespace nasc
