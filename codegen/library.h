// A compiled model: kernels, tables, weights and the embedded runtime linked into one shared library, with a C header.
#pragma once

#include <functional>
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

struct LibraryOptions {
  std::string prefix;    // C identifier: of the entries and the header guard
  std::string stem;      // file name without suffix: soname and weights side file
  std::string compiler;  // version text
  std::string plan;      // text of the applied plan
  int opt_level = 2;
  int max_threads = 0;  // 0: no limit
  int64_t side_file_threshold = int64_t{1} << 30;  // larger weights go to STEM.weights beside the library
};

struct LibraryFiles {  // paths in the directory given
  std::string library, header, weights;  // weights empty unless a side file was written
};

class ValueTable;
// Links into `directory` (existing, private to the caller); nothing is left elsewhere. Throws UserError.
LibraryFiles write_library(const Module& module, const std::vector<CompiledKernel>& kernels, ValueTable& values,
                           const LibraryOptions& options, const std::string& directory);
std::string header_text(const Network& network, const LibraryOptions& options);
// A C identifier made of any text.
std::string identifier(const std::string& text);

}  // namespace nasc
