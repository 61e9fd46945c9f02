// Work for threads while more of it is being made.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nasc {

class Jobs {
public:
  explicit Jobs(int threads); // the calling one included: it takes part in finish()
  ~Jobs();                    // waits for jobs that have begun and drops the others
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // In any thread, later. With many waiting, the caller does one first: waiting jobs hold memory.
  void add(std::function<void()> job);
  // Returns when all are done; throws the first exception of any of them, after which none begins.
  void finish();

private:
  using Lock = std::unique_lock<std::mutex>;
  void serve();
  void do_one(Lock& hold);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  size_t running_ = 0;
  bool over_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> team_;
};

} // namespace nasc
