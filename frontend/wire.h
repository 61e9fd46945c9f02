// Files as bytes, and the bounded skim of the protobuf wire format that keeps weights where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ir/tensor.h"

namespace nasc {

// Limits on what a file may make us do; each error message names the limit.
struct ReadLimits {
  int64_t max_nodes = 1'000'000;    // after expansion of functions
  int64_t max_fields = 4'000'000;   // messages and strings inside the file
  int max_nesting = 64;             // sub-graphs, functions
  int max_rank = 64;
  int64_t max_name = 1 << 16;       // bytes of a name
};

// The bytes of a file: read into memory when small, so that later changes of the file cannot reach us, else mapped.
struct FileBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};
// Takes over `fd`. Only regular files; throws UserError no_input with `where`.
FileBytes read_file(int fd, const std::string& where);
// Opens by name (links are followed: the user named it).
FileBytes read_file(const std::string& path);
// The pages of a mapped file leave this process; those that are read again come back.
void forget_pages(const FileBytes& file);

enum class Wire { model, tensor };
// The message with only the fields that nasc knows, and each raw_data replaced by a RawRange: small, and safe to hand
// to protobuf. Throws UserError bad_file or limit.
std::string skim(std::span<const std::byte> bytes, Wire root, const ReadLimits& limits, const std::string& where);

struct RawRange {
  uint64_t offset = 0, size = 0;
};
RawRange raw_range(const std::string& raw_data);  // inverse of what skim wrote

// "gzip archive" and the like when the first bytes say so, else empty.
std::string looks_like(std::span<const std::byte> bytes);

}  // namespace nasc
