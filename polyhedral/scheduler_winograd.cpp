// Which convolutions Winograd's algorithm computes, how its operands lie in memory, and the loops
// of its transforms.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "ir/text.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/winograd.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler_parts.h"

namespace nasc {
namespace {
constexpr double kClearly = 0.85; // of the direct time: the model is not better than that

// Predicted times of tiles of 3 are that much too good where weights come from memory: 7x7 and 8x8.
constexpr double kOddTiles = 1.1;

struct WinogradChoice {
  int64_t tile; // outputs per tile and dimension; 0: the direct form
  double cycles;
};

// Best predicted first; one when there is nothing to choose.
std::vector<WinogradChoice> winograd_choices(WinogradShape w, const Target& target, Winograd choice) {
  int64_t lanes = target.lanes(4);
  if (lanes < 2 || w.channels < lanes || w.rows() < lanes)
    return {{0, 0}};
  // What is read of a wider image, and groups, begin with a vector.
  if (w.first % lanes || (w.groups > 1 && (w.channels % lanes || w.rows() % lanes)))
    return {{0, 0}};
  static const std::map<Winograd, int64_t> kOnly = {{Winograd::f2, 2}, {Winograd::f3, 3}, {Winograd::f4, 4}};
  auto only = kOnly.find(choice);
  std::vector<WinogradChoice> out = {{0, direct_cycles(w, target)}};
  for (int64_t m : kWinogradTiles) {
    if (only != kOnly.end() && m != only->second)
      continue;
    w.m = m;
    out.push_back({m, winograd_cycles(w, target)});
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    auto time = [](const WinogradChoice& c) {
      return (c.tile == 0 ? kClearly : c.tile == 3 ? kOddTiles : 1) * c.cycles;
    };
    return time(a) < time(b);
  });
  return out;
}

int64_t decided_winograd(const Planner& planner, int program, const WinogradShape& shape,
                         Winograd choice) {
  std::vector<WinogradChoice> choices = winograd_choices(shape, planner.module.target, choice);
  std::vector<Alternative> named;
  for (const WinogradChoice& c : choices)
    named.push_back({c.tile ? text("f", c.tile) : "direct", c.cycles});
  const Program& p = *planner.module.network.programs[program];
  return choices[planner.choose(
                     "winograd", program, [&] { return canonical_text(p); }, std::move(named))]
      .tile;
}

// Addresses of one set of a first-level cache lie a multiple of this apart.
constexpr int64_t kWay = 4096, kLine = 64;

// Planes so many bytes apart spread over the sets of a first-level cache: its ways cannot hold the same line of every plane.
bool spread(int64_t planes, int64_t stride, const Target& target) {
  const int64_t shared = std::max<int64_t>(1, target.l1_bytes / kWay / 4); // planes per set
  std::vector<int64_t> users(kWay / kLine);
  for (int64_t k = 0; k < planes; ++k)
    if (++users[k * stride % kWay / kLine] > shared)
      return false;
  return true;
}

// Pads of the blocks of channels and of the tiles of a tensor [e, e, channels / lanes, tiles, lanes] that spread its planes.
using Pads = std::pair<int64_t, int64_t>;
Pads plane_pads(int64_t planes, int64_t tiles, int64_t channels, const Target& target) {
  const int64_t lanes = target.lanes(kFloatBytes);
  for (int64_t tile = 0; tile <= 4; ++tile)
    for (int64_t block = 0; block <= 4; ++block)
      if (spread(planes, ((channels + lanes - 1) / lanes + block) * (tiles + tile) * lanes * kFloatBytes, target))
        return {block, tile};
  return {0, 0};
}

// [i, j, c / side, k, c % side] of a buffer [i, j, k, c], images before it. With filters side by side as a tile of the product has them, it reads
// one element after the other; V and P lie as images do, so that it adds up one line after the other, and the transforms walk
// through them by blocks of channels.
Step blocked_layout(const Buffer& b, int64_t side, Pads pads) {
  std::vector<int64_t> dims(static_cast<size_t>(b.rank()) - 1);
  std::iota(dims.begin(), dims.end(), 0);
  const size_t block = dims.size() - 1;  // [.., k, c]
  dims[block] = b.rank() - 1, dims.insert(dims.end(), {b.rank() - 2, b.rank() - 1});
  std::vector<int64_t> div(dims.size(), 1), mod(dims.size()), pad(dims.size());
  div[block] = mod.back() = side;
  pad[block] = pads.first, pad[block + 1] = pads.second;
  return {"layout", {{"buffer", b.name}, {"dims", dims}, {"div", div}, {"mod", mod}, {"pad", pad}}};
}

// Those of V and of P, of all tiles or of one block.
std::pair<Pads, Pads> plane_pads(const WinogradShape& w, const Target& target) {
  int64_t planes = w.tile() * w.tile();
  return {plane_pads(planes, w.block_tiles(), w.channels * w.groups, target), plane_pads(planes, w.block_tiles(), w.out[1], target)};
}

// Bound tensors beyond the second cache of which one iteration touches lines in many planes or rows,
// more than hardware follows: a dimension is indexed by the loops inside, too. In blocks, which leave less room in the cache,
// rows are not fetched (64 channels @224: 9.4 -> 9.9 ms): such a dimension is indexed by the loops inside alone.
std::vector<std::string> far_tensors(const Program& p, const std::vector<std::string>& common,
                                    const Target& target) {
  std::vector<std::string> out;
  auto note = [&](const Statement& s, const Access& a) {
    const Tensor& t = p.tensor(a.tensor);
    Extent whole = storage_bytes(t);
    if (t.role == Role::temp || t.role == Role::weight || !whole.is_constant() ||
        whole.constant() <= target.l2_bytes / 2 || std::count(out.begin(), out.end(), t.name))
      return;
    for (const auto& dim : iterators_used(s, a)) {
      auto n = std::count_if(dim.begin(), dim.end(), [&](int i) {
        return !std::count(common.begin(), common.end(), s.iterators[static_cast<size_t>(i)]);
      });
      if (n > 0 && (s.iterator(kBlockLoop) < 0 || n == std::ssize(dim))) {
        out.push_back(t.name);
        return;
      }
    }
  };
  for (const Statement& s : p.statements) {
    note(s, s.write);
    for (const Access& r : s.reads)
      note(s, r);
  }
  return out;
}

// Of every tensor that is read or written at points of the channel, a vector of channels lies side by side, and those of the next
// pixel behind it.
bool in_blocks(const Program& p, const std::string& channel, int64_t lanes) {
  auto blocked = [&](const Statement& s, const Access& a) {
    const Tensor& t = p.tensor(a.tensor);
    int i = s.iterator(channel);
    auto used = iterators_used(s, a);
    bool varies = std::any_of(used.begin(), used.end(), [&](const auto& dim) { return std::count(dim.begin(), dim.end(), i) > 0; });
    if (t.role == Role::temp || used.size() < 2 || !varies)
      return true;
    return layout_of(t).dims.back().mod == lanes && walks_memory(p, a, i);
  };
  return std::all_of(p.statements.begin(), p.statements.end(), [&](const Statement& s) {
    return blocked(s, s.write) && std::all_of(s.reads.begin(), s.reads.end(), [&](const Access& r) { return blocked(s, r); });
  });
}
} // namespace

void plan_winograd(Planner& planner, Winograd choice) {
  if (choice == Winograd::off)
    return;
  const Target target = planner.module.target;
  std::set<std::shared_ptr<const Program>> others; // that were looked at
  for (size_t c = 0; c < planner.module.network.calls.size(); ++c) {
    const auto& n = planner.module.network;
    std::shared_ptr<const Program> program = n.programs[n.calls[c].program];
    if (others.count(program))
      continue;
    auto shape = find_winograd(*program);
    if (!shape) {
      others.insert(program);
      continue;
    }
    shape->m = decided_winograd(planner, planner.module.network.calls[c].program, *shape, choice);
    size_t first = planner.module.network.buffers.size();
    if (!shape->m)
      continue;
    shape->block = winograd_block(*shape, target);
    int64_t lanes = target.lanes(4);
    Step step{"winograd", {{"call", static_cast<int64_t>(c)}, {"m", shape->m}}};
    if (shape->block) {
      step.args["block"] = shape->block;
      step.args["lanes"] = lanes;
      auto [v, p] = plane_pads(*shape, target);
      step.args["pads"] = std::vector<int64_t>{v.first, v.second, p.first, p.second};
    }
    if (!planner.network_step(step))
      continue;
    RegisterTile tile = product_tile(*shape, target);
    if (shape->block) {
      planner.network_step(blocked_layout(planner.module.network.buffers[first], tile.vectors * lanes, {}));
      c += 1;
      continue;
    }
    const auto& buffers = planner.module.network.buffers; // U, V, P in the order of their making
    auto [image, product] = plane_pads(*shape, target);
    for (const Step& s : {blocked_layout(buffers[first], tile.vectors * lanes, {}), blocked_layout(buffers[first + 1], lanes, image), blocked_layout(buffers[first + 2], lanes, product)})
      planner.network_step(s);
    c += 3; // the filter's call went to the front, three calls took this one's place
  }
}

bool plan_winograd_loops(Planner& planner, int program) {
  const Program& p = *planner.module.network.programs[program];
  if (p.statements.empty())
    return false;
  int64_t lanes = planner.module.target.lanes(4);
  // Iterators that all statements begin with; the others are unrolled, so that constant matrices
  // fold.
  std::vector<std::string> common = common_iterators(p);
  bool matrix = false;
  for (const Statement& s : p.statements)
    for (const Access& r : s.reads)
      matrix |= s.is_reduction() && static_cast<bool>(p.tensor(r.tensor).payload);
  if (!matrix || common.size() < 2)
    return false;
  constexpr int64_t kUnrolled = 8;
  for (const Statement& s : p.statements)
    for (size_t k = common.size(); k < s.iterators.size(); ++k)
      if (iterator_extent(s, s.iterators[k]).value_or(kUnrolled + 1) > kUnrolled)
        return false;
  Step step{"nest", {}};
  // In the order of memory: channels outermost where all tensors have them in blocks of a vector, else innermost. Of the
  // others, the first loop with more than one iteration comes first.
  std::string channel = common.back();
  const Statement& s = p.statements[0];
  if (iterator_extent(s, channel).value_or(1) < lanes)
    return false;
  std::vector<std::string> order = common;
  if (in_blocks(p, channel, lanes))
    std::rotate(order.begin(), order.end() - 1, order.end());
  auto outer = std::find_if(order.begin(), order.end(), [&](const std::string& i) {
    return iterator_extent(s, i).value_or(2) > 1;
  });
  if (outer != order.end()) {
    std::rotate(order.begin(), outer, outer + 1);
    step.args["parallel"] = order[0];
    auto inside = std::find_if(order.begin() + 1, order.end(), [&](const std::string& i) {
      return iterator_extent(s, i).value_or(2) > 1;
    });
    if (inside != order.end() && *inside != channel)
      step.args["collapse"] = *inside;
  }
  step.args["loops"] = order;
  step.args["vector"] = channel;
  step.args["lanes"] = lanes;
  if (std::vector<std::string> far = far_tensors(p, common, planner.module.target);
      !far.empty() && p.phase == Phase::run) {
    Step ahead = step;
    ahead.args["prefetch"] = far;
    if (planner.kernel_step(program, ahead))
      return true;
  }
  return planner.kernel_step(program, step);
}

} // namespace nasc
