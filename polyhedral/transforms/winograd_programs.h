// The Programs that a Winograd convolution consists of.
#pragma once

#include <array>
#include <string>

#include "ir/program.h"
#include "polyhedral/block_loop.h"

namespace nasc {

// Outputs per tile and dimension for which there are points.
inline constexpr std::array<int64_t, 3> kWinogradTiles{2, 3, 4};

// A 3x3 convolution with steps and dilations of one, as found in a Program.
struct WinogradShape {
  // statement: Y[n,m,p,q] += X[n, first + d + channels*floor(m/rows()), p+r-before, q+s-before] * W[m,d,r,s]
  size_t sum = 0;
  std::string image, filter, output; // tensors
  std::array<int64_t, 2> before{};   // zeros before the image
  Extent images = 1;
  std::array<int64_t, 4> out{};      // extents of the output; of images that are not known, one
  int64_t channels = 0;              // of the image, in each group
  int64_t first = 0;                 // channel of the image that is read; the image may have others
  int64_t groups = 1;
  int64_t m = 2;                     // outputs per tile and dimension
  int64_t block = 0; // rows of tiles that go through all three steps at a time; 0: all, step by step

  int64_t tile() const { return m + 2; }
  int64_t tiles(int d) const { return (out[2 + d] + m - 1) / m; } // along a spatial dimension
  int64_t rows() const { return out[1] / groups; } // outputs of each group
  int64_t all_tiles() const { return out[0] * tiles(0) * tiles(1); }
  // V and P have a dimension for images; else tiles of all images are one dimension.
  bool by_image() const { return block ? !images.is(1) : !images.is_constant(); }
  int64_t block_tiles() const { return (block ? block : by_image() ? tiles(0) : out[0] * tiles(0)) * tiles(1); }
};

// Refusals: those of `winograd` that are about the Program.
Expected<WinogradShape> find_winograd(const Program& conv);

// U[i,j,d,m] = G W G', summed in f64; phase create.
Program filter_program(const Program& conv, const WinogradShape& shape);
// V[i,j,t,d] = B' X B for each tile t; by_image(), V[n,i,j,t,d].
Program input_program(const Program& conv, const WinogradShape& shape);
// P[i,j,t,m] = V U: one matrix product per point of the tile and group.
Program product_program(const WinogradShape& shape);
// The convolution's Program with its sum replaced by A' P A, over tiles.
Program output_program(const Program& conv, const WinogradShape& shape);
// The three in one Program, whose loop `block` goes over the rows of tiles: V and P are local, and in
// memory that one block uses after the other: [i, j, d / lanes, t, d % lanes], with pads of the third and fourth dimension of V
// and of P. `lanes` of 0: all of them.
Program blocks_program(const Program& conv, const WinogradShape& shape, int64_t lanes, const std::array<int64_t, 4>& pads);
// Its tensors that the convolution does not have.
inline constexpr const char* kProducts = "winograd_p";
inline constexpr const char* kTransformed = "winograd_v"; // of blocks_program
inline constexpr const char* kFilters = "winograd_u";     // of blocks_program
inline constexpr const char* kInputMatrix = "winograd_b"; // of blocks_program
inline constexpr const char* kOutputMatrix = "winograd_a";

} // namespace nasc
