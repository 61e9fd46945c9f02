// Reader of ONNX files: ModelProto -> Graph, with limits, every error naming what is wrong.
#pragma once

#include <map>
#include <string>

#include "frontend/wire.h"
#include "ir/graph.h"

namespace nasc {

constexpr int kNewestOpset = 28;

struct ReadOptions {
  std::map<std::string, int64_t> dims;  // symbolic extents of inputs that are bound (`--dim batch=8`)
  bool allow_hard_links = false;        // external data may be a hard link
  ReadLimits limits;
};

// The model as written: functions are expanded, Constant nodes are constants, nodes are sorted. Shapes are those of
// inputs and initializers; outputs carry their declared type and shape for inference to check.
// A symbolic extent `batch` is the parameter dim_batch; an anonymous one dim_INPUT_AXIS.
// The body of If, Loop and Scan is a Graph attribute whose last inputs are the values that it captures; the node
// has them as its last inputs, and their number in its attribute "captures".
Graph read_onnx(const std::string& path, const ReadOptions& options = {});
// The same for a model in memory; `path` serves messages and external data.
Graph read_onnx(FileBytes file, const std::string& path, const ReadOptions& options = {});
FileBytes file_bytes(std::string bytes);

// A serialized TensorProto, as in the input_0.pb files of test cases.
struct NamedTensor {
  std::string name;
  Constant value;
};
NamedTensor read_tensor(const std::string& path);

}  // namespace nasc
