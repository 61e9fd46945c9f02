// Steps on forms, with the ties between layers; every distinct rewrite is computed once.
#include "tools/neural/forms.h"

#include <algorithm>

#include "ir/hash.h"
#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/edit.h"
#include "tools/neural/latency.h"
#include "tools/neural/steps.h"

namespace nasc {

FormTable::FormTable(LayerTable& layers, const Target& target, double least_share)
    : layers_(layers), target_(target), least_share_(least_share) {
  for (const NeuralLayer& l : layers_.layers)
    original_.layers.push_back(entry(l.form));
  total(original_);
}

const FormEntry* FormTable::entry(const ConvForm& form) {
  std::string canonical = canonical_text(form);
  auto [at, is_new] = by_text_.emplace(canonical, nullptr);
  if (is_new) {
    uint64_t hash = canonical_hash(form);
    entries_->push_back({form, canonical, hash, form.macs(), form.parameters(), predicted_cycles(form, target_)});
    at->second = &entries_->back();
  }
  return at->second;
}

bool FormTable::keeps_least(const FormEntry& after, size_t layer) const {
  return kept_share(after, *original_.layers[layer]) >= least_share_;
}

void FormTable::total(CandidateForms& c) const {
  c.macs = layers_.other_macs, c.parameters = layers_.other_parameters;
  double cycles = 0;
  c.key = hash_bytes(nullptr, 0);
  for (const FormEntry* e : c.layers) {
    c.macs += e->macs, c.parameters += e->parameters, cycles += e->cycles;
    c.key = hash_bytes(&e->hash, sizeof e->hash, c.key);
  }
  c.ms = predicted_ms(cycles);
}

const Expected<FormTable::Rewritten>& FormTable::rewritten(const ConvForm& base, const std::string& base_key,
                                                           const std::vector<Step>& steps,
                                                           const std::string& steps_key) {
  auto [at, is_new] = by_steps_.emplace(base_key + "|" + steps_key, Rewritten{nullptr, base});
  if (!is_new)
    return at->second;
  ConvForm form = base;
  for (const Step& s : steps) {
    auto next = apply_to_form(form, s);
    if (!next) {
      at->second = refuse(next.error().code, s.transformation + ": " + next.error().text);
      return at->second;
    }
    std::vector<int64_t> kept = form.kept;
    form = std::move(*next);
    if (form.kept.empty())
      form.kept = std::move(kept);
    else if (!kept.empty()) // places among those that were left
      for (int64_t& k : form.kept)
        k = kept[static_cast<size_t>(k)];
  }
  at->second = Rewritten{entry(form), form};
  return at->second;
}

const FormTable::ParsedSteps& FormTable::parsed(const LayerSteps& l) {
  std::string all = l.where + "|";
  for (const std::string& s : l.steps)
    all += s + ";";
  auto [at, is_new] = parsed_.emplace(std::move(all), ParsedSteps{});
  if (!is_new)
    return at->second;
  for (const std::string& s : l.steps)
    for (Step& step : layer_steps(s, l.where)) {
      Step nameless = step;
      nameless.args.erase("layer");
      at->second.key += text(nameless) + ";";
      at->second.steps.push_back(std::move(step));
    }
  return at->second;
}

Expected<CandidateForms> FormTable::candidate(const std::vector<LayerSteps>& chosen) {
  CandidateForms out = original_;
  const size_t n = layers_.layers.size();
  struct Change {
    size_t layer;
    std::vector<Step> steps;
    std::string key;
    bool cuts = false;
  };
  std::vector<Change> changes;
  std::map<size_t, std::vector<const LayerCut*>> cut_by; // what each layer reads less
  std::vector<const ConvForm*> cut_out(n, nullptr);
  for (const LayerSteps& l : chosen) {
    if (l.section)
      continue;
    const ParsedSteps& p = parsed(l);
    Change change{layers_.index(l.where), p.steps, p.key, false};
    const NeuralLayer& layer = layers_.layers[change.layer];
    const FormEntry* own = original_.layers[change.layer];
    const Expected<Rewritten>& alone = rewritten(layer.form, own->canonical, change.steps, change.key);
    if (!alone)
      return refuse(alone.error().code, l.where + ": " + alone.error().text);
    if (!alone->form.kept.empty()) {
      const Expected<LayerCut>& cut = layers_.cut(change.layer, alone->form.kept);
      if (!cut)
        return refuse(cut.error().code, l.where + ": " + cut.error().text);
      for (const auto& [j, unused] : cut->inputs)
        cut_by[j].push_back(&*cut);
      for (const auto& [j, unused] : cut->grouped)
        cut_by[j].push_back(&*cut);
      change.cuts = true;
    }
    out.layers[change.layer] = alone->entry;
    changes.push_back(std::move(change));
  }
  // Layers that read less: their steps apply to what is left.
  std::map<size_t, ConvForm> bases;
  for (const auto& [j, cuts] : cut_by) {
    const ConvForm& form = layers_.layers[j].form;
    if (auto grouped = cuts[0]->grouped.find(j); grouped != cuts[0]->grouped.end()) {
      if (cuts.size() > 1)
        return refuse("composed-cuts", layers_.layers[j].name + ": two cuts meet in its groups");
      bases.emplace(j, grouped->second);
      continue;
    }
    Kept left(static_cast<size_t>(form.image[0]), true);
    for (const LayerCut* cut : cuts) {
      auto kept = cut->inputs.find(j);
      if (kept == cut->inputs.end())
        return refuse("composed-cuts", layers_.layers[j].name + ": two cuts meet in its groups");
      for (size_t c = 0; c < left.size(); ++c)
        left[c] = left[c] && kept->second[c];
    }
    auto narrow = narrowed_input(form, std::count(left.begin(), left.end(), true));
    if (!narrow)
      return std::unexpected(narrow.error());
    bases.emplace(j, std::move(*narrow));
  }
  for (auto& [j, base] : bases) {
    base.kept.clear();
    out.layers[j] = entry(base);
    for (Change& change : changes) {
      if (change.layer != j)
        continue;
      const Expected<Rewritten>& after = rewritten(base, canonical_text(base), change.steps, change.key);
      if (after && (change.cuts || keeps_least(*after->entry, j)))
        out.layers[j] = after->entry;
      else if (change.cuts) // others read what it writes
        return refuse(after.error().code, layers_.layers[j].name + ": " + after.error().text);
      else
        change.steps.clear(); // what is left of its inputs is change enough
    }
  }
  std::erase_if(changes, [](const Change& c) { return c.steps.empty(); });
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.cuts > b.cuts; });
  for (Change& change : changes) {
    out.changed.push_back(change.layer);
    out.plan.insert(out.plan.end(), change.steps.begin(), change.steps.end());
  }
  total(out);
  return out;
}

void prune(Space& space, FormTable& table, const std::function<bool(const CandidateForms&)>& allowed) {
  constexpr size_t kMost = 20'000; // points of one group; a larger one is left as it is
  std::vector<std::vector<bool>> used(space.nodes.size());
  for (size_t i = 0; i < space.nodes.size(); ++i)
    used[i].assign(space.nodes[i].options.size(), false);
  std::vector<bool> known(space.groups.size(), false);
  for (size_t g = 0; g < space.groups.size(); ++g) {
    Space one = alone(space, g);
    if (space.groups[g].section || !(one.size() <= static_cast<double>(kMost)))
      continue;
    known[g] = true;
    Dna dna = first_dna(one);
    do {
      Decoded decoded = decode_group(space, g, dna.values);
      Expected<CandidateForms> c = table.candidate(decoded.steps);
      if (!c || !allowed(*c))
        continue;
      for (const Site& s : sites(one, dna)) {
        const SpaceNode& node = space.nodes[static_cast<size_t>(s.node)];
        if (node.is_range() || node.is_subset())
          continue;
        for (size_t k = 0; k < node.arity(); ++k) {
          auto value = static_cast<int>(dna.values[s.at + k]);
          for (size_t o = 0; o < node.options.size(); ++o)
            if (node.options[o] == value)
              used[static_cast<size_t>(s.node)][o] = true;
        }
      }
    } while (advance(one, dna));
  }
  for (size_t i = 0; i < space.nodes.size(); ++i) {
    SpaceNode& node = space.nodes[i];
    bool any = std::find(used[i].begin(), used[i].end(), true) != used[i].end();
    if (!known[static_cast<size_t>(node.group)] || node.is_range() || node.is_subset() || !any)
      continue;
    for (size_t o = node.options.size(); o-- > 0;) {
      if (used[i][o])
        continue;
      node.options.erase(node.options.begin() + static_cast<std::ptrdiff_t>(o));
      for (auto& slot : node.below)
        slot.erase(slot.begin() + static_cast<std::ptrdiff_t>(o));
    }
  }
}

} // namespace nasc
