// Rewrites of convolution nodes and their constants.
#include "test/reliability/candidates.h"

#include <algorithm>
#include <fstream>
#include <random>

#include "frontend/batch.h"
#include "frontend/import.h"
#include "frontend/lower.h"
#include "ir/host_tensor.h"
#include "test/zoo/networks.h"

namespace nasc {
namespace {
std::string layer_name(const Node& n) { return n.name.empty() ? text(n.op, "_", n.index) : n.name; }

// The weight with only the rows and columns that `row` and `column` name (of the first two dimensions).
template <class Row, class Column>
void gather(Graph& g, ValueId& input, int64_t rows, int64_t columns, Row row, Column column) {
  const Constant& old = *g.value(input).constant;
  HostTensor from = host_tensor(old.dtype, old.shape, old.payload);
  std::vector<int64_t> shape = old.shape;
  int64_t inner = 1;
  for (size_t d = 2; d < shape.size(); ++d) inner *= shape[d];
  int64_t old_columns = shape.size() > 1 ? shape[1] : 1;
  shape[0] = rows;
  if (shape.size() > 1) shape[1] = columns;
  HostTensor to = zeros(old.dtype, shape);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      for (int64_t i = 0; i < inner; ++i)
        to.as<float>()[(r * columns + c) * inner + i] = from.as<float>()[(row(r) * old_columns + column(r, c)) * inner + i];
  ValueId fresh = g.add_value(g.value(input).name, old.dtype);
  g.value(fresh).shape = shape_of(shape);
  g.value(fresh).constant = Constant{to.dtype, shape, payload_from(std::move(to.bytes))};
  input = fresh;
}
}  // namespace

std::string model_bytes(const std::string& name) {
  constexpr ZooStem kStem{.channels = 16, .kernel = 3, .stride = 1, .pool = false};
  if (name == "resnet20-cifar") return make_resnet("resnet20-cifar", {}, {32, 10, kStem, {3, 3, 3}, {16, 32, 64}, false, 1, 1});
  if (name == "resnet34-quarter")
    return make_resnet("resnet34-quarter", {}, {32, 10, kStem, {3, 4, 6, 3}, {16, 32, 64, 128}, false, 1, 1});
  if (!name.ends_with(".onnx")) return zoo_model(name);
  std::ifstream in(name, std::ios::binary);
  if (!in) throw UserError(code::no_input, name, "cannot read the file");
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Candidates::Data {
  Graph graph;
  std::map<std::string, size_t> node;       // by layer
  std::map<std::string, std::string> next;  // the only convolution that reads a layer, through elementwise nodes
  int64_t channels(const std::string& layer, bool out) const {
    const Node& n = graph.nodes[node.at(layer)];
    const Constant& w = *graph.value(n.inputs[1]).constant;
    return out ? w.shape[0] : w.shape[1] * int_attribute(n, "group", 1);
  }
};

std::string text(const Candidate& candidate) {
  std::string out;
  for (const auto& [layer, c] : candidate) {
    if (c.bottleneck > 1) out += text(out.empty() ? "" : " ", layer, ":b", c.bottleneck);
    if (c.group > 1) out += text(out.empty() ? "" : " ", layer, ":g", c.group);
  }
  return out.empty() ? "original" : out;
}

Candidates::Candidates(const std::string& model, const std::string& name, int64_t batch, bool mark) {
  Instances instances;
  auto data = std::make_shared<Data>();
  Graph& g = data->graph = import_graph(with_batch(read_onnx(file_bytes(model), name), batch), instances);
  Uses uses(g);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& n = g.nodes[i];
    if (n.op != "Conv" && n.op != "Gemm") continue;
    Constant& w = *g.value(n.inputs[1]).constant;
    std::vector<float> positions(static_cast<size_t>(w.count()));
    for (size_t k = 0; k < positions.size(); ++k) positions[k] = static_cast<float>(k);
    if (mark) w.payload = payload_of(positions);
    if (n.op != "Conv") continue;
    data->node[layer_name(n)] = i;
    bool first = std::find(g.inputs.begin(), g.inputs.end(), n.inputs[0]) != g.inputs.end();
    if (w.shape[2] * w.shape[3] > 1 && !first && int_attribute(n, "group", 1) == 1) layers_.push_back(layer_name(n));
    int reader = only_user(uses, n.outputs[0]);
    while (reader >= 0 && (g.nodes[static_cast<size_t>(reader)].op == "Relu" || g.nodes[static_cast<size_t>(reader)].op == "Clip"))
      reader = only_user(uses, g.nodes[static_cast<size_t>(reader)].outputs[0]);
    if (reader >= 0 && g.nodes[static_cast<size_t>(reader)].op == "Conv" && int_attribute(g.nodes[static_cast<size_t>(reader)], "group", 1) == 1)
      data->next[layer_name(n)] = layer_name(g.nodes[static_cast<size_t>(reader)]);
  }
  data_ = data;
}

bool Candidates::narrows(const std::string& layer) const { return data_->next.count(layer) > 0; }
bool Candidates::groups(const std::string& layer, int by) const {
  return data_->channels(layer, true) % by == 0 && data_->channels(layer, false) % by == 0;
}

Candidate Candidates::random(uint64_t seed) const {
  std::mt19937_64 rng(seed);
  double density = 0.1 + 0.8 * static_cast<double>(rng() % 1000) / 1000;
  Candidate out;
  for (const std::string& layer : layers_) {
    if (static_cast<double>(rng() % 1000) / 1000 >= density) continue;
    Change c;
    int pick = static_cast<int>(rng() % (narrows(layer) ? 5 : 3));
    if (pick < 3) c.group = 2 << pick;
    else c.bottleneck = 2 << (pick - 3);
    if (c.group > 1 && !groups(layer, c.group)) continue;
    if (c.bottleneck > 1 && data_->channels(layer, true) % (8 * c.bottleneck) != 0) continue;
    out[layer] = c;
  }
  return out;
}

Network Candidates::network(const Candidate& candidate) const {
  Graph g = data_->graph;
  std::map<std::string, int64_t> narrowed;  // readers of narrowed layers: their input channels
  for (const auto& [layer, c] : candidate) {
    if (c.bottleneck == 1) continue;
    Node& n = g.nodes[data_->node.at(layer)];
    int64_t rows = data_->channels(layer, true) / c.bottleneck, columns = data_->channels(layer, false);
    gather(g, n.inputs[1], rows, columns, [](int64_t r) { return r; }, [](int64_t, int64_t k) { return k; });
    if (n.inputs.size() > 2 && n.inputs[2] >= 0) gather(g, n.inputs[2], rows, 1, [](int64_t r) { return r; }, [](int64_t, int64_t) { return 0; });
    Node& reader = g.nodes[data_->node.at(data_->next.at(layer))];
    const Constant& w = *g.value(reader.inputs[1]).constant;
    gather(g, reader.inputs[1], w.shape[0], rows, [](int64_t r) { return r; }, [](int64_t, int64_t k) { return k; });
  }
  for (const auto& [layer, c] : candidate) {
    if (c.group == 1) continue;
    Node& n = g.nodes[data_->node.at(layer)];
    const Constant& w = *g.value(n.inputs[1]).constant;
    int64_t rows = w.shape[0], columns = w.shape[1] / c.group, per = rows / c.group;
    if (rows % c.group || w.shape[1] % c.group) continue;
    n.attributes["group"] = int64_t{c.group};
    gather(g, n.inputs[1], rows, columns, [](int64_t r) { return r; }, [=](int64_t r, int64_t k) { return r / per * columns + k; });
  }
  for (const Node& n : g.nodes)
    for (ValueId v : n.outputs)
      if (v >= 0) g.value(v).shape.reset();
  Instances instances;
  return lower(infer(std::move(g), instances), instances);
}

}  // namespace nasc
