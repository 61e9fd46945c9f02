// Tensors in files: NumPy's .npy and ONNX's TensorProto.
#pragma once

#include <string>

#include "ir/host_tensor.h"

namespace nasc {

// By content: .npy when it begins like one, else a serialized TensorProto. Throws UserError
// no_input, bad_tensor, unsupported_type, limit, naming the file.
HostTensor read_tensor_file(const std::string& path);
HostTensor parse_npy(const std::string& bytes, const std::string& path);
std::string npy_bytes(const HostTensor& tensor); // version 1.0, little-endian, C order
// A file name for a tensor name: odd characters become `_`, and never a path.
std::string file_stem(const std::string& tensor_name);

} // namespace nasc
