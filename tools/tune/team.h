// Threads for kernels in this process.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "codegen/jit.h"

namespace nasc {

// Threads that wait for work without sleeping, as within an inference: one team for all that is
// timed by turns, since those of another would take processors from it.
class Team {
public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  int threads() const { return threads_; }
  void run(Jit::Fn fn, void* const* buffers); // by all of them, the caller one of them

private:
  void wait_for_work(int tid);

  int threads_;
  std::atomic<uint64_t> round_{0};
  std::atomic<int> left_{0};
  std::atomic<bool> stop_{false};
  Jit::Fn fn_ = nullptr;
  void* const* buffers_ = nullptr;
  std::vector<std::thread> team_;
};

} // namespace nasc
