// Rounds of work for threads that spin.
#include "tools/tune/team.h"

namespace nasc {
namespace {
// Gives the processor away when it takes long: somebody else may need it to get there.
template <class F> void wait(F&& done) {
  constexpr int kSpins = 20'000;
  for (int k = 0; !done(); ++k)
    if (k > kSpins)
      std::this_thread::yield();
}
} // namespace

Team::Team(int threads) : threads_(threads) {
  for (int t = 1; t < threads; ++t)
    team_.emplace_back([this, t] { wait_for_work(t); });
}

Team::~Team() {
  stop_ = true;
  ++round_;
  for (auto& t : team_)
    t.join();
}

void Team::run(Jit::Fn fn, void* const* buffers) {
  fn_ = fn;
  buffers_ = buffers;
  left_ = threads_ - 1;
  ++round_;
  fn(buffers, nullptr, 0, threads_);
  wait([&] { return left_.load() <= 0; });
}

void Team::wait_for_work(int tid) {
  for (uint64_t seen = 0;;) {
    wait([&] { return round_.load() != seen; });
    seen = round_.load();
    if (stop_)
      return;
    fn_(buffers_, nullptr, tid, threads_);
    --left_;
  }
}

} // namespace nasc
