// Helpers of the ONNX-level graph.
#include "ir/graph.h"

#include <algorithm>
#include <cctype>

namespace nasc {

int64_t Constant::count() const {
  int64_t n = 1;
  for (int64_t e : shape) n *= e;
  return n;
}

ValueId Graph::add_value(const std::string& hint, DType dtype) {
  std::string base;
  for (char c : hint) base += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (base.empty() || std::isdigit(static_cast<unsigned char>(base[0]))) base = "v" + base;
  Value v;
  v.name = base + "__" + std::to_string(values.size());  // the index makes it unique
  v.original = hint;
  v.dtype = dtype;
  values.push_back(std::move(v));
  return static_cast<ValueId>(values.size()) - 1;
}

std::string where(const Graph& graph, const Node& node) {
  std::string place = node.name.empty() ? text("graph#", node.index, ":", node.op) : node.name;
  return graph.file.empty() ? place : graph.file + ":" + place;
}

}  // namespace nasc
