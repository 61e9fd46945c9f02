// strip_domain(layer=conv1, loop=co, parts=2, names=[co_o, co_i]) -- a loop as two, of `parts` values outside.
// interchange_domain(layer=conv1, first=co, second=ci)           -- two loops change places.
// tie_domain(layer=conv1, first=co_o, second=ci_o)               -- two loops of one extent become one.
//   the loops that the next neural step sees: `group` and `bottleneck` take the outermost of their kind;
//   group(by=G) is strip_domain of co and of ci by G, and tie_domain of the outer strips
// Refuses  those of neural steps; no-such-piece, ambiguous-piece, no-such-loop; strip: bad-size, indivisible, name-taken;
//          tie: different-extents, not-tied, interleaved.
// Legal    strips and interchanges change no value; a tie drops the terms off the diagonal: judged by capacity.
// Source   nas-pte 1.4 and 4: strip-mined loops as operands of later steps are how new operators come about.
#include "polyhedral/neural/loops.h"

namespace nasc {
namespace {

Expected<ConvForm> apply_strip(ConvForm form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  ConvPiece& p = form.pieces[*piece];
  auto loop = loop_argument(p, a, "loop");
  if (!loop) return std::unexpected(loop.error());
  std::string outer = p.loops[*loop].name + "_o", inner = p.loops[*loop].name + "_i";
  if (a.has("names")) {
    std::vector<std::string> names = a.words("names");
    if (names.size() != 2) return refuse("name-taken", "two names are needed");
    outer = names[0], inner = names[1];
  }
  if (auto done = strip(p, *loop, a.integer("parts"), outer, inner); !done) return std::unexpected(done.error());
  return form;
}

struct Pair {
  size_t piece, first, second;
};
Expected<Pair> pair_argument(const ConvForm& form, const Args& a) {
  auto piece = piece_argument(form, a);
  if (!piece) return std::unexpected(piece.error());
  auto first = loop_argument(form.pieces[*piece], a, "first"), second = loop_argument(form.pieces[*piece], a, "second");
  if (!first) return std::unexpected(first.error());
  if (!second) return std::unexpected(second.error());
  return Pair{*piece, *first, *second};
}

Expected<ConvForm> apply_interchange(ConvForm form, const Args& a) {
  auto at = pair_argument(form, a);
  if (!at) return std::unexpected(at.error());
  std::swap(form.pieces[at->piece].loops[at->first], form.pieces[at->piece].loops[at->second]);
  return form;
}

Expected<ConvForm> apply_tie(ConvForm form, const Args& a) {
  auto at = pair_argument(form, a);
  if (!at) return std::unexpected(at.error());
  if (auto done = tie(form.pieces[at->piece], at->first, at->second); !done) return std::unexpected(done.error());
  return form;
}

const std::vector<Parameter> kTwoLoops = {
    {Parameter::loop, "first", "a loop"}, {Parameter::loop, "second", "another loop"}, kPieceParameter};

const Registered<NeuralStep> strip_domain{
    {.name = "strip_domain",
     .parameters = {{Parameter::loop, "loop", "which loop"},
                    {Parameter::integer, "parts", "values of the outer loop"},
                    {Parameter::words, "names", "of the outer and the inner loop; absent: with _o and _i", false},
                    kPieceParameter},
     .doc = "Make one loop two, for the neural steps that follow.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop", "bad-size", "indivisible", "name-taken"},
     .rewrite = apply_strip}};
const Registered<Transformation> strip_transformation{neural_transformation(strip_domain)};

const Registered<NeuralStep> interchange_domain{
    {.name = "interchange_domain",
     .parameters = kTwoLoops,
     .doc = "Exchange two loops, for the neural steps that follow.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop"},
     .rewrite = apply_interchange}};
const Registered<Transformation> interchange_transformation{neural_transformation(interchange_domain)};

const Registered<NeuralStep> tie_domain{
    {.name = "tie_domain",
     .parameters = kTwoLoops,
     .doc = "Keep only the terms where two loops have one value.",
     .refusals = {"no-such-piece", "ambiguous-piece", "no-such-loop", "different-extents", "not-tied", "interleaved"},
     .rewrite = apply_tie}};
const Registered<Transformation> tie_transformation{neural_transformation(tie_domain)};

}  // namespace
}  // namespace nasc
