// One queue under one mutex: jobs are milliseconds long.
#include "tools/jobs.h"

#include <utility>

namespace nasc {
namespace {
constexpr size_t kWaitingPerThread = 16;
}

Jobs::Jobs(int threads) {
  for (int t = 1; t < threads; ++t)
    team_.emplace_back([this] { serve(); });
}

Jobs::~Jobs() {
  {
    Lock hold(mutex_);
    over_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (auto& t : team_)
    t.join();
}

// The first waiting job, with the lock let go meanwhile.
void Jobs::do_one(Lock& hold) {
  {
    std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    hold.unlock();
    try {
      job();
    } catch (...) {
      hold.lock();
      if (!error_)
        error_ = std::current_exception();
      waiting_.clear();
      hold.unlock();
    }
  } // what it held is freed outside of the lock
  hold.lock();
  --running_;
  changed_.notify_all();
}

void Jobs::serve() {
  Lock hold(mutex_);
  for (;;) {
    changed_.wait(hold, [&] { return over_ || !waiting_.empty(); });
    if (over_)
      return;
    do_one(hold);
  }
}

void Jobs::add(std::function<void()> job) {
  Lock hold(mutex_);
  if (error_)
    return;
  waiting_.push_back(std::move(job));
  changed_.notify_all();
  if (team_.empty() || waiting_.size() > kWaitingPerThread * team_.size())
    do_one(hold);
}

void Jobs::finish() {
  Lock hold(mutex_);
  for (;;) {
    changed_.wait(hold, [&] { return !waiting_.empty() || running_ == 0; });
    if (waiting_.empty())
      break;
    do_one(hold);
  }
  if (error_)
    std::rethrow_exception(std::exchange(error_, nullptr));
}

} // namespace nasc
