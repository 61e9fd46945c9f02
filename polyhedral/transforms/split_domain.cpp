// split_domain(layer=conv1, loop=co, parts=2) -- a piece of a convolution becomes several, each over a part of a loop.
// peel_domain(layer=conv1, loop=co, count=16) -- the same in two: the first `count` values, and the rest.
//   before  piece 0: 0 <= co < 64
//   after   piece 0: 0 <= co < 32 with W0; piece 1: 32 <= co < 64 with W1; later steps say piece=0 or piece=1
// Along rows or columns every piece gets weights of its own, which begin equal.
// Refuses  those of neural steps; no-such-piece, ambiguous-piece, no-such-loop, bad-size, indivisible, not-written (the
//          loop is summed over), not-outermost (its parts would lie among each other).
// Legal    changes no value; the pieces may then be changed one by one.
// Source   nas-pte 1.4, index-set split and peel: the first steps of Seq.1, Seq.2 and Seq.3.
#include "polyhedral/neural/loops.h"

namespace nasc {
namespace {

Expected<ConvForm> cut(ConvForm form, const Args& a, const std::function<Expected<std::vector<int64_t>>(int64_t)>& sizes) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  const ConvPiece whole = form.pieces[*piece];
  auto loop = loop_argument(whole, a, "loop");
  if (!loop) return std::unexpected(loop.error());
  const ConvLoop& l = whole.loops[*loop];
  if (!l.writes()) return refuse("not-written", l.name + " is summed over");
  for (Axis axis : {kCo, kOh, kOw})
    if (l.at[axis] && !is_outermost_writer(whole, l, axis))
      return refuse("not-outermost", l.name + " is not the outermost part of its dimension");
  auto parts = sizes(l.extent);
  if (!parts) return std::unexpected(parts.error());
  std::vector<ConvPiece> pieces;
  int64_t first = 0;
  for (int64_t size : *parts) {
    ConvPiece p = whole;
    p.loops[*loop].extent = size;
    for (size_t k = 0; k < kAxes; ++k) p.first[k] += first * l.at[k];
    first += size;
    pieces.push_back(std::move(p));
  }
  auto at = form.pieces.begin() + static_cast<std::ptrdiff_t>(*piece);
  at = form.pieces.erase(at);
  form.pieces.insert(at, pieces.begin(), pieces.end());
  return form;
}

Expected<ConvForm> apply_split(ConvForm form, const Args& a) {
  return cut(std::move(form), a, [&](int64_t extent) -> Expected<std::vector<int64_t>> {
    int64_t parts = a.integer("parts");
    if (parts < 1) return refuse("bad-size", text(parts, " parts"));
    if (extent % parts) return refuse("indivisible", text(extent, " by ", parts));
    return std::vector<int64_t>(static_cast<size_t>(parts), extent / parts);
  });
}

Expected<ConvForm> apply_peel(ConvForm form, const Args& a) {
  return cut(std::move(form), a, [&](int64_t extent) -> Expected<std::vector<int64_t>> {
    int64_t count = a.integer("count");
    if (count < 1 || count >= extent) return refuse("bad-size", text(count, " of ", extent));
    return std::vector<int64_t>{count, extent - count};
  });
}

// restrict_domain(layer=conv1, loop=ci, first=16, count=48) -- a loop keeps the values from `first` on, `count` of them
// (absent: all). With peel_domain this is Seq.2: the inputs before `first` never reach the piece.
Expected<ConvForm> apply_restrict(ConvForm form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  ConvPiece& p = form.pieces[*piece];
  auto loop = loop_argument(p, a, "loop");
  if (!loop) return std::unexpected(loop.error());
  ConvLoop& l = p.loops[*loop];
  if (l.spatial()) return refuse("not-summed", l.name + " runs over places, all of which are written");
  int64_t first = a.has("first") ? a.integer("first") : 0, count = a.has("count") ? a.integer("count") : l.extent - first;
  if (first < 0 || count < 1 || first > l.extent - count)
    return refuse("bad-size", text(first, " to ", first, " + ", count, " of ", l.extent));
  for (size_t k = 0; k < kAxes; ++k) p.first[k] += first * l.at[k];
  l.extent = count;
  return form;
}

const Registered<NeuralStep> split_domain{
    {.name = "split_domain",
     .parameters = {{Parameter::loop, "loop", "loop over outputs, rows or columns"},
                    {Parameter::integer, "parts", "number of equal parts"},
                    kPieceParameter},
     .doc = "Cut a convolution into equal pieces that later steps change one by one.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop", "bad-size", "indivisible", "not-written",
                  "not-outermost"},
     .rewrite = apply_split}};
const Registered<Transformation> split_transformation{neural_transformation(split_domain)};

const Registered<NeuralStep> peel_domain{
    {.name = "peel_domain",
     .parameters = {{Parameter::loop, "loop", "loop over outputs, rows or columns"},
                    {Parameter::integer, "count", "size of the first piece"},
                    kPieceParameter},
     .doc = "Cut the first values of a loop off into a piece of their own.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop", "bad-size", "not-written", "not-outermost"},
     .rewrite = apply_peel}};
const Registered<Transformation> peel_transformation{neural_transformation(peel_domain)};

const Registered<NeuralStep> restrict_domain{
    {.name = "restrict_domain",
     .parameters = {{Parameter::loop, "loop", "loop over channels or taps"},
                    {Parameter::integer, "first", "first value that stays; absent: 0", false},
                    {Parameter::integer, "count", "how many stay; absent: the rest", false},
                    kPieceParameter},
     .doc = "Leave values of a loop out.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop", "bad-size", "not-summed"},
     .drops_channels = true,
     .rewrite = apply_restrict}};
const Registered<Transformation> restrict_transformation{neural_transformation(restrict_domain)};

}  // namespace
}  // namespace nasc
