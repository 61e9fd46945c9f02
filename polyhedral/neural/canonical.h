// The canonical form of a rewritten convolution: equal for step sequences that give the same operator.
#pragma once

#include <string>
#include <vector>

#include "polyhedral/neural/form.h"

namespace nasc {

// Loops that continue each other are one, loops of one iteration are none, loops in a fixed order; pieces that continue
// each other along channels are one, in the order of what they write. Names and weights do not matter.
ConvForm canonical(const ConvForm& form);
// `conv 64x32x32 -> 64x32x32 {co 0 ..}`, one line. group(1), split(1) and the like give that of the convolution;
// depthwise that of group(C).
std::string canonical_text(const ConvForm& form);
uint64_t canonical_hash(const ConvForm& form);

// A piece that is one grouped convolution with a window: what an ONNX Conv says, apart from where it reads and writes.
struct GroupedConv {
  int64_t groups = 1, rows = 1, columns = 1;   // outputs per group, inputs per group
  std::vector<int64_t> channels;               // of the image, group after group: groups * columns
  std::array<int64_t, 3> at{}, extent{};       // of what it writes: channel, row, column; rows and columns unrepeated
  std::array<int64_t, 2> repeat{1, 1};
  std::array<int64_t, 2> first{}, stride{1, 1}, dilation{1, 1}, kernel{1, 1};  // image row = first + stride*o + dilation*k
  ConvPiece piece;                             // with loops g, co, oh, ow, ci.., kh, kw
};
// The form as grouped convolutions, whose weights are slices of the form's (`taken`, `source`). Refusal:
// too-many-pieces.
Expected<std::vector<GroupedConv>> grouped_convs(const ConvForm& form);

}  // namespace nasc
