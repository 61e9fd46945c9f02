// Leaves out of the leak checker what isl's own reader loses when a text ends in an error.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace nasc {

struct LostByIsl {
#if defined(__SANITIZE_ADDRESS__)
  LostByIsl() { __lsan_disable(); }
  ~LostByIsl() { __lsan_enable(); }
#else
  LostByIsl() {}
#endif
  LostByIsl(const LostByIsl&) = delete;
};

}  // namespace nasc
