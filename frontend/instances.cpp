// Keys of nodes, and the table of their instances.
#include "frontend/instances.h"

namespace nasc {
namespace {
constexpr int64_t kSmall = 4096;  // constants up to this many elements are compared by value, larger ones by identity

template <class T>
std::string list(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& v : values) out += text(v) + ",";
  return out + "]";
}

std::string exact(double v) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%a", v);
  return buffer;
}

std::string key_of(const Constant& c) {
  std::string out = text("#", name(c.dtype), list(c.shape));
  return out + (c.count() <= kSmall ? std::string(reinterpret_cast<const char*>(c.payload.data), c.payload.size)
                                    : text(static_cast<const void*>(c.payload.data)));
}

struct AttributeKey {
  std::string operator()(int64_t v) const { return text("i", v); }
  std::string operator()(double v) const { return "f" + exact(v); }
  std::string operator()(const std::string& v) const { return text("s", v.size(), ":", v); }
  std::string operator()(const std::vector<int64_t>& v) const { return list(v); }
  std::string operator()(const std::vector<double>& v) const {
    std::string out = "F";
    for (double x : v) out += exact(x) + ",";
    return out;
  }
  std::string operator()(const std::vector<std::string>& v) const {
    std::string out = "S";
    for (const auto& x : v) out += (*this)(x);
    return out;
  }
  std::string operator()(const Constant& v) const { return key_of(v); }
  std::string operator()(const std::shared_ptr<Graph>&) const { return ""; }
};

std::string value_key(const Value& v) {
  std::string out = text(static_cast<int>(v.dtype), v.shape ? text(*v.shape) : "?");
  if (v.constant) return out + key_of(*v.constant);
  if (v.content)
    for (const Extent& e : *v.content) out += "@" + e.text();
  return out;
}
}  // namespace

std::string node_key(const Node& node, const std::function<std::string(ValueId)>& name_of) {
  std::string key = text(node.domain, ":", node.op, "/", node.outputs.size());
  for (ValueId out : node.outputs) key += out < 0 ? '-' : '+';
  for (const auto& [name, value] : node.attributes) {
    if (std::holds_alternative<std::shared_ptr<Graph>>(value)) return "";
    key += text("\n", name, "=", std::visit(AttributeKey(), value));
  }
  for (ValueId in : node.inputs) {
    std::string one = in < 0 ? "-" : name_of(in);
    key += text("\n", one.size(), ":", one);
  }
  return key;
}

std::shared_ptr<const Instance> Instances::get(const Graph& graph, const Node& node) {
  std::string key = node_key(node, [&](ValueId v) { return value_key(graph.value(v)); });
  if (!key.empty()) key += text("\nopset ", graph.opset);
  if (auto it = known_.find(key); !key.empty() && it != known_.end()) return it->second;
  try {
    auto made = std::make_shared<const Instance>(instantiate(graph, node));
    if (!key.empty()) known_.emplace(std::move(key), made);
    return made;
  } catch (const UserError& e) {  // arithmetic deep below does not know the node
    if (!e.where.empty()) throw;
    throw UserError(*e.code, where(graph, node), text(escaped(node.op), ": ", e.what()));
  }
}

}  // namespace nasc
