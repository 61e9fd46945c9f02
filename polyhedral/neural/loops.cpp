// Strips and ties.
#include "polyhedral/neural/loops.h"

#include <algorithm>
#include <cctype>

namespace nasc {

Expected<size_t> outermost(const ConvPiece& p, bool (*kind)(const ConvLoop&)) {
  for (size_t k = 0; k < p.loops.size(); ++k)
    if (kind(p.loops[k])) return k;
  return refuse("no-channels", kind == is_output ? "no loop runs over output channels alone"
                                                 : "no loop runs over input channels alone");
}

std::string free_name(const ConvPiece& p, const std::string& wanted) {
  std::string name = wanted;
  for (int k = 2; p.loop(name) >= 0; ++k) name = text(wanted, k);
  return name;
}

Expected<void> strip(ConvPiece& p, size_t at, int64_t parts, std::string outer, std::string inner) {
  ConvLoop whole = p.loops[at];
  if (parts < 1) return refuse("bad-size", text(parts, " parts"));
  if (whole.extent % parts)
    return refuse("indivisible", text(whole.name, " has ", whole.extent, " values, which ", parts, " does not divide"));
  if (outer.empty()) outer = free_name(p, whole.name + "_o");
  if (inner.empty()) inner = whole.name;
  for (const std::string& name : {outer, inner}) {
    bool word = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
                std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (!word || name == "n" || outer == inner || (p.loop(name) >= 0 && name != whole.name))
      return refuse("name-taken", name);
  }
  ConvLoop in = whole, out = whole;
  in.name = inner, out.name = outer;
  in.extent = whole.extent / parts;
  out.extent = parts;
  for (int64_t& s : out.at) s *= in.extent;
  p.loops[at] = in;
  p.loops.insert(p.loops.begin() + static_cast<std::ptrdiff_t>(at), out);
  return {};
}

bool is_outermost_writer(const ConvPiece& p, const ConvLoop& loop, Axis axis) {
  return std::all_of(p.loops.begin(), p.loops.end(), [&](const ConvLoop& l) {
    return l.name == loop.name || l.extent == 1 || l.at[axis] <= loop.at[axis];
  });
}

Expected<void> tie(ConvPiece& p, size_t a, size_t b) {
  ConvLoop &x = p.loops[a], &y = p.loops[b];
  if (x.extent != y.extent)
    return refuse("different-extents", text(x.name, " has ", x.extent, " values, ", y.name, " ", y.extent));
  bool channels = is_output(x) && is_input(y), places = x.spatial() && !x.weighs() && is_input(y);
  if (!channels && !places) return refuse("not-tied", x.name + " and " + y.name + " cannot be one loop");
  auto tied = [&](const ConvLoop& l) { return l.at[kCo] && l.at[kCi]; };
  if (channels)
    for (const ConvLoop& l : p.loops)
      if (l.extent > 1 && l.at[kCo] > x.at[kCo] && !tied(l))
        return refuse("interleaved", "loop " + l.name + " takes larger steps over the outputs than " + x.name);
  if (places && !is_outermost_writer(p, x, x.at[kOh] ? kOh : kOw))
    return refuse("interleaved", x.name + " is not the outermost part of its dimension");
  for (size_t k = 0; k < kAxes; ++k) x.at[k] += y.at[k];
  p.loops.erase(p.loops.begin() + static_cast<std::ptrdiff_t>(b));
  return {};
}

Expected<void> group_channels(ConvPiece& p, int64_t groups) {
  if (groups < 1) return refuse("bad-size", text(groups, " groups"));
  ConvPiece before = p;
  auto run = [&]() -> Expected<void> {
    for (auto kind : {is_output, is_input}) {
      auto at = outermost(p, kind);
      if (!at) return std::unexpected(at.error());
      std::string name = free_name(p, kind == is_output ? "g" : "gi");
      if (auto done = strip(p, *at, groups, name); !done) return done;
    }
    auto out = outermost(p, is_output), in = outermost(p, is_input);
    return tie(p, *out, *in);
  };
  auto done = run();
  if (!done) p = before;
  return done;
}

}  // namespace nasc
