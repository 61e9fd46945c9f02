// A compiled model: kernels, tables, weights and the embedded runtime linked into one shared library, with a C header.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "polyhedral/module.h"

namespace nasc {

struct CompiledKernel {  // one per Program of the Network
  std::string symbol;
  std::vector<char> object;
  bool parallel = false;
  std::vector<Tensor> scratch = {};  // local tensors that need memory during a call, after the bound buffers
};

// The weights as the library has them: an object to link or a side file.
struct WrittenWeights {
  std::string object, side_file;  // paths; both empty when there are none
  uint64_t hash = 0;
  int64_t bytes = 0;
};

struct LibraryOptions {
  std::string prefix;    // C identifier: of the entries and the header guard
  std::string stem;      // file name without suffix: soname and weights side file
  std::string compiler;  // version text
  std::string plan;      // text of the applied plan
  int opt_level = 2;
  int max_threads = 0;  // 0: no limit
  bool keep_denormals = false;  // else they are taken for 0 while kernels run
  bool divide_all = false;  // among threads, also what is not worth_dividing
  int64_t side_file_threshold = int64_t{1} << 30;  // larger weights go to STEM.weights beside the library
  std::optional<WrittenWeights> weights = {};      // when write_weights was called before, in the same directory
};

struct LibraryFiles {  // paths in the directory given
  std::string library, header, weights;  // weights empty unless a side file was written
};

// The parts of write_library that do not wait for kernels; any thread may run them, they use no isl. The second makes
// what depends on the target alone, once per process.
WrittenWeights write_weights(const Network& network, const Target& target, const LibraryOptions& options,
                             const std::string& directory);
void prepare_runtime(const Target& target);

class ValueTable;
// Links into `directory` (existing, private to the caller); nothing is left elsewhere. Throws UserError.
LibraryFiles write_library(const Module& module, const std::vector<CompiledKernel>& kernels, ValueTable& values,
                           const LibraryOptions& options, const std::string& directory);
std::string header_text(const Network& network, const LibraryOptions& options);
// A C identifier made of any text.
std::string identifier(const std::string& text);

}  // namespace nasc
