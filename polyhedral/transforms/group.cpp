// group(layer=conv1, by=2) -- outputs in `by` groups, each summing over its own part of the inputs.
//   before  Y[n, co, ..] += X[n, ci, ..] * W[co, ci, ..]
//   after   Y[n, C*g + co, ..] += X[n, D*g + ci, ..] * W[C*g + co, ci, ..]   with co < C = CO/by, ci < D = CI/by
// Refuses  those of neural steps; no-such-piece, ambiguous-piece, bad-size, indivisible, no-channels, interleaved.
// Legal    changes the function: judged by capacity. Weights: the block diagonal of the given ones.
// Source   nas-pte 1.4, group: strips of the outermost loops over outputs and over inputs are made one loop.
#include "polyhedral/neural/loops.h"

namespace nasc {
namespace {

Expected<ConvForm> by_groups(ConvForm form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  if (auto done = group_channels(form.pieces[*piece], a.integer("by")); !done) return std::unexpected(done.error());
  return form;
}

Expected<ConvForm> each_channel(ConvForm form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  ConvPiece& p = form.pieces[*piece];
  auto inputs = outermost(p, is_input);
  if (!inputs) return std::unexpected(inputs.error());
  if (auto done = group_channels(p, p.loops[*inputs].extent); !done) return std::unexpected(done.error());
  return form;
}

const Registered<NeuralStep> group{
    {.name = "group",
     .parameters = {{Parameter::integer, "by", "number of groups"}, kPieceParameter},
     .doc = "Cut the channels of a convolution into groups.",
     .refusals = {"no-such-piece", "ambiguous-piece", "bad-size", "indivisible", "no-channels", "interleaved"},
     .rewrite = by_groups}};
const Registered<Transformation> group_transformation{neural_transformation(group)};

const Registered<NeuralStep> depthwise{
    {.name = "depthwise",
     .parameters = {kPieceParameter},
     .doc = "Give each input channel a group of its own.",
     .refusals = {"no-such-piece", "ambiguous-piece", "indivisible", "no-channels", "interleaved"},
     .rewrite = each_channel}};
const Registered<Transformation> depthwise_transformation{neural_transformation(depthwise)};

}  // namespace
}  // namespace nasc
