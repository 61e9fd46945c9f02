// The embedded runtime as the compiler carries it: bitcode per architecture, and the header text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nasc {

// LLVM 19 bitcode of the embedded runtime for "x86_64" or "aarch64" (linux-gnu, PIC, baseline
// instructions: it must run before the processor check); empty for any other architecture.
std::string_view embed_bitcode(std::string_view arch);

// The architectures that have bitcode.
std::vector<std::string_view> embed_architectures();

// nasc.h, the C interface, self-contained: what goes on top of the header beside a library.
std::string_view embed_public_header();

// True when create can check this instruction set (LLVM's name, no sign) on that architecture.
// nasc_info.features may list only these; create refuses others with NASC_E_CPU.
bool embed_checks_feature(std::string_view arch, std::string_view feature);

// 64-bit xxHash: nasc_info.weights_hash of these weights.
std::uint64_t embed_hash(std::string_view bytes);

} // namespace nasc
