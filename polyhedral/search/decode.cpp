// Templates with their choices filled in.
#include "polyhedral/search/decode.h"

#include <algorithm>
#include <map>

namespace nasc {
namespace {

SpaceValue word_value(std::string word) {
  SpaceValue out;
  out.text = std::move(word);
  return out;
}
bool is_keep(const SpaceValue& v) {
  return (v.kind == SpaceValue::word && v.text == "keep") ||
         (v.kind == SpaceValue::list && v.items.empty());
}
// Steps, or lists of them, or nothing to do.
bool is_steps(const SpaceValue& v) {
  return v.kind == SpaceValue::call || is_keep(v) ||
         (v.kind == SpaceValue::list && std::all_of(v.items.begin(), v.items.end(), is_steps));
}
void add_steps(const SpaceValue& v, std::vector<std::string>& out) {
  if (v.kind == SpaceValue::call)
    out.push_back(text(v));
  else if (v.kind == SpaceValue::list)
    for (const auto& item : v.items)
      add_steps(item, out);
}
// What is left of references: the layer's name or an attribute of it.
SpaceValue with_layer(SpaceValue v, const std::string& where, const SpaceLayer* layer) {
  if (v.kind == SpaceValue::reference) {
    const int64_t* attribute = layer && v.text != "layer" ? layer->attribute(v.text) : nullptr;
    return word_value(attribute ? std::to_string(*attribute) : where);
  }
  for (auto& item : v.items)
    item = with_layer(std::move(item), where, layer);
  return v;
}

class Decoder {
public:
  Decoder(const Space& space, const std::vector<double>& values) : space_(space), values_(values) {}

  void group(const SpaceGroup& g, Decoded& out) {
    names_.clear();
    ids_ = &g.roots, next_ = 0;
    std::vector<SpaceValue> filled;
    points(g.block->points, g.where + "/", out, filled);
    auto add = [&](const std::string& where, const SpaceLayer* bound) {
      LayerSteps layer{where, g.section, {}};
      for (const auto& v : filled)
        add_steps(with_layer(v, where, bound), layer.steps);
      if (!layer.steps.empty())
        out.steps.push_back(std::move(layer));
    };
    if (g.section)
      add(g.where, nullptr);
    for (const SpaceLayer& layer : g.layers)
      add(layer.name, &layer);
  }

private:
  void points(const std::vector<SpacePoint>& points, const std::string& prefix, Decoded& out,
              std::vector<SpaceValue>& steps) {
    size_t scope = names_.size();
    for (const SpacePoint& p : points) {
      std::string path = prefix + p.name;
      size_t at = out.values.size();
      out.values.emplace_back(path, "");
      std::vector<SpaceValue> sub_steps;
      SpaceValue v = filled(p.value, path, out, sub_steps);
      out.values[at].second = text(v);
      if (is_steps(v))
        steps.push_back(v);
      else
        out.settings.push_back(out.values[at]);
      steps.insert(steps.end(), sub_steps.begin(), sub_steps.end());
      names_.emplace_back(p.name, std::move(v));
    }
    if (scope > 0) // sub-spaces keep their names to themselves
      names_.resize(scope);
  }

  SpaceValue filled(const SpaceValue& v, const std::string& path, Decoded& out,
                    std::vector<SpaceValue>& steps) {
    SpaceValue result;
    if (v.kind == SpaceValue::choice) {
      result = chosen(v.choices[0], path, out, steps);
    } else if (auto found = std::find_if(names_.rbegin(), names_.rend(),
                                         [&](const auto& n) { return n.first == v.text; });
               v.kind == SpaceValue::reference && found != names_.rend()) {
      result = found->second;
    } else {
      result.kind = v.kind, result.text = v.text, result.names = v.names;
      for (const auto& item : v.items)
        result.items.push_back(filled(item, path, out, steps));
    }
    if (!v.points.empty())
      points(v.points, path + "/", out, steps);
    return result;
  }

  SpaceValue chosen(const Choice& c, const std::string& path, Decoded& out,
                    std::vector<SpaceValue>& steps) {
    NASC_CHECK(next_ < ids_->size()) << "a part of a space cannot be decoded: join it first";
    const SpaceNode& n = space_.nodes[static_cast<size_t>((*ids_)[next_++])];
    size_t start = at_;
    at_ += n.arity();
    if (n.is_range())
      return word_value(number_text(values_[start]));
    SpaceValue all;
    all.kind = SpaceValue::list;
    auto outer_ids = ids_;
    size_t outer_next = next_;
    for (size_t s = 0; s < n.arity(); ++s) {
      double value = values_[start + s];
      if (n.is_subset() && value == 0)
        continue;
      ids_ = &below(n, s, value), next_ = 0;
      size_t index = static_cast<size_t>(n.is_subset() ? n.options[s] : value);
      std::string slot = c.pick == Pick::oneof ? path : text(path, ".", s);
      all.items.push_back(filled(c.candidates[index], slot, out, steps));
    }
    ids_ = outer_ids, next_ = outer_next;
    return c.pick == Pick::oneof ? std::move(all.items[0]) : all;
  }

  const Space& space_;
  const std::vector<double>& values_;
  size_t at_ = 0, next_ = 0;
  const std::vector<int>* ids_ = nullptr;
  std::vector<std::pair<std::string, SpaceValue>> names_;
};

} // namespace

Decoded decode(const Space& space, const Dna& dna) {
  Decoded out;
  Decoder decoder(space, dna.values);
  for (const SpaceGroup& g : space.groups)
    decoder.group(g, out);
  std::vector<LayerSteps> parts; // of several blocks at one layer: in the order of the blocks
  std::swap(parts, out.steps);
  std::map<std::pair<std::string, bool>, size_t> known;
  for (LayerSteps& part : parts) {
    auto [at, is_new] = known.emplace(std::pair(part.where, part.section), out.steps.size());
    if (is_new)
      out.steps.push_back(std::move(part));
    else
      out.steps[at->second].steps.insert(out.steps[at->second].steps.end(), part.steps.begin(),
                                         part.steps.end());
  }
  return out;
}

Decoded decode_group(const Space& space, size_t group, const std::vector<double>& values) {
  Decoded out;
  Decoder(space, values).group(space.groups[group], out);
  return out;
}

std::string key(const Decoded& decoded) {
  std::string out;
  for (const LayerSteps& layer : decoded.steps) {
    out += layer.where + "{";
    for (const auto& step : layer.steps)
      out += step + ";";
    out += "}";
  }
  for (const auto& [path, value] : decoded.settings)
    out += path + "=" + value + ";";
  return out;
}

} // namespace nasc
