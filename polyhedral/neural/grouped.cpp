// A form as grouped convolutions.
#include <algorithm>

#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/merge.h"

namespace nasc {
namespace {

constexpr size_t kMostPieces = 256;

// A loop that no grouped convolution has: rows tied to channels, or the outer one of two tied channel loops.
int odd_loop(const ConvPiece& p) {
  int tied = -1;
  for (size_t k = 0; k < p.loops.size(); ++k) {
    const ConvLoop& l = p.loops[k];
    if (l.spatial() && l.at[kCi]) return static_cast<int>(k);
    if (!l.at[kCo] || !l.at[kCi]) continue;
    if (tied >= 0) return p.loops[static_cast<size_t>(tied)].at[kCo] > l.at[kCo] ? tied : static_cast<int>(k);
    tied = static_cast<int>(k);
  }
  return -1;
}

std::vector<ConvPiece> unrolled(const ConvPiece& p, int at) {
  std::vector<ConvPiece> out;
  ConvLoop l = p.loops[static_cast<size_t>(at)];
  for (int64_t k = 0; k < l.extent; ++k) {
    ConvPiece one = p;
    one.loops.erase(one.loops.begin() + at);
    for (size_t a = 0; a < kAxes; ++a) one.first[a] += k * l.at[a];
    out.push_back(std::move(one));
  }
  return out;
}

// The loop of one kind, with one iteration when there is none.
ConvLoop single(const ConvPiece& p, const char* name, bool (*kind)(const ConvLoop&)) {
  ConvLoop out{name, 1, {}};
  int found = 0;
  for (const ConvLoop& l : p.loops)
    if (kind(l)) out = l, ++found;
  NASC_CHECK(found <= 1) << found << " loops " << name;
  out.name = name;
  return out;
}

GroupedConv grouped(const ConvPiece& p) {
  GroupedConv c;
  ConvLoop g = single(p, "g", [](const ConvLoop& l) { return l.at[kCo] && l.at[kCi]; });
  ConvLoop co = single(p, "co", [](const ConvLoop& l) { return l.at[kCo] && !l.at[kCi]; });
  ConvLoop oh = single(p, "oh", [](const ConvLoop& l) { return l.at[kOh] != 0; });
  ConvLoop ow = single(p, "ow", [](const ConvLoop& l) { return l.at[kOw] != 0; });
  ConvLoop kh = single(p, "kh", [](const ConvLoop& l) { return l.at[kKh] != 0; });
  ConvLoop kw = single(p, "kw", [](const ConvLoop& l) { return l.at[kKw] != 0; });
  std::vector<ConvLoop> ci;
  for (const ConvLoop& l : p.loops)
    if (l.at[kCi] && !l.at[kCo]) ci.push_back(l);
  std::sort(ci.begin(), ci.end(), [](const ConvLoop& a, const ConvLoop& b) { return a.at[kCi] > b.at[kCi]; });
  c.groups = g.extent, c.rows = co.extent;
  std::vector<int64_t> channels = {p.first[kCi]};
  auto add = [&](const ConvLoop& l) {
    std::vector<int64_t> wider;
    for (int64_t base : channels)
      for (int64_t k = 0; k < l.extent; ++k) wider.push_back(base + k * l.at[kCi]);
    channels = std::move(wider);
  };
  add(g);
  for (const ConvLoop& l : ci) add(l), c.columns *= l.extent;
  c.channels = std::move(channels);
  c.at = {p.first[kCo], p.first[kOh], p.first[kOw]};
  c.extent = {g.extent * co.extent, oh.extent, ow.extent};
  c.repeat = p.repeat;
  c.first = {p.first[kIh], p.first[kIw]};
  c.kernel = {kh.extent, kw.extent};
  c.stride = {oh.extent > 1 ? oh.at[kIh] : 1, ow.extent > 1 ? ow.at[kIw] : 1};
  c.dilation = {kh.extent > 1 ? kh.at[kIh] : 1, kw.extent > 1 ? kw.at[kIw] : 1};
  c.piece = p;
  c.piece.loops = {g, co, oh, ow};
  c.piece.loops.insert(c.piece.loops.end(), ci.begin(), ci.end());
  c.piece.loops.insert(c.piece.loops.end(), {kh, kw});
  make_dense(c.piece);
  return c;
}
}  // namespace

Expected<std::vector<GroupedConv>> grouped_convs(const ConvForm& form) {
  std::vector<GroupedConv> out;
  for (size_t k = 0; k < form.pieces.size(); ++k) {
    std::vector<ConvPiece> todo = {form.pieces[k]};
    todo[0].source = static_cast<int>(k);
    while (!todo.empty()) {
      ConvPiece p = std::move(todo.back());
      todo.pop_back();
      merge_loops(p);
      if (int at = odd_loop(p); at >= 0) {
        std::vector<ConvPiece> parts = unrolled(p, at);
        todo.insert(todo.end(), parts.rbegin(), parts.rend());
        continue;
      }
      out.push_back(grouped(p));
      if (out.size() + todo.size() > kMostPieces)
        return refuse("too-many-pieces", text("more than ", kMostPieces, " convolutions"));
    }
  }
  return out;
}

}  // namespace nasc
