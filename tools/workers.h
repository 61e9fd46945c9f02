// Threads that stay for several rounds of work, each with an isl context of its own and with what it parsed before.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nasc {

class Workers {
public:
  explicit Workers(int threads); // the calling one included
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // work(k) for k in [0, n), done(k) after each, one at a time; the first exception is thrown again
  // here. A thread begins with what it worked on in the round before: k means the same there.
  void run(size_t n, const std::function<void(size_t)>& work,
           const std::function<void(size_t)>& done);

private:
  struct Round;
  void take_part(int thread, Round& round);
  void serve(int thread);

  std::vector<std::thread> team_;
  std::vector<std::atomic<int>> owners_; // 1 + thread of each item in the last round, 0: none
  std::mutex mutex_;
  std::condition_variable changed_;
  Round* round_ = nullptr;
  int number_ = 0, busy_ = 0;
  bool over_ = false;
};

} // namespace nasc
