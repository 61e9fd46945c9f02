// Primitives on the loops of a piece, that neural transformations are made of.
#pragma once

#include "polyhedral/neural/edit.h"

namespace nasc {

inline constexpr Parameter kPieceParameter{Parameter::integer, "piece", "which piece, counted from 0; absent: the only one",
                                           false};

inline bool is_output(const ConvLoop& l) { return l.at[kCo] && !l.at[kCi] && !l.spatial() && !l.taps(); }
inline bool is_input(const ConvLoop& l) { return l.at[kCi] && !l.at[kCo] && !l.spatial() && !l.taps(); }

// Position of the outermost loop of that kind. Refusal: no-channels.
Expected<size_t> outermost(const ConvPiece& piece, bool (*kind)(const ConvLoop&));
// The loop at `at` as two, of `parts` values outside and the rest inside. Refusals: bad-size, indivisible, name-taken.
Expected<void> strip(ConvPiece& piece, size_t at, int64_t parts, std::string outer = "", std::string inner = "");
// Two loops of one extent made one, at the place of the first. Refusals: different-extents, interleaved (outputs that
// are not tied would lie outside of the tied ones), not-tied (other than channels, or rows or columns, with inputs).
Expected<void> tie(ConvPiece& piece, size_t a, size_t b);
Expected<void> group_channels(ConvPiece& piece, int64_t groups);
// A name that no loop has, from `wanted`.
std::string free_name(const ConvPiece& piece, const std::string& wanted);
// The largest step among the loops that move the index.
bool is_outermost_writer(const ConvPiece& piece, const ConvLoop& loop, Axis axis);

}  // namespace nasc
