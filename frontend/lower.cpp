// Buffers, calls, and the few Programs that have no operator.
#include "frontend/lower.h"

#include <algorithm>
#include <cctype>

#include "frontend/long_sums.h"
#include "ir/text.h"

namespace nasc {
namespace {

Tensor tensor(const std::string& name, const Value& like, Role role) {
  Tensor t;
  t.name = name;
  t.dtype = like.dtype;
  t.shape = *like.shape;
  t.role = role;
  return t;
}


// Y[i..] = X[i..]
Program copy_program(const Value& value, Role source) {
  Program p;
  p.name = "copy";
  p.origin = "copy";
  p.tensors = {tensor("X", value, source), tensor("Y", value, Role::output)};
  std::string index;
  std::vector<std::string> iterators;
  for (int i = 0; i < p.tensors[0].rank(); ++i) {
    iterators.push_back("i" + std::to_string(i));
    index += (i ? ", " : "") + iterators.back();
  }
  isl::set extents = extent_set(p.tensors[1]);
  isl::multi_aff rename(isl_context(), "{ Y[" + index + "] -> copy[" + index + "] }");
  isl::set domain = extents.apply(rename.as_map());
  auto access = [&](const char* t) { return Access{t, isl::multi_aff(isl_context(), "{ copy[" + index + "] -> " + t + "[" + index + "] }")}; };
  Statement s("copy", iterators, domain, access("Y"));
  s.reads = {access("X")};
  s.body = read(0, value.dtype);
  p.statements.push_back(std::move(s));
  return p;
}

// Y[k] = the k-th extent
Program content_program(const Value& value) {
  Program p;
  p.name = "extents";
  p.origin = "Shape";
  p.tensors = {tensor("Y", value, Role::output)};
  bool scalar = value.shape->empty();
  for (size_t k = 0; k < value.content->size(); ++k) {
    std::string name = "e" + std::to_string(k), at = scalar ? "" : std::to_string(k);
    Statement s(name, {}, isl::set(isl_context(), "{ " + name + "[] }"),
                {"Y", isl::multi_aff(isl_context(), "{ " + name + "[] -> Y[" + at + "] }")});
    ExprRef e = extent((*value.content)[k]);
    s.body = value.dtype == DType::i64 ? e : cast(value.dtype, e);
    p.statements.push_back(std::move(s));
  }
  return p;
}

struct Lowering {
  const Graph& g;
  Instances& instances;
  Network net;
  std::vector<int> buffer_of;  // by value, -1: none yet
  std::map<std::string, int> programs;
  std::map<std::string, int> names;
  std::vector<bool> is_output;

  int add_buffer(ValueId v, Role role) {
    const Value& value = g.value(v);
    NASC_CHECK(value.shape && value.dtype != DType::none) << "value " << value.name << " was not inferred";
    Buffer b;
    static_cast<Tensor&>(b) = tensor(value.name, value, role);
    b.original = value.original;
    net.buffers.push_back(std::move(b));
    return buffer_of[static_cast<size_t>(v)] = static_cast<int>(net.buffers.size()) - 1;
  }

  int program_index(Program p) {
    std::string key = canonical_text(p);
    auto [it, fresh] = programs.emplace(key, static_cast<int>(net.programs.size()));
    if (!fresh) return it->second;
    std::string base;
    for (char c : p.name) base += std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '_';
    p.name = base + "_" + std::to_string(names[base]++);
    net.programs.push_back(std::make_shared<const Program>(std::move(p)));
    return it->second;
  }

  void call(Program p, std::vector<int> args, const std::string& name) {
    net.calls.push_back({program_index(std::move(p)), std::move(args), name});
  }

  // The buffer that holds a value when a program reads it.
  int source(ValueId v) {
    int known = buffer_of[static_cast<size_t>(v)];
    if (known >= 0) return known;
    const Value& value = g.value(v);
    if (value.constant) {
      int b = add_buffer(v, Role::weight);
      net.buffers.edit(static_cast<size_t>(b)).payload = value.constant->payload;
      return b;
    }
    NASC_CHECK(value.content) << "value " << value.original << " is read before it is written";
    int b = add_buffer(v, Role::temp);
    call(content_program(value), {b}, value.original);
    return b;
  }

  // Output buffers exist from the start, so that producers write straight into them.
  void make_outputs() {
    for (ValueId v : g.outputs) {
      bool first = !is_output[static_cast<size_t>(v)];
      is_output[static_cast<size_t>(v)] = true;
      const Value& value = g.value(v);
      bool given = std::find(g.inputs.begin(), g.inputs.end(), v) != g.inputs.end() || value.constant || value.content;
      if (first && !given) {
        net.outputs.push_back(add_buffer(v, Role::output));
        continue;
      }
      int before = buffer_of[static_cast<size_t>(v)];
      int b = add_buffer(v, Role::output);
      buffer_of[static_cast<size_t>(v)] = before;
      net.buffers.edit(static_cast<size_t>(b)).name += "_out" + std::to_string(net.outputs.size());
      net.outputs.push_back(b);
    }
  }
  // Outputs that no node writes.
  void copy_outputs() {
    for (size_t k = 0; k < g.outputs.size(); ++k) {
      int from = source(g.outputs[k]);
      if (from == net.outputs[k]) continue;
      copy(g.value(g.outputs[k]), from, net.outputs[k], g.value(g.outputs[k]).original);
    }
  }
  void copy(const Value& like, int from, int to, const std::string& name) {
    bool weight = net.buffers[static_cast<size_t>(from)].role == Role::weight;
    call(copy_program(like, weight ? Role::weight : Role::input), {from, to}, name);
  }

  void view(const Node& node, const Instance& instance, const std::string& name) {
    ValueId x = node.inputs[static_cast<size_t>(instance.view_of)], y = node.outputs[0];
    int from = source(x);
    if (!is_output[static_cast<size_t>(y)]) {
      int b = add_buffer(y, Role::temp);
      net.buffers.edit(static_cast<size_t>(b)).alias_of = from;
      return;
    }
    int to = buffer_of[static_cast<size_t>(y)], root = net.root(from);
    if (net.buffers[static_cast<size_t>(root)].role == Role::temp) {
      net.buffers.edit(static_cast<size_t>(root)).alias_of = to;
      return;
    }
    Value like = g.value(y);  // a view of the source in the shape of the output, copied
    int b = add_buffer(y, Role::temp);
    buffer_of[static_cast<size_t>(y)] = to;
    net.buffers.edit(static_cast<size_t>(b)).name += "_view";
    net.buffers.edit(static_cast<size_t>(b)).alias_of = from;
    copy(like, b, to, name);
  }

  void lower(const Node& node) {
    auto instance = instances.get(g, node);
    std::string name = node.name.empty() ? text(node.op, "_", node.index) : node.name;
    if (instance->view_of >= 0) return view(node, *instance, name);
    NASC_CHECK(instance->program) << where(g, node) << ": " << node.op << " has neither a program nor a view";
    Program p = *instance->program;
    if (p.origin.empty()) p.origin = node.op;
    split_long_sums(p);
    std::vector<int> args;
    for (Tensor& t : p.tensors) {
      if (t.role == Role::temp) continue;
      args.push_back(bind(node, *instance, t));
    }
    call(std::move(p), std::move(args), name);
  }

  int bind(const Node& node, const Instance& instance, Tensor& t) {
    for (const auto& [letter, i] : instance.inputs) {
      if (letter != t.name) continue;
      ValueId v = node.inputs[static_cast<size_t>(i)];
      int b = source(v);
      t.role = net.buffers[static_cast<size_t>(b)].role == Role::weight ? Role::weight : Role::input;
      return b;
    }
    for (const auto& [letter, i] : instance.outputs) {
      if (letter != t.name) continue;
      ValueId v = node.outputs[static_cast<size_t>(i)];
      return buffer_of[static_cast<size_t>(v)] >= 0 ? buffer_of[static_cast<size_t>(v)] : add_buffer(v, Role::temp);
    }
    throw InternalError(text(where(g, node), ": tensor ", t.name, " of ", node.op, " is bound to nothing"));
  }

  Network run() {
    net.name = g.name;
    net.model_hash = g.model_hash;
    buffer_of.assign(g.values.size(), -1);
    is_output.assign(g.values.size(), false);
    for (ValueId v : g.inputs) net.inputs.push_back(add_buffer(v, Role::input));
    make_outputs();
    for (const Node& node : g.nodes) lower(node);
    copy_outputs();
    verify(net);
    return std::move(net);
  }
};

}  // namespace

Network lower(const Graph& graph, Instances& instances) {
  return Lowering{graph, instances, {}, {}, {}, {}, {}}.run();
}
Network lower(const Graph& graph) {
  Instances instances;
  return lower(graph, instances);
}

}  // namespace nasc
