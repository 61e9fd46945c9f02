// Classes of equal layers, ties from the network.
#include "tools/neural/layers.h"

#include <algorithm>

#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/counts.h"
#include "polyhedral/neural/loops.h"

namespace nasc {

LayerTable::LayerTable(const Network& n) : network(n), layers(neural_layers(n)) {
  NetworkCounts all = count_network(n);
  other_macs = all.macs, other_parameters = all.parameters;
  std::map<std::string, size_t> known;
  for (size_t k = 0; k < layers.size(); ++k) {
    const NeuralLayer& l = layers[k];
    other_macs -= l.form.macs(), other_parameters -= l.form.parameters();
    equals.push_back(known.emplace(canonical_text(l.form), k).first->second);
    const Call& call = n.calls[static_cast<size_t>(l.call)];
    const Program& p = *n.programs[static_cast<size_t>(call.program)];
    std::vector<int> bound = Network::bound(p);
    int image = -1;
    for (const Statement& s : p.statements)
      for (size_t b = 0; s.is_reduction() && b < bound.size(); ++b)
        if (p.tensors[static_cast<size_t>(bound[b])].name == s.reads[0].tensor)
          image = call.args[b];
    images.push_back(image);
  }
}

size_t LayerTable::index(const std::string& name) const {
  std::vector<std::string> names;
  for (size_t k = 0; k < layers.size(); ++k) {
    if (layers[k].name == name)
      return k;
    names.push_back(layers[k].name);
  }
  std::string near = nearest(name, names);
  throw UserError(code::bad_text, "--space",
                  text("no convolution ", escaped(name),
                       near.empty() ? "" : "; did you mean " + near + "?"));
}

const Expected<LayerCut>& LayerTable::cut(size_t layer, const std::vector<int64_t>& kept) {
  auto [at, is_new] = cuts_.emplace(std::pair(layer, kept), LayerCut{});
  if (!is_new)
    return at->second;
  Kept flags(static_cast<size_t>(layers[layer].form.out[0]));
  for (int64_t k : kept)
    flags[static_cast<size_t>(k)] = true;
  auto found = cut_channels(network, layers[layer].call, flags);
  if (!found) {
    at->second = std::unexpected(found.error());
    return at->second;
  }
  for (size_t j = 0; j < layers.size(); ++j) {
    if (auto form = found->forms.find(layers[j].call); form != found->forms.end())
      at->second->grouped.emplace(j, form->second);
    else if (auto b = found->buffers.find({images[j], 1}); b != found->buffers.end())
      at->second->inputs.emplace(j, b->second);
  }
  return at->second;
}

Expected<ConvForm> narrowed_input(const ConvForm& form, int64_t channels) {
  if (form.image[0] == channels)
    return form;
  ConvForm out = form;
  size_t inputs = 0;
  if (out.pieces.size() == 1)
    for (ConvLoop& l : out.pieces[0].loops)
      if (is_input(l) && l.extent == form.image[0])
        l.extent = channels, ++inputs;
  if (inputs != 1)
    return refuse("composed-cuts", form.name + " loses inputs and is no plain convolution");
  begin_rewrite(out);
  make_dense(out.pieces[0]);
  out.pieces[0].taken.clear();
  out.image[0] = channels;
  return out;
}

} // namespace nasc
