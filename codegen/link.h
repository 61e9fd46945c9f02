// Linking: LLD in a child process, with stub libraries so that the product names libc and libm and nothing else.
#pragma once

#include <string>
#include <vector>

#include "ir/target.h"
#include "ir/tensor.h"

namespace nasc {

// A shared library at `output` from object files, exporting only `exports`. Symbols still undefined become references
// to libm (the math functions) and libc (the rest). Temporary files go to `directory`. `unused` is memory that the
// linker does not read: its process gives it back at once. Throws UserError cannot_create when the linker fails, with
// its message.
void link_shared(const std::vector<std::string>& objects, const std::vector<std::string>& exports,
                 const std::string& output, const std::string& soname, const Target& target,
                 const std::string& directory, const std::vector<Payload>& unused = {});

void write_file(const std::string& path, const void* data, size_t size);  // UserError cannot_create

}  // namespace nasc
