// Network: buffers and the Programs that fill them, in order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/program.h"
#include "ir/shared_vector.h"

namespace nasc {

// A tensor of the Network. A view shares the bytes of another buffer (Reshape, Flatten, Squeeze, Identity on row-major
// data): alias_of is that buffer's index, -1 otherwise; both are row-major with equal byte counts. A view with a `part`
// shows a range of one dimension of a buffer of its layout that lies in one piece: what a Concat joins, a Split takes.
struct Part {
  int dim = 0;
  int64_t at = 0;  // first index
};
struct Buffer : Tensor {
  int alias_of = -1;
  std::optional<Part> part;
};
// Where the storage of a buffer lies in that of its root: elements [at, at + size), all of it when there is no size.
struct Place {
  int root = 0;
  int64_t at = 0;
  std::optional<int64_t> size;
};

// One execution of a Program: args[k] is the buffer bound to the k-th non-temp tensor of the Program.
struct Call {
  int program = 0;
  std::vector<int> args;
  std::string name;  // ONNX node(s), for reports
};

struct Network {
  std::string name;
  uint64_t model_hash = 0;
  SharedVector<Buffer> buffers;
  std::vector<int> inputs, outputs;  // buffers, in the order of the ONNX graph
  // Equal layers share one Program (equal text): compiled once. Calls of phase create come first in `calls`.
  std::vector<std::shared_ptr<const Program>> programs;
  std::vector<Call> calls;

  int root(int buffer) const;  // the buffer at the end of the alias chain
  // Bound tensors of a program in binding order: its non-temp tensors.
  static std::vector<int> bound(const Program& program);
};

// Of each buffer of the Network.
std::vector<Place> places(const Network& network);
bool overlap(const Place& a, const Place& b);
// Elements between the start of `whole` and its part; nullopt unless the part lies in one piece there, row-major and as
// laid out.
std::optional<int64_t> part_offset(const Tensor& whole, const Tensor& shown, const Part& part);

// Every program verifies; every call binds as many buffers as its program has non-temp tensors, of equal type,
// shape and layout; elements are written before they are read, exactly once, under whatever name; parts lie inside of
// their buffers. Throws InternalError.
void verify(const Network& network);

}  // namespace nasc
