// Enumeration of steps by divisors.
#include "polyhedral/neural/options.h"

#include <algorithm>

#include "polyhedral/neural/channels.h"
#include "polyhedral/neural/loops.h"

namespace nasc {
namespace {

struct Options {
  const ConvForm& form;
  std::string layer;
  const OptionLimits& limits;
  std::vector<Step> out;

  void add(size_t piece, Step step) {
    step.args["layer"] = layer;
    if (form.pieces.size() > 1) step.args["piece"] = static_cast<int64_t>(piece);
    out.push_back(std::move(step));
  }

  void groups(size_t k) {
    const ConvPiece& p = form.pieces[k];
    auto co = outermost(p, is_output), ci = outermost(p, is_input);
    if (!co || !ci || !outermost_output(p, *co)) return;
    int64_t outputs = p.loops[*co].extent, inputs = p.loops[*ci].extent;
    for (int64_t by : limits.factors)
      if (by <= limits.most_groups && by < inputs && outputs % by == 0 && inputs % by == 0) add(k, {"group", {{"by", by}}});
    if (inputs > 1 && outputs % inputs == 0) add(k, {"depthwise", {}});
  }

  // Ties keep outputs in order only when no untied loop takes larger steps.
  static bool outermost_output(const ConvPiece& p, size_t co) {
    return std::all_of(p.loops.begin(), p.loops.end(), [&](const ConvLoop& l) {
      return l.extent == 1 || l.at[kCo] <= p.loops[co].at[kCo] || l.at[kCi];
    });
  }

  void narrowed(size_t k) {
    const ConvPiece& p = form.pieces[k];
    for (const ConvLoop& l : p.loops) {
      std::vector<int64_t> factors = limits.factors;
      if (l.taps()) factors = {l.extent};
      for (int64_t by : factors) {
        if (by < 2 || l.extent % by) continue;
        if ((l.taps() && !l.at[kCi]) || is_input(l)) add(k, {"bottleneck", {{"loop", l.name}, {"by", by}}});
      }
    }
    auto innermost = [&](Axis axis) -> const ConvLoop* {
      for (const ConvLoop& l : p.loops)
        if (l.at[axis] == 1 && l.extent > 1 && !l.at[kCi]) return &l;
      return nullptr;
    };
    const ConvLoop *rows = innermost(kOh), *columns = innermost(kOw);
    auto divides = [&](const ConvLoop& l, Axis axis, int64_t by) {
      return l.extent % by == 0 && p.first[axis] % by == 0 &&
             std::all_of(p.loops.begin(), p.loops.end(),
                         [&](const ConvLoop& o) { return &o == &l || o.at[axis] % by == 0; });
    };
    for (int64_t by : limits.factors) {
      bool r = rows && divides(*rows, kOh, by), c = columns && divides(*columns, kOw, by);
      if (r && c) add(k, {"spatial_bottleneck", {{"by", by}}});
      if (r) add(k, {"bottleneck", {{"loop", rows->name}, {"by", by}}});
      if (c) add(k, {"bottleneck", {{"loop", columns->name}, {"by", by}}});
    }
  }

  void pieces(size_t k) {
    const ConvPiece& p = form.pieces[k];
    for (const ConvLoop& l : p.loops) {
      if (!l.writes() || l.extent == 1) continue;
      bool outer = true;
      for (Axis axis : {kCo, kOh, kOw}) outer &= !l.at[axis] || is_outermost_writer(p, l, axis);
      if (!outer) continue;
      for (int64_t by : limits.factors)
        if (by <= limits.most_parts && l.extent % by == 0) add(k, {"split_domain", {{"loop", l.name}, {"parts", by}}});
      if (l.spatial()) continue;
      for (int64_t count : limits.factors)
        if (count < l.extent) add(k, {"peel_domain", {{"loop", l.name}, {"count", count}}});
    }
    for (const ConvLoop& l : p.loops)
      for (int64_t first : limits.factors)
        if (is_input(l) && first < l.extent) add(k, {"restrict_domain", {{"loop", l.name}, {"first", first}}});
  }

  void loops(size_t k) {
    const ConvPiece& p = form.pieces[k];
    for (size_t a = 0; a < p.loops.size(); ++a) {
      const ConvLoop& l = p.loops[a];
      for (int64_t parts : limits.factors) {
        bool free = p.loop(l.name + "_o") < 0 && p.loop(l.name + "_i") < 0;
        if (!l.taps() && free && parts < l.extent && l.extent % parts == 0)
          add(k, {"strip_domain", {{"loop", l.name}, {"parts", parts}}});
      }
      for (size_t b = 0; b < p.loops.size(); ++b) {
        if (a < b) add(k, {"interchange_domain", {{"first", l.name}, {"second", p.loops[b].name}}});
        ConvPiece copy = p;
        if (a != b && tie(copy, a, b)) add(k, {"tie_domain", {{"first", l.name}, {"second", p.loops[b].name}}});
      }
    }
  }
};

std::vector<Step> with_form(const ConvForm& form, const std::string& layer, const OptionLimits& limits) {
  Options o{form, layer, limits, {}};
  for (size_t k = 0; k < form.pieces.size(); ++k) {
    o.groups(k);
    o.narrowed(k);
    o.pieces(k);
    if (limits.loops) o.loops(k);
  }
  return std::move(o.out);
}
}  // namespace

std::vector<NeuralLayer> neural_layers(const Network& n) {
  std::vector<NeuralLayer> out;
  std::vector<std::optional<Expected<ConvForm>>> forms(n.programs.size());
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Call& call = n.calls[c];
    auto& form = forms[static_cast<size_t>(call.program)];
    if (!form) form = conv_form(*n.programs[static_cast<size_t>(call.program)]);
    if (!*form) continue;
    const Program& p = *n.programs[static_cast<size_t>(call.program)];
    bool constant = true;
    std::vector<int> bound = Network::bound(p);
    for (const Statement& s : p.statements)
      for (size_t k = 0; k < bound.size(); ++k)
        if (s.is_reduction() && p.tensors[static_cast<size_t>(bound[k])].name == s.reads[1].tensor) {
          const Buffer& w = n.buffers[static_cast<size_t>(n.root(call.args[k]))];
          constant &= w.role == Role::weight && is_row_major(w);
        }
    if (constant) out.push_back({layer_name(n, static_cast<int>(c)), static_cast<int>(c), **form});
  }
  return out;
}

std::vector<Step> local_options(const ConvForm& form, const std::string& layer, const OptionLimits& limits) {
  return with_form(form, layer, limits);
}

std::vector<int64_t> output_factors(const Network& n, int call, const std::vector<int64_t>& factors) {
  std::vector<int64_t> out;
  const Call& c = n.calls[static_cast<size_t>(call)];
  auto form = conv_form(*n.programs[static_cast<size_t>(c.program)]);
  if (!form) return out;
  for (int64_t by : factors) {
    if (form->out[0] % by) continue;
    Kept kept(static_cast<size_t>(form->out[0]));
    std::fill_n(kept.begin(), form->out[0] / by, true);
    auto cut = cut_channels(n, call, kept);
    if (cut) out.push_back(by);
    else if (cut.error().code != "grouped-consumer") break;  // no factor would change that
  }
  return out;
}

std::vector<Step> legal_options(const Network& n, const std::string& layer, const OptionLimits& limits) {
  auto call = find_layer(n, layer);
  if (!call) return {};
  for (const NeuralLayer& l : neural_layers(n)) {
    if (l.call != *call) continue;
    std::vector<Step> out = with_form(l.form, layer, limits);
    if (l.form.pieces.size() > 1) return out;
    const ConvPiece& p = l.form.pieces[0];
    for (const ConvLoop& loop : p.loops) {
      if (!is_output(loop) || !is_outermost_writer(p, loop, kCo) || loop.extent != l.form.out[0]) continue;
      for (int64_t by : output_factors(n, *call, limits.factors))
        if (loop.extent % by == 0)
          out.push_back({"bottleneck", {{"layer", layer}, {"loop", loop.name}, {"by", by}}});
    }
    return out;
  }
  return {};
}

}  // namespace nasc
