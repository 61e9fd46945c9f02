#include "graph_values.h"

#include <map>

#include "ir/diag.h"

namespace nasc::test {
namespace {

struct Image {
  std::vector<int64_t> shape;
  std::vector<double> at;
  int64_t stride(size_t d) const { return d + 1 == shape.size() ? 1 : shape[d + 1] * stride(d + 1); }
};
Image sized(std::vector<int64_t> shape) {
  size_t count = 1;
  for (int64_t s : shape) count *= static_cast<size_t>(s);
  return {std::move(shape), std::vector<double>(count)};
}

struct Evaluator {
  const Graph& graph;
  std::map<ValueId, Image> known = {};

  const Constant& constant(const Node& n, size_t k) const {
    NASC_CHECK(k < n.inputs.size() && graph.value(n.inputs[k]).constant) << n.op << " without its constant " << k;
    return *graph.value(n.inputs[k]).constant;
  }
  std::vector<int64_t> integers(const Node& n, size_t k) const {
    const Constant& c = constant(n, k);
    return {c.payload.as<int64_t>(), c.payload.as<int64_t>() + c.count()};
  }
  template <class T>
  static T attribute(const Node& n, const char* name, T absent) {
    auto it = n.attributes.find(name);
    return it == n.attributes.end() ? absent : std::get<T>(it->second);
  }

  Image conv(const Node& n, const Image& x) const {
    using List = std::vector<int64_t>;
    const Constant& w = constant(n, 1);
    List strides = attribute(n, "strides", List{1, 1}), pads = attribute(n, "pads", List{0, 0, 0, 0});
    List dilations = attribute(n, "dilations", List{1, 1});
    int64_t groups = attribute(n, "group", int64_t{1}), columns = w.shape[1], rows = w.shape[0] / groups;
    auto extent = [&](size_t d) {
      return (x.shape[2 + d] + pads[d] + pads[2 + d] - dilations[d] * (w.shape[2 + d] - 1) - 1) / strides[d] + 1;
    };
    Image y = sized({x.shape[0], w.shape[0], extent(0), extent(1)});
    const float* weight = w.payload.as<float>();
    const float* bias = n.inputs.size() > 2 && n.inputs[2] >= 0 ? constant(n, 2).payload.as<float>() : nullptr;
    for (int64_t i = 0; i < y.shape[0]; ++i)
      for (int64_t m = 0; m < y.shape[1]; ++m) {
        double* out = y.at.data() + i * y.stride(0) + m * y.stride(1);
        std::fill(out, out + y.stride(1), bias ? static_cast<double>(bias[m]) : 0.0);
        for (int64_t c = 0; c < columns; ++c)
          for (int64_t kh = 0; kh < w.shape[2]; ++kh)
            for (int64_t kw = 0; kw < w.shape[3]; ++kw) {
              double by = static_cast<double>(weight[((m * columns + c) * w.shape[2] + kh) * w.shape[3] + kw]);
              const double* in = x.at.data() + i * x.stride(0) + (m / rows * columns + c) * x.stride(1);
              for (int64_t h = 0; h < y.shape[2]; ++h) {
                int64_t row = h * strides[0] + kh * dilations[0] - pads[0];
                if (row < 0 || row >= x.shape[2]) continue;
                for (int64_t v = 0; v < y.shape[3]; ++v) {
                  int64_t column = v * strides[1] + kw * dilations[1] - pads[1];
                  if (column >= 0 && column < x.shape[3]) out[h * y.shape[3] + v] += by * in[row * x.shape[3] + column];
                }
              }
            }
      }
    return y;
  }

  // y[.., k, ..] = x[.., from[k], ..] along dimension d.
  static Image picked(const Image& x, size_t d, const std::vector<int64_t>& from) {
    std::vector<int64_t> shape = x.shape;
    shape[d] = static_cast<int64_t>(from.size());
    Image y = sized(std::move(shape));
    int64_t inner = x.stride(d), outer = static_cast<int64_t>(x.at.size()) / (inner * x.shape[d]);
    for (int64_t o = 0; o < outer; ++o)
      for (size_t k = 0; k < from.size(); ++k)
        std::copy_n(x.at.begin() + (o * x.shape[d] + from[k]) * inner, inner,
                    y.at.begin() + (o * y.shape[d] + static_cast<int64_t>(k)) * inner);
    return y;
  }
  static std::vector<int64_t> range(int64_t first, int64_t last) {
    std::vector<int64_t> out;
    for (int64_t k = first; k < last; ++k) out.push_back(k);
    return out;
  }
  Image slice(const Node& n, Image x) const {
    std::vector<int64_t> starts = integers(n, 1), ends = integers(n, 2), axes = integers(n, 3);
    for (size_t k = 0; k < axes.size(); ++k) x = picked(x, static_cast<size_t>(axes[k]), range(starts[k], ends[k]));
    return x;
  }
  Image resize(const Node& n, Image x) const {
    NASC_CHECK(attribute(n, "mode", std::string()) == "nearest" && attribute(n, "nearest_mode", std::string()) == "floor" &&
               attribute(n, "coordinate_transformation_mode", std::string()) == "asymmetric") << n.name;
    const float* scales = constant(n, 2).payload.as<float>();
    for (size_t d = 0; d < x.shape.size(); ++d) {
      int64_t by = static_cast<int64_t>(scales[d]);
      std::vector<int64_t> from = range(0, x.shape[d] * by);
      for (int64_t& f : from) f /= by;
      if (by > 1) x = picked(x, d, from);
    }
    return x;
  }
  Image concat(const Node& n) const {
    size_t d = static_cast<size_t>(attribute(n, "axis", int64_t{0}));
    Image y = known.at(n.inputs[0]);
    int64_t sum = 0;
    for (ValueId v : n.inputs) sum += known.at(v).shape[d];
    y.shape[d] = sum;
    y = sized(y.shape);
    int64_t inner = y.stride(d), outer = static_cast<int64_t>(y.at.size()) / (inner * sum), at = 0;
    for (ValueId v : n.inputs) {
      const Image& x = known.at(v);
      for (int64_t o = 0; o < outer; ++o)
        std::copy_n(x.at.begin() + o * x.shape[d] * inner, x.shape[d] * inner, y.at.begin() + (o * sum + at) * inner);
      at += x.shape[d];
    }
    return y;
  }

  Image value(const Node& n) const {
    if (n.op == "Concat") return concat(n);
    const Image& x = known.at(n.inputs[0]);
    if (n.op == "Conv") return conv(n, x);
    if (n.op == "Slice") return slice(n, x);
    if (n.op == "Gather") return picked(x, static_cast<size_t>(attribute(n, "axis", int64_t{0})), integers(n, 1));
    if (n.op == "Resize") return resize(n, x);
    throw InternalError("no definition of " + n.op);
  }
};
}  // namespace

std::vector<double> graph_values(const Graph& graph, const std::vector<int64_t>& shape, const std::vector<double>& image) {
  Evaluator e{graph};
  e.known[graph.inputs.at(0)] = {shape, image};
  for (const Node& n : graph.nodes) e.known[n.outputs.at(0)] = e.value(n);
  return e.known.at(graph.outputs.at(0)).at;
}

}  // namespace nasc::test
