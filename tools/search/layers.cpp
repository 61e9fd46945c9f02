// Attributes from the loops of a convolution.
#include "tools/search/layers.h"

#include "polyhedral/neural/options.h"

namespace nasc {
namespace {

// Movement of the image's row (or column) per step of the innermost output loop, and per tap.
std::pair<int64_t, int64_t> stride_and_dilation(const ConvPiece& p, Axis out, Axis image,
                                                Axis tap) {
  std::pair<int64_t, int64_t> result{1, 1};
  for (const ConvLoop& l : p.loops) {
    if (l.at[out] == 1 && l.at[image] > 0)
      result.first = l.at[image];
    if (l.at[tap] == 1 && l.at[image] > 0)
      result.second = l.at[image];
  }
  return result;
}
} // namespace

std::vector<SpaceLayer> space_layers(const Network& network, int64_t lanes) {
  std::vector<SpaceLayer> out;
  for (const NeuralLayer& l : neural_layers(network)) {
    const ConvPiece& p = l.form.pieces[0];
    int64_t ci = l.form.image[0], kh = p.weights[2], kw = p.weights[3];
    auto [sh, dilation] = stride_and_dilation(p, kOh, kIh, kKh);
    int64_t sw = stride_and_dilation(p, kOw, kIw, kKw).first;
    std::vector<int64_t> cuts = output_factors(network, l.call, {2, 4, 8, 16});
    SpaceLayer layer{l.name, "conv", {}};
    auto add = [&](const char* name, int64_t value) { layer.attributes.emplace_back(name, value); };
    add("ci", ci), add("co", l.form.out[0]);
    add("ih", l.form.image[1]), add("iw", l.form.image[2]);
    add("h", l.form.out[1]), add("w", l.form.out[2]);
    add("kh", kh), add("kw", kw);
    if (kh == kw)
      add("k", kh);
    add("sh", sh), add("sw", sw);
    if (sh == sw)
      add("stride", sh);
    add("dilation", dilation);
    add("groups", p.weights[1] > 0 ? ci / p.weights[1] : 1);
    add("macs", l.form.macs()), add("weights", l.form.parameters());
    add("cut", cuts.empty() ? 1 : cuts.back());
    add("index", l.call), add("lanes", lanes);
    out.push_back(std::move(layer));
  }
  return out;
}

std::vector<Step> network_steps(const Decoded& decoded) {
  std::vector<Step> out;
  for (const LayerSteps& layer : decoded.steps)
    for (const std::string& step : layer.steps)
      out.push_back(parse_step(step));
  return out;
}

} // namespace nasc
