// bottleneck(layer=conv1, loop=co, by=2) -- a loop of a convolution keeps 1/by of its values.
//   co        the first channels are written, the others are no more: consumers and their constants shrink, or it is
//             refused; ci: the first channels are summed, the output keeps its shape
//   oh, ow    every by-th row or column is computed, from the image under it, and repeated: Y[.., oh, ..] = S[.., oh/by, ..]
//   kh, kw    the taps in the middle stay
// Without `loop` it takes the outermost: interchange_domain chooses.
// Refuses  those of neural steps and of channel cuts; no-such-piece, ambiguous-piece, no-such-loop, bad-size, indivisible,
//          not-innermost (rows or columns outside of a strip).
// Legal    changes the function: judged by capacity. Weights: those of the values that stay.
// Source   nas-pte 1.4: bottleneck on outputs, on inputs (after an interchange), and spatial_bottleneck as two of them.
#include "polyhedral/neural/loops.h"

namespace nasc {
namespace {

Expected<void> narrow(ConvPiece& p, size_t at, int64_t by) {
  ConvLoop& l = p.loops[at];
  if (by < 1) return refuse("bad-size", text("by ", by));
  if (l.extent % by)
    return refuse("indivisible", text(l.name, " has ", l.extent, " values, which ", by, " does not divide"));
  int64_t left = l.extent / by;
  if (l.spatial()) {
    Axis axis = l.at[kOh] ? kOh : kOw;
    if (l.at[axis] != 1 || l.at[kCi] || p.first[axis] % by)
      return refuse("not-innermost", l.name + " is no innermost part of its dimension");
    for (ConvLoop& other : p.loops) {
      if (&other == &l || !other.at[axis]) continue;
      if (other.at[axis] % by) return refuse("not-innermost", other.name + " takes steps that " + text(by) + " does not divide");
    }
    for (ConvLoop& other : p.loops)
      if (&other != &l) other.at[axis] /= by;
    p.first[axis] /= by;
    l.at[axis == kOh ? kIh : kIw] *= by;
    p.repeat[axis == kOh ? 0 : 1] *= by;
  } else if (l.taps()) {
    for (size_t a = 0; a < kAxes; ++a) p.first[a] += l.at[a] * ((l.extent - left) / 2);
  }
  l.extent = left;
  return {};
}

Expected<ConvForm> apply_bottleneck(ConvForm form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  ConvPiece& p = form.pieces[*piece];
  Expected<size_t> loop = a.has("loop") ? loop_argument(p, a, "loop") : size_t{0};
  if (!loop) return std::unexpected(loop.error());
  if (auto done = narrow(p, *loop, a.integer("by")); !done) return std::unexpected(done.error());
  return form;
}

Expected<ConvForm> apply_spatial(ConvForm form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  ConvPiece& p = form.pieces[*piece];
  for (Axis axis : {kOh, kOw}) {
    size_t innermost = p.loops.size();
    for (size_t k = 0; k < p.loops.size(); ++k)
      if (p.loops[k].at[axis] == 1) innermost = k;
    if (innermost == p.loops.size()) return refuse("not-innermost", "no loop runs over rows or columns");
    if (auto done = narrow(p, innermost, a.integer("by")); !done) return std::unexpected(done.error());
  }
  return form;
}

const Registered<NeuralStep> bottleneck{
    {.name = "bottleneck",
     .parameters = {{Parameter::loop, "loop", "which loop; absent: the outermost", false},
                    {Parameter::integer, "by", "one of so many values stays"},
                    kPieceParameter},
     .doc = "Keep a part of the outputs, inputs, rows, columns or taps of a convolution.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop", "bad-size", "indivisible", "not-innermost"},
     .drops_channels = true,
     .rewrite = apply_bottleneck}};
const Registered<Transformation> bottleneck_transformation{neural_transformation(bottleneck)};

const Registered<NeuralStep> spatial_bottleneck{
    {.name = "spatial_bottleneck",
     .parameters = {{Parameter::integer, "by", "one of so many rows and of columns is computed"}, kPieceParameter},
     .doc = "Compute some rows and columns and repeat them.",
     .refusals = {"no-such-piece", "ambiguous-piece", "bad-size", "indivisible", "not-innermost"},
     .rewrite = apply_spatial}};
const Registered<Transformation> spatial_transformation{neural_transformation(spatial_bottleneck)};

}  // namespace
}  // namespace nasc
