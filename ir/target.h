// Target: what the cost model and the code generator know of a machine.
#pragma once

#include <cstdint>
#include <string>

namespace nasc {

struct Target {
  std::string triple = "x86_64-unknown-linux-gnu";
  std::string cpu = "x86-64-v3";
  std::string features;         // LLVM feature string, may be empty
  int vector_bits = 256;        // widest vector register to use
  int vector_registers = 16;
  int cores = 1;
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10, l3_bytes = 8 << 20;
  double l2_rate = 24, l3_rate = 12, memory_rate = 6;  // bytes per cycle that one core reads from there

  int lanes(int element_bytes) const { return vector_bits / 8 / element_bytes; }
  double read_rate(double bytes) const;  // bytes per cycle, of so many that are read again and again
  std::string text() const;  // `x86_64-unknown-linux-gnu/znver3 256x16 cores 2 cache 32768/524288/33554432`
};

}  // namespace nasc
