// A relocatable ELF object that holds one blob of bytes: weights never pass through LLVM constants.
#pragma once

#include <string>
#include <vector>

#include "ir/target.h"

namespace nasc {

// Writes an ELF64 object with one read-only section `.nasc.weights`, aligned to 64, of the chunks one after the other
// (each padded to 64), and one global hidden symbol at its start. Returns an error text, empty when all is well.
struct Chunk {
  const void* data;
  size_t size;
};
std::string write_blob_object(const std::string& path, const Target& target, const std::string& symbol,
                              const std::vector<Chunk>& chunks);
// The same bytes as a plain file (side file of large models).
std::string write_blob_file(const std::string& path, const std::vector<Chunk>& chunks);
int64_t blob_bytes(const std::vector<Chunk>& chunks);

}  // namespace nasc
