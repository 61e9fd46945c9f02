// A relocatable ELF object that holds one blob of bytes: weights never pass through LLVM constants.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/target.h"
#include "ir/tensor.h"

namespace nasc {

// Writes an ELF64 object with one read-only section `.nasc.weights`, aligned to 64, of the chunks one after the other
// (each padded to 64), and one global hidden symbol at its start. Chunks are made one after the other and kept no longer than
// that: together they are as large as the model.
struct Chunk {
  size_t size;
  std::function<Payload()> make;
};
struct WrittenBlob {
  std::string problem;  // empty when all is well
  uint64_t hash = 0;    // embed_hash of the blob
};
WrittenBlob write_blob_object(const std::string& path, const Target& target, const std::string& symbol,
                              const std::vector<Chunk>& chunks);
// The same bytes as a plain file (side file of large models).
WrittenBlob write_blob_file(const std::string& path, const std::vector<Chunk>& chunks);
int64_t blob_bytes(const std::vector<Chunk>& chunks);

}  // namespace nasc
