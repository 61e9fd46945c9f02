// Which layouts buffers get: channel blocks and zero borders for what convolutions touch, packed matrices.
#include <algorithm>
#include <map>
#include <set>

#include "ir/isl_box.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/slices.h"

namespace nasc {
namespace {

struct Border {
  std::vector<int64_t> before, after;
  bool any() const {
    auto positive = [](int64_t b) { return b > 0; };
    return std::any_of(before.begin(), before.end(), positive) || std::any_of(after.begin(), after.end(), positive);
  }
};

// How far the boxes of padded products reach out of a bound tensor.
void widen_by_boxes(Border& border, const Program& p, const std::string& tensor) {
  const Tensor& t = p.tensor(tensor);
  for (const Statement& s : p.statements) {
    if (same(s.domain, s.box) || s.combine != Combine::add || s.body->fn != Fn::mul) continue;
    for (size_t r = 0; r < s.reads.size(); ++r) {
      if (s.reads[r].tensor != tensor) continue;
      isl::set image = s.reads[r].map.as_map().intersect_domain(s.box).range();
      for (int d = 0; d < t.rank(); ++d) {
        if (!t.shape[d].is_constant()) continue;
        auto range = constant_range(image, d);
        if (!range) continue;
        border.before[d] = std::max(border.before[d], -range->first);
        border.after[d] = std::max(border.after[d], range->second - t.shape[d].constant() + 1);
      }
    }
  }
}
void widen(Border& border, const Program& p, const std::string& tensor) {
  border = analysed(
      [&] {
        Border wider = border;
        widen_by_boxes(wider, p, tensor);
        return wider;
      },
      border);
}

// Every spatial index is a tile's place plus a point in the tile, as in Winograd's transforms.
bool in_tiles(const Statement& s, const Access& a) {
  auto used = iterators_used(s, a);
  if (used.size() < 3 || used.size() > 5) return false;
  return used[0].size() == 1 && used[1].size() == 1 &&
         std::all_of(used.begin() + 2, used.end(), [](const auto& dim) { return dim.size() >= 2; }) &&
         s.iterators.size() > used.size();
}

// What a Program does with the channels of tensors [N,C,spatial..].
struct ChannelUse {
  bool spatial = false;           // slides a window over dimensions 2.., or mixes channels at each place
  std::set<std::string> factors;  // of such sums, beside these tensors
  // Tensors that statements go through by the same channel, dimension 1, have the same number: of a transpose none have.
  std::map<std::string, int> together;
};
void number_channels(ChannelUse& out, const Program& p) {
  for (const Tensor& t : p.tensors) out.together.emplace(t.name, static_cast<int>(out.together.size()));
  for (const Statement& s : p.statements) {
    auto written = iterators_used(s, s.write);
    for (const Access& r : s.reads) {
      auto used = iterators_used(s, r);
      if (written.size() < 2 || used.size() < 2 || written[1].empty() || used[1] != written[1]) continue;
      int from = out.together.at(r.tensor), to = out.together.at(s.write.tensor);
      for (auto& [name, number] : out.together)
        if (number == from) number = to;
    }
  }
}
ChannelUse channel_use(const Program& p) {
  ChannelUse out;
  number_channels(out, p);
  for (const Statement& s : p.statements) {
    const Tensor& y = p.tensor(s.write.tensor);
    out.spatial |= y.role == Role::output && in_tiles(s, s.write);
    if (!s.is_reduction()) continue;
    for (const Access& r : s.reads) out.spatial |= p.tensor(r.tensor).role == Role::input && in_tiles(s, r) && !same(s.domain, s.box);
    if (y.rank() < 3 || y.rank() > 5) continue;
    // Same batch index; every spatial index follows the output's; channels are reduced or follow.
    auto written = iterators_used(s, s.write);
    auto image = [&](const Access& r) {
      const Tensor& x = p.tensor(r.tensor);
      if (x.rank() != y.rank() || x.role == Role::temp) return false;
      auto used = iterators_used(s, r);
      bool follows = used[0] == written[0];
      for (int d = 2; d < y.rank(); ++d) follows &= !written[d].empty() && !used[d].empty() && used[d][0] == written[d][0];
      return follows;
    };
    std::set<std::string> images, others;
    for (const Access& r : s.reads) (image(r) ? images : others).insert(r.tensor);
    if (images.empty()) continue;
    out.spatial = true;
    out.factors.merge(others);
  }
  return out;
}

Step layout_step(const Buffer& b, const Layout& l) {
  Step step{"layout", {}};
  std::vector<int64_t> dims, div, mod, before, after;
  for (const LayoutDim& d : l.dims) {
    dims.push_back(d.dim);
    div.push_back(d.div);
    mod.push_back(d.mod);
  }
  bool halo = false;
  for (const auto& h : l.halo) {
    before.push_back(h.first);
    after.push_back(h.second);
    halo |= h.first || h.second;
  }
  step.args["buffer"] = b.name;
  step.args["dims"] = dims;
  step.args["div"] = div;
  step.args["mod"] = mod;
  if (halo) {
    step.args["before"] = before;
    step.args["after"] = after;
  }
  return step;
}

bool shared_or_caller(const Network& n, int b) {
  const Buffer& buffer = n.buffers[b];
  return buffer.role == Role::input || buffer.role == Role::output || (buffer.alias_of >= 0 && !buffer.part) ||
         std::find(n.outputs.begin(), n.outputs.end(), b) != n.outputs.end() ||
         std::any_of(n.buffers.begin(), n.buffers.end(), [&](const Buffer& o) { return o.alias_of == b && !o.part; });
}

// The caller's [N,C,spatial..] is written by tiles of few pixels, whose lanes of channels it has in planes of their own. What
// writes rows of pixels does so as fast as a copy (1x1 64->64 @112: 0.95 ms, 1.14 with a copy; in tiles 5.0 and 2.2 @224).
bool scatters(const Network& n, int b, const Target& target) {
  const Buffer& buffer = n.buffers[b];
  int64_t lanes = target.lanes(bytes(buffer.dtype));
  if (buffer.role != Role::output || buffer.alias_of >= 0 || buffer.rank() < 3 || lanes < 2 || !buffer.shape[1].is_constant() || buffer.shape[1].constant() < lanes)
    return false;
  int writer = producer_of(n, b, static_cast<int>(n.calls.size()));
  if (writer < 0) return false;
  const Program& p = *n.programs[n.calls[writer].program];
  return std::any_of(p.statements.begin(), p.statements.end(),
                     [&](const Statement& s) { return p.tensor(s.write.tensor).role == Role::output && in_tiles(s, s.write); });
}

void plan_activations(Planner& planner) {
  // Buffers next to spatial programs, and what other programs go through by the same channels.
  std::set<int> wanted;
  {
    const Network& n = planner.module.network;
    std::map<const Program*, ChannelUse> uses;
    for (const auto& p : n.programs) uses[p.get()] = analysed([&] { return channel_use(*p); }, ChannelUse{});
    for (bool grown = true; grown;) {
      grown = false;
      for (const Call& call : n.calls) {
        const Program& p = *n.programs[call.program];
        std::vector<int> bound = Network::bound(p);
        const ChannelUse& use = uses.at(&p);
        auto eligible = [&](size_t k) {
          const Tensor& t = p.tensors[bound[k]];
          const Buffer& b = n.buffers[call.args[k]];  // one that has a layout keeps it
          return t.role != Role::weight && t.rank() >= 3 && t.rank() <= 5 && b.role != Role::weight && !b.layout && !use.factors.count(t.name);
        };
        std::set<int> touched;  // numbers
        auto number = [&](size_t k) { return use.together.at(p.tensors[bound[k]].name); };
        for (size_t k = 0; k < bound.size(); ++k)
          if (eligible(k) && wanted.count(call.args[k])) touched.insert(number(k));
        if (!use.spatial && (touched.empty() || !group_of(p))) continue;
        for (size_t k = 0; k < bound.size(); ++k)
          if (eligible(k) && (use.spatial || touched.count(number(k)))) grown |= wanted.insert(call.args[k]).second;
      }
      for (size_t b = 0; b < n.buffers.size(); ++b) {  // parts and their whole agree
        int part = static_cast<int>(b), whole = n.buffers[b].alias_of;
        if (!n.buffers[b].part || wanted.count(part) == wanted.count(whole)) continue;
        wanted.insert({part, whole});
        grown = true;
      }
    }
  }
  std::set<std::string> names, inputs;
  for (int b : wanted) {
    const Network& n = planner.module.network;
    (shared_or_caller(n, b) ? inputs : names).insert(n.buffers[b].name);
  }
  // Memory of the caller and views keep their layout; padded readers read a bordered copy, and lanes of channels, which such
  // memory has in planes of their own, go through one that has them side by side.
  for (const std::string& name : inputs) {
    const Network& n = planner.module.network;
    int b = find_buffer(n, name);
    const Buffer& buffer = n.buffers[b];
    Border border{std::vector<int64_t>(buffer.rank()), std::vector<int64_t>(buffer.rank())};
    for (int c : calls_of(n, b)) {
      const Program& p = *n.programs[n.calls[c].program];
      std::vector<int> bound = Network::bound(p);
      for (size_t k = 0; k < bound.size(); ++k)
        if (n.calls[c].args[k] == b && p.tensors[bound[k]].role != Role::output) widen(border, p, p.tensors[bound[k]].name);
    }
    size_t before = n.buffers.size();
    if (scatters(n, b, planner.module.target)) {
      if (planner.network_step({"convert", {{"buffer", name}, {"written", int64_t{1}}}})) names.insert(planner.module.network.buffers[before].name);
      continue;
    }
    if (!border.any()) continue;
    if (planner.network_step({"convert", {{"buffer", name}}})) names.insert(planner.module.network.buffers[before].name);
  }
  // Buffers of one shape get one border, the widest that any of them needs: then equal layers stay equal kernels. Parts
  // have the border of their whole, which they do not share with others.
  std::map<std::string, Border> borders;
  std::vector<Place> place = places(planner.module.network);
  std::set<int> wholes;
  for (const Place& p : place)
    if (p.size) wholes.insert(p.root);
  auto border_of = [&](int buffer) -> Border& {
    int root = place[buffer].root;
    const Buffer& b = planner.module.network.buffers[wholes.count(root) ? root : buffer];
    Border none{std::vector<int64_t>(b.rank()), std::vector<int64_t>(b.rank())};
    return borders.try_emplace(text(wholes.count(root) ? "parts of " : "", nasc::name(b.dtype), text(b.shape)), none).first->second;
  };
  {
    const Network& n = planner.module.network;
    for (const Call& call : n.calls) {
      const Program& p = *n.programs[call.program];
      std::vector<int> bound = Network::bound(p);
      for (size_t k = 0; k < bound.size(); ++k) {
        const Buffer& b = n.buffers[call.args[k]];
        if (names.count(b.name)) widen(border_of(call.args[k]), p, p.tensors[bound[k]].name);
      }
    }
  }
  for (const std::string& name : names) {
    const Network& n = planner.module.network;
    int b = find_buffer(n, name);
    const Buffer& buffer = n.buffers[b];
    if (buffer.part) continue;  // laid out with its whole
    int lanes = planner.module.target.lanes(bytes(buffer.dtype));
    const Border& border = border_of(b);
    const Extent& channels = buffer.shape[1];
    bool block = lanes > 1 && channels.is_constant() && 2 * channels.constant() > lanes;
    if (!block && !border.any()) continue;
    Layout l;
    for (int d = 0; d < buffer.rank(); ++d) {
      l.dims.push_back({d, block && d == 1 ? lanes : 1, 0});
      l.halo.emplace_back(border.before[d], border.after[d]);
    }
    if (block) l.dims.push_back({1, 1, lanes});
    planner.network_step(layout_step(buffer, l));
  }
}

// Weights of windows over single channels: as the output has its channels, in blocks of a vector, so that lanes are
// loaded and not gathered.
std::optional<Layout> channel_blocks(const Program& p, const Tensor& weight) {
  const Tensor* out = nullptr;
  for (const Tensor& t : p.tensors)
    if (t.role == Role::output && t.layout && !t.layout->dims.empty() && t.layout->dims.back().mod > 1) out = &t;
  if (!out) return std::nullopt;
  auto [channel, unused, lanes] = out->layout->dims.back();
  for (const Statement& s : p.statements) {
    auto written = iterators_used(s, s.write);
    if (!s.is_reduction() || static_cast<int>(written.size()) <= channel || written[static_cast<size_t>(channel)].size() != 1) continue;
    for (const Access& r : s.reads) {
      if (r.tensor != weight.name) continue;
      auto used = iterators_used(s, r);
      for (int d = 0; d < weight.rank(); ++d) {
        const Extent& e = weight.shape[static_cast<size_t>(d)];
        if (used[static_cast<size_t>(d)] != written[static_cast<size_t>(channel)] || e != out->shape[static_cast<size_t>(channel)]) continue;
        Layout l;
        for (int k = 0; k < weight.rank(); ++k) l.dims.push_back({k, k == d ? lanes : 1, 0});
        l.dims.push_back({d, 1, lanes});
        return l;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

// Constant matrices of contractions: [vector/(NR L), reduction dims.., vector%(NR L)], so that the inner loop reads
// them one after the other.
void plan_matrices(Planner& planner) {
  std::vector<std::pair<std::string, Layout>> layouts;
  const Network& n = planner.module.network;
  for (const Call& call : n.calls) {
    const ProgramRef one = one_slice(n.programs[call.program]);  // as loops are planned
    const Program& p = *one;
    std::optional<Contraction> c = find_contraction(p);
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; !c && k < bound.size(); ++k) {
      const Tensor& weight = p.tensors[bound[k]];
      const Buffer& buffer = n.buffers[call.args[k]];
      if (buffer.role != Role::weight || weight.rank() < 2 || buffer.alias_of >= 0 || buffer.layout) continue;
      if (auto l = analysed([&] { return channel_blocks(p, weight); }, std::nullopt)) layouts.emplace_back(buffer.name, *l);
    }
    if (!c) continue;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& matrix = p.tensors[bound[k]];
      const Buffer& buffer = n.buffers[call.args[k]];
      if (matrix.name != c->matrix_tensor || buffer.role != Role::weight || buffer.alias_of >= 0 || buffer.layout) continue;
      std::optional<TileChoice> tile = decided_tile(planner, call.program, p, *c);
      int vector_dim = c->matrix_vector;
      if (vector_dim < 0 || !c->group.extents[c->vector].is_constant() || !tile) continue;
      int64_t block = tile->vectors * planner.module.target.lanes(bytes(matrix.dtype));
      Layout l;
      l.dims.push_back({vector_dim, block, 0});
      for (int d = 0; d < matrix.rank(); ++d)
        if (d != vector_dim) l.dims.push_back({d, 1, 0});
      l.dims.push_back({vector_dim, 1, block});
      layouts.emplace_back(buffer.name, l);
    }
  }
  for (const auto& [name, l] : layouts) {
    const Network& now = planner.module.network;
    planner.network_step(layout_step(now.buffers[find_buffer(now, name)], l));
  }
}

void plan_layouts(Planner& planner) {
  plan_activations(planner);
  plan_matrices(planner);
}

}  // namespace nasc
