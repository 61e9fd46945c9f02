// ConvForm: a convolution as a list of pieces, each one sum over a box of loops with affine accesses. The form and the
// Program say the same; neural transformations rewrite the form, and the Program is written anew from it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

// What indices run along: the written channel, row and column; the channel, row and column of the image; the four
// dimensions of the weights (row of weights, column, taps).
enum Axis { kCo, kOh, kOw, kCi, kIh, kIw, kRow, kCol, kKh, kKw, kAxes };
using Steps = std::array<int64_t, kAxes>;

// A loop of the box: each iteration moves index `a` of every access by at[a].
struct ConvLoop {
  std::string name;  // C identifier, unique in the piece
  int64_t extent = 1;
  Steps at{};

  bool writes() const { return at[kCo] || at[kOh] || at[kOw]; }
  bool spatial() const { return at[kOh] || at[kOw]; }
  bool taps() const { return at[kKh] || at[kKw]; }
  bool weighs() const { return at[kCo] || at[kCi] || taps(); }  // the weight depends on it
  friend bool operator==(const ConvLoop&, const ConvLoop&) = default;
};

// Y[n, co, oh, ow] += X[n, ci, ih, iw] * W[row, col, kh, kw] over the loops, outermost first. With `repeat`, the sums
// go to a smaller tensor whose rows and columns are then repeated: Y[n, co, oh, ow] = sum[n, co, oh/r0, ow/r1].
struct ConvPiece {
  std::vector<ConvLoop> loops;
  Steps first{};                         // value of each index when all loops are at zero; co, oh, ow before repetition
  std::array<int64_t, 4> weights{};      // shape of W
  std::array<int64_t, 2> repeat{1, 1};
  int source = 0;                        // after a rewrite: the piece (of the form before) whose weights it takes,
  std::vector<std::array<int64_t, 4>> taken;  // by these steps per loop
  std::array<int64_t, 4> taken_first{};

  int loop(const std::string& name) const;  // position, -1 when absent
  int64_t extent(Axis axis) const;          // number of values that an index takes when it is dense
  int64_t macs() const;                     // per image
};

struct ConvForm {
  Extent batch = 1;
  DType dtype = DType::f32;
  std::array<int64_t, 3> image{}, out{};  // channels, rows, columns
  bool bias = false;
  std::vector<ConvPiece> pieces;
  std::string origin = "Conv", name = "conv";
  std::vector<int64_t> kept;  // after a rewrite that drops output channels: those that stay; else empty

  int64_t macs() const;
  int64_t parameters() const;
};

// Tensor names in the written Program: X, W (W0, W1, .. with several pieces), B, Y.
std::string weight_name(const ConvForm& form, size_t piece);

// Refusals: not-convolution (no sum of products of that kind, or merged with others), symbolic-extent (other than the
// batch).
Expected<ConvForm> conv_form(const Program& program);
// Loops stay as they are: strips are iterators.
Program program_of(const ConvForm& form);

// After a rewrite of loops: weights indexed densely by the loops that they depend on, `taken` says by which of the old.
void make_dense(ConvPiece& piece);
// Marks every piece as taking its own weights whole.
void begin_rewrite(ConvForm& form);

}  // namespace nasc
