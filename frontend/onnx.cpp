// ModelProto -> Graph: names are resolved in scopes, functions expanded, sub-graphs closed over what they capture.
#include "frontend/onnx.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx.pb.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>

#include "frontend/decode.h"
#include "frontend/sort.h"
#include "ir/diag.h"

namespace nasc {
namespace {

std::string quoted(const std::string& name) { return "\"" + escaped(std::string_view(name).substr(0, 200)) + "\""; }
std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }
std::string qualified(const std::string& domain, const std::string& op) { return escaped((domain.empty() ? op : domain + ":" + op).substr(0, 200)); }

constexpr std::string_view kAnonymous[] = {"", "0", "-1", "?", "None"};  // exporters' extents without a name

using Attributes = std::map<std::string, Attribute>;

// One expansion of a function.
struct Frame {
  const onnx::FunctionProto* function = nullptr;
  const Attributes* attributes = nullptr;  // of the calling node, with defaults
  const Frame* caller = nullptr;
  int depth = 0;
};

// Names visible in one graph (or function body). A sub-graph asks `outer` for what it does not know, and notes it.
struct Scope {
  Graph* graph = nullptr;
  Scope* outer = nullptr;
  const Frame* frame = nullptr;
  std::unordered_map<std::string, ValueId> names;
  std::vector<std::pair<ValueId, ValueId>> captures;  // value of the outer graph, value here
  int depth = 0;
};

struct Builder {
  const ReadOptions& options;
  TensorSource source;
  std::string path;
  int opset = 0;
  std::map<std::pair<std::string, std::string>, const onnx::FunctionProto*> functions;
  std::map<std::string, std::string> parameters;  // dim_param -> name
  std::set<std::string> parameter_names, bound_dims;
  int64_t nodes = 0;

  [[noreturn]] void fail(const Code& code, const std::string& what) const { throw UserError(code, path, what); }

  void check_name(const std::string& name) const {
    if (static_cast<int64_t>(name.size()) > options.limits.max_name)
      fail(code::limit, text("a name of ", name.size(), " bytes; the limit is ", options.limits.max_name));
  }

  void opsets(const onnx::ModelProto& model) {
    bool found = false;
    for (const auto& import : model.opset_import()) {
      if (!domain_of(import.domain()).empty()) continue;
      if (import.version() < 1 || import.version() > kNewestOpset)
        fail(code::bad_opset, text("opset ", import.version(), " is not known; nasc knows opsets 1 to ", kNewestOpset));
      if (found && import.version() != opset) fail(code::bad_opset, text("two opset imports, ", opset, " and ", import.version()));
      found = true;
      opset = static_cast<int>(import.version());
    }
    if (model.opset_import().empty()) fail(code::bad_opset, "the model imports no opset (opset_import)");
  }

  // dim_batch for batch; unique among all parameters.
  std::string parameter_for(const std::string& wanted, bool shared) {
    if (shared)
      if (auto it = parameters.find(wanted); it != parameters.end()) return it->second;
    std::string base = "dim_";
    for (char c : wanted.substr(0, 100)) base += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    std::string name = base;
    for (int k = 2; !parameter_names.insert(name).second; ++k) name = base + "_" + std::to_string(k);
    if (shared) parameters.emplace(wanted, name);
    return name;
  }

  Extent symbolic(const std::string& wanted, bool shared) {
    if (auto it = options.dims.find(wanted); it != options.dims.end()) {
      bound_dims.insert(it->first);
      return it->second;
    }
    std::string name = parameter_for(wanted, shared);
    if (auto it = options.dims.find(name); it != options.dims.end()) {
      bound_dims.insert(it->first);
      return it->second;
    }
    return Extent::parameter(name);
  }

  std::optional<Shape> declared_shape(const onnx::TypeProto::Tensor& type, const std::string& name, bool input) {
    if (!type.has_shape()) return std::nullopt;
    if (type.shape().dim_size() > options.limits.max_rank)
      fail(code::bad_shape, text("tensor ", quoted(name), ": rank ", type.shape().dim_size(), ", the limit is ", options.limits.max_rank));
    Shape out;
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const auto& dim = type.shape().dim(i);
      std::string own = name + "_" + std::to_string(i);
      bool anonymous = std::find(std::begin(kAnonymous), std::end(kAnonymous), dim.dim_param()) != std::end(kAnonymous);
      if (dim.has_dim_value() && dim.dim_value() < -1)
        fail(code::bad_shape, text("tensor ", quoted(name), ": extent ", dim.dim_value(), " of axis ", i));
      if (dim.has_dim_value() && dim.dim_value() >= 0) out.push_back(dim.dim_value());
      else if (!anonymous) out.push_back(symbolic(dim.dim_param(), true));
      else out.push_back(input ? symbolic(own, false) : Extent::parameter("unknown"));
    }
    return out;
  }

  void declare_type(Value& v, const onnx::ValueInfoProto& info, bool input, bool nested) {
    std::string about = "tensor " + quoted(info.name());
    if (!info.has_type() || info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET) {
      if (input && !nested) fail(code::bad_type, about + ": graph input without a type");
      return;
    }
    if (!info.type().has_tensor_type()) fail(code::unsupported_type, about + ": sequences, maps, optional and sparse tensors are not supported");
    v.dtype = element_type(info.type().tensor_type().elem_type(), path, about);
    if (nested) return;
    v.shape = declared_shape(info.type().tensor_type(), info.name(), input);
    if (input && !v.shape) fail(code::unsupported_shape, about + ": graph input of unknown rank");
  }

  ValueId define(Scope& scope, const std::string& name, DType type, const std::string& who) {
    check_name(name);
    ValueId id = scope.graph->add_value(name, type);
    if (!scope.names.emplace(name, id).second) fail(code::bad_graph, text("tensor ", quoted(name), " is defined twice", who));
    return id;
  }

  ValueId resolve(Scope& scope, const std::string& name) {
    if (auto it = scope.names.find(name); it != scope.names.end()) return it->second;
    if (!scope.outer) return -1;
    ValueId outside = resolve(*scope.outer, name);
    if (outside < 0) return -1;
    ValueId id = capture(scope, outside);
    scope.names.emplace(name, id);
    return id;
  }
  static ValueId capture(Scope& scope, ValueId outside) {
    for (auto [o, here] : scope.captures)
      if (o == outside) return here;
    const Value& from = scope.outer->graph->value(outside);
    ValueId id = scope.graph->add_value(from.original, from.dtype);
    scope.captures.emplace_back(outside, id);
    return id;
  }

  std::string place(const Scope& scope, const Node& node) const { return where(*scope.graph, node); }

  Attributes attributes(Scope& scope, const onnx::NodeProto& proto, const Node& node, std::vector<Scope>& bodies) {
    Attributes out;
    std::string at = place(scope, node);
    for (const auto& a : proto.attribute()) {
      if (!a.ref_attr_name().empty()) {
        if (!scope.frame) throw UserError(code::bad_attribute, at, text("attribute ", quoted(a.name()), " refers to a function's attribute outside a function"));
        auto it = scope.frame->attributes->find(a.ref_attr_name());
        if (it != scope.frame->attributes->end()) out.insert_or_assign(a.name(), it->second);
        continue;
      }
      auto graph = [&](const onnx::AttributeProto& g) {
        auto nested = std::make_shared<Graph>();
        Scope inner{nested.get(), &scope, scope.frame, {}, {}, scope.depth + 1};
        read_graph(g.g(), inner, true);
        bodies.push_back(std::move(inner));
        return nested;
      };
      if (!out.emplace(a.name(), decode_attribute(a, source, at, graph)).second)
        throw UserError(code::bad_attribute, at, text("attribute ", quoted(a.name()), " is given twice"));
    }
    return out;
  }

  // All bodies of a node get the same captured inputs, which become the last inputs of the node.
  void close_bodies(Node& node, std::vector<Scope>& bodies) {
    if (bodies.empty()) return;
    std::vector<ValueId> captured;
    for (const Scope& b : bodies)
      for (auto [outside, here] : b.captures)
        if (std::find(captured.begin(), captured.end(), outside) == captured.end()) captured.push_back(outside);
    for (Scope& b : bodies)
      for (ValueId outside : captured) b.graph->inputs.push_back(capture(b, outside));
    node.inputs.insert(node.inputs.end(), captured.begin(), captured.end());
    node.attributes["captures"] = static_cast<int64_t>(captured.size());
  }

  // Constant is a value, not a node.
  bool constant_node(Scope& scope, const Node& node) {
    if (node.op != "Constant" || !node.domain.empty()) return false;
    set_constant(scope.graph->value(node.outputs[0]), constant_value(node, place(scope, node)));
    return true;
  }
  static void set_constant(Value& v, Constant c) { v.dtype = c.dtype, v.shape = shape_of(c.shape), v.constant = std::move(c); }

  void declare_outputs(Scope& scope, const onnx::NodeProto& node) {
    for (const std::string& name : node.output())
      if (!name.empty()) define(scope, name, DType::none, text(": node ", quoted(node.name()), " (", escaped(node.op_type()), ") writes it too"));
  }

  void read_node(Scope& scope, const onnx::NodeProto& proto, int index) {
    if (++nodes > options.limits.max_nodes) fail(code::limit, text("more than ", options.limits.max_nodes, " nodes (max-nodes)"));
    Node node;
    node.op = proto.op_type();
    node.domain = domain_of(proto.domain());
    node.name = proto.name();
    node.index = index;
    if (scope.frame) node.name = scope.frame->function->name() + "/" + (node.name.empty() ? text(node.op, "_", index) : node.name);
    std::string at = place(scope, node);
    if (node.op.empty()) throw UserError(code::bad_graph, at, "node without an operator");
    if (node.domain.empty() && !opset)  // models of other domains need not import it
      throw UserError(code::bad_opset, at, "the model imports no opset of the default domain (opset_import)");
    for (const std::string& name : proto.input()) {
      ValueId id = name.empty() ? -1 : resolve(scope, name);
      if (!name.empty() && id < 0 && !absent_parameter(scope, name))
        throw UserError(code::bad_graph, at, text(qualified(node.domain, node.op), " reads tensor ", quoted(name), ", which nothing produces"));
      node.inputs.push_back(id);
    }
    bool any = false;
    for (const std::string& name : proto.output()) {
      node.outputs.push_back(name.empty() ? -1 : scope.names.at(name));
      any = any || !name.empty();
    }
    if (!any) throw UserError(code::bad_graph, at, qualified(node.domain, node.op) + " has no outputs");
    while (!node.outputs.empty() && node.outputs.back() < 0) node.outputs.pop_back();
    std::vector<Scope> bodies;
    node.attributes = attributes(scope, proto, node, bodies);
    close_bodies(node, bodies);
    while (bodies.empty() && !node.inputs.empty() && node.inputs.back() < 0) node.inputs.pop_back();
    if (constant_node(scope, node)) return;
    if (auto it = functions.find({node.domain, node.op}); it != functions.end()) return expand(scope, node, *it->second);
    scope.graph->nodes.push_back(std::move(node));
  }

  // An optional input of a function that its caller left out.
  static bool absent_parameter(const Scope& scope, const std::string& name) {
    auto it = scope.names.find(name);
    return scope.frame && it != scope.names.end() && it->second < 0;
  }

  void expand(Scope& scope, const Node& call, const onnx::FunctionProto& f) {
    std::string at = place(scope, call), about = "function " + qualified(domain_of(f.domain()), f.name());
    for (const Frame* frame = scope.frame; frame; frame = frame->caller)
      if (frame->function == &f) throw UserError(code::bad_graph, at, about + " calls itself");
    int depth = scope.frame ? scope.frame->depth + 1 : 1;
    if (depth > options.limits.max_nesting) throw UserError(code::limit, at, about + ": functions nested too deeply");
    for (const auto& import : f.opset_import())
      if (domain_of(import.domain()).empty() && import.version() != opset)
        throw UserError(code::unsupported_op, at, text(about, " is written for opset ", import.version(), ", the model for opset ", opset));
    if (static_cast<int>(call.inputs.size()) > f.input_size() || static_cast<int>(call.outputs.size()) > f.output_size())
      throw UserError(code::bad_graph, at, about + " has fewer inputs or outputs than this node");
    Attributes given = call.attributes;
    Frame frame{&f, &given, scope.frame, depth};
    Scope body{scope.graph, nullptr, &frame, {}, {}, scope.depth};
    std::vector<Scope> no_bodies;
    for (const auto& n : f.node())
      if (n.op_type() == "nasc.default")
        for (auto& [key, value] : attributes(body, n, call, no_bodies)) given.emplace(key, value);
    for (int i = 0; i < f.input_size(); ++i)
      body.names[f.input(i)] = i < static_cast<int>(call.inputs.size()) ? call.inputs[static_cast<size_t>(i)] : -1;
    for (const auto& n : f.node()) declare_outputs(body, n);
    for (int i = 0; i < f.node_size(); ++i)
      if (f.node(i).op_type() != "nasc.default") read_node(body, f.node(i), i);
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      if (call.outputs[i] < 0) continue;
      auto it = body.names.find(f.output(static_cast<int>(i)));
      if (it == body.names.end() || it->second < 0)
        throw UserError(code::bad_graph, at, text(about, " does not produce its output ", quoted(f.output(static_cast<int>(i)))));
      Node copy;
      copy.op = "Identity";
      copy.name = call.name;
      copy.index = call.index;
      copy.inputs = {it->second};
      copy.outputs = {call.outputs[i]};
      scope.graph->nodes.push_back(std::move(copy));
    }
  }

  void read_graph(const onnx::GraphProto& proto, Scope& scope, bool nested) {
    if (scope.depth > options.limits.max_nesting) fail(code::limit, text("sub-graphs nested deeper than ", options.limits.max_nesting));
    Graph& g = *scope.graph;
    g.name = proto.name();
    g.file = path;
    g.opset = opset;
    for (const auto& t : proto.initializer()) {
      if (t.name().empty()) fail(code::bad_graph, "an initializer has no name");
      ValueId id = define(scope, t.name(), DType::none, ": two initializers");
      set_constant(g.value(id), decode_tensor(t, source, path, "tensor " + quoted(t.name())));
    }
    for (const auto& t : proto.sparse_initializer())
      fail(code::unsupported_type, text("tensor ", quoted(t.values().name()), ": sparse tensors are not supported"));
    std::set<std::string> inputs;
    for (const auto& info : proto.input()) {
      if (!inputs.insert(info.name()).second || info.name().empty()) fail(code::bad_graph, text("graph input ", quoted(info.name()), " is declared twice or has no name"));
      if (auto it = scope.names.find(info.name()); it != scope.names.end()) {  // a default value
        Value declared;
        declare_type(declared, info, false, true);
        if (declared.dtype != DType::none && declared.dtype != g.value(it->second).dtype)
          fail(code::bad_type, text("tensor ", quoted(info.name()), ": input and initializer have different types"));
        continue;
      }
      ValueId id = define(scope, info.name(), DType::none, "");
      declare_type(g.value(id), info, true, nested);
      g.inputs.push_back(id);
    }
    for (const auto& n : proto.node()) declare_outputs(scope, n);
    for (int i = 0; i < proto.node_size(); ++i) read_node(scope, proto.node(i), i);
    for (const auto& info : proto.output()) {
      ValueId id = resolve(scope, info.name());
      if (id < 0) fail(code::bad_graph, text("graph output ", quoted(info.name()), " is produced by no node"));
      Value& v = g.value(id);
      bool given = v.constant || std::find(g.inputs.begin(), g.inputs.end(), id) != g.inputs.end();
      Value declared;
      declare_type(declared, info, false, nested);
      if (!given) v.dtype = declared.dtype, v.shape = declared.shape;
      else if (declared.dtype != DType::none && v.dtype != DType::none && declared.dtype != v.dtype)
        fail(code::bad_type, text("graph output ", quoted(info.name()), " is declared ", name(declared.dtype), " but is ", name(v.dtype)));
      g.outputs.push_back(id);
    }
    if (g.outputs.empty()) fail(code::bad_graph, "the graph has no outputs");
    sort_nodes(g);
  }
};

template <class Message>
Message parsed(const FileBytes& file, Wire root, const ReadLimits& limits, const std::string& path) {
  if (file.bytes.empty()) throw UserError(code::bad_file, path, "the file is empty");
  std::string kind = looks_like(file.bytes);
  if (!kind.empty()) throw UserError(code::bad_file, path, "the file is no ONNX file; it looks like " + kind);
  std::string small = skim(file.bytes, root, limits, path);
  google::protobuf::io::ArrayInputStream stream(small.data(), static_cast<int>(small.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetRecursionLimit(8 * limits.max_nesting);
  Message message;
  if (!message.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
    throw UserError(code::bad_file, path, "the file is truncated or is no ONNX file");
  return message;
}

uint64_t hash_of(const FileBytes& file) {
  Payload p;
  p.owner = file.owner;
  p.data = file.bytes.data();
  p.size = file.bytes.size();
  return hash(p);
}

}  // namespace

FileBytes file_bytes(std::string bytes) {
  auto owner = std::make_shared<std::vector<std::byte>>(bytes.size());
  std::transform(bytes.begin(), bytes.end(), owner->begin(), [](char c) { return std::byte(c); });
  return {owner, {owner->data(), owner->size()}};
}

Graph read_onnx(FileBytes file, const std::string& path, const ReadOptions& options) {
  auto model = parsed<onnx::ModelProto>(file, Wire::model, options.limits, path);
  if (model.ir_version() < 1 || model.ir_version() > 32)
    throw UserError(code::bad_file, path, text("ir_version ", model.ir_version(), " is not known; the file is no ONNX model or too new"));
  if (!model.has_graph()) throw UserError(code::bad_file, path, "the model has no graph");
  ExternalRoot external(path, options.allow_hard_links);
  Builder builder{options, {file, &external, options.limits}, path, 0, {}, {}, {}, {}, 0};
  builder.opsets(model);
  for (const auto& f : model.functions())
    if (!builder.functions.emplace(std::pair{domain_of(f.domain()), f.name()}, &f).second)
      throw UserError(code::bad_graph, path, text("function ", qualified(f.domain(), f.name()), " is defined twice"));
  Graph graph;
  Scope scope{&graph, nullptr, nullptr, {}, {}, 0};
  builder.read_graph(model.graph(), scope, false);
  graph.model_hash = hash_of(file);
  forget_pages(file);  // what cannot be used in place was copied
  for (const auto& location : external.locations()) graph.files.push_back(path.substr(0, path.rfind('/') + 1) + location);
  for (const auto& [dim, value] : options.dims) {
    if (builder.bound_dims.count(dim)) continue;
    std::string known;
    for (const auto& p : builder.parameter_names) known += (known.empty() ? "" : ", ") + p;
    throw UserError(code::usage, path, text("no symbolic extent ", quoted(dim), " to bind", known.empty() ? "" : "; there are: " + known));
  }
  return graph;
}

Graph read_onnx(const std::string& path, const ReadOptions& options) { return read_onnx(read_file(path), path, options); }

NamedTensor read_tensor(const std::string& path) {
  FileBytes file = read_file(path);
  auto proto = parsed<onnx::TensorProto>(file, Wire::tensor, {}, path);
  NamedTensor out;
  out.name = proto.name();
  out.value = decode_tensor(proto, {file, nullptr, {}}, path, "tensor " + quoted(proto.name()));
  return out;
}

}  // namespace nasc
