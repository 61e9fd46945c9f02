// A round: items of one's own first, then whatever is left.
#include "tools/workers.h"

#include <exception>

namespace nasc {

struct Workers::Round {
  const std::function<void(size_t)>&work, &done;
  std::vector<std::atomic<bool>> taken;
  std::mutex mutex; // of the rest
  std::exception_ptr error;
  std::atomic<bool> failed = false;
};

Workers::Workers(int threads) {
  for (int t = 1; t < threads; ++t)
    team_.emplace_back([this, t] { serve(t); });
}

Workers::~Workers() {
  {
    std::lock_guard hold(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  for (auto& t : team_)
    t.join();
}

void Workers::take_part(int thread, Round& r) {
  for (bool own : {true, false})
    for (size_t k = 0; k < r.taken.size() && !r.failed; ++k) {
      if ((own && owners_[k] != thread + 1) || r.taken[k].exchange(true))
        continue;
      owners_[k] = thread + 1;
      try {
        r.work(k);
        std::lock_guard hold(r.mutex);
        r.done(k);
      } catch (...) {
        r.failed = true;
        std::lock_guard hold(r.mutex);
        if (!r.error)
          r.error = std::current_exception();
      }
    }
}

void Workers::serve(int thread) {
  int seen = 0;
  for (;;) {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [&] { return over_ || number_ != seen; });
    if (over_)
      return;
    seen = number_;
    Round& r = *round_;
    hold.unlock();
    take_part(thread, r);
    hold.lock();
    if (--busy_ == 0)
      changed_.notify_all();
  }
}

void Workers::run(size_t n, const std::function<void(size_t)>& work,
                  const std::function<void(size_t)>& done) {
  Round r{work, done, std::vector<std::atomic<bool>>(n), {}, {}};
  if (owners_.size() != n)
    owners_ = std::vector<std::atomic<int>>(n);
  {
    std::lock_guard hold(mutex_);
    round_ = &r;
    ++number_;
    busy_ = static_cast<int>(team_.size());
  }
  changed_.notify_all();
  take_part(0, r);
  std::unique_lock hold(mutex_);
  changed_.wait(hold, [&] { return busy_ == 0; });
  round_ = nullptr;
  if (r.error)
    std::rethrow_exception(r.error);
}

} // namespace nasc
