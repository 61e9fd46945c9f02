// Loads an emitted kernel into this process: how tests run kernels without linking a library.
#pragma once

#include <memory>

#include "codegen/emit.h"

namespace nasc {

class Jit {
 public:
  explicit Jit(const KernelObject& object);
  ~Jit();
  using Fn = void (*)(void* const* buffers, const int64_t* values, int32_t tid, int32_t nt);
  Fn fn() const { return fn_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Fn fn_ = nullptr;
};

}  // namespace nasc
