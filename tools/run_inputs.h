// The inputs of a compiled model, from files, seeds and extents.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/host_tensor.h"
#include "runtime/model.h"

namespace nasc {

struct InputOptions {
  std::vector<std::string> given; // NAME=F.npy, NAME=F.pb, NAME=random:SEED
  std::vector<std::string> dims;  // N=3: symbolic extents of random inputs
  bool random = false;            // inputs not given are random:0
};

// One tensor per input, in the order of the model. Throws UserError.
std::vector<HostTensor> make_inputs(const nasc_info& info, const InputOptions& options,
                                    const std::string& where);
// Values by a fixed generator: floats in [-1, 1), integers 0 to 9, booleans.
HostTensor random_tensor(DType type, std::vector<int64_t> shape, uint64_t seed);
// input_N.pb (or output_N.pb) of a test_data_set_* folder, in order of N.
std::vector<HostTensor> read_data_set(const std::string& directory, const std::string& kind);
// The folders test_data_set_* below a directory (in order of their numbers), or itself when it is
// one.
std::vector<std::string> data_sets(const std::string& directory);

std::string shape_text(const nasc_io& io); // f32[N, 3, 224, 224]

} // namespace nasc
