// Threads: same results for every team, several handles and models, busy handles, forks, the caller's own threads.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "test/unit/runtime/tiny.h"

using namespace nasc::test;

namespace {

std::set<int64_t> team() { return {tiny_thread, tiny_thread + tiny_team}; }

}  // namespace

TEST_CASE("team: results do not depend on the number of threads") {
  for (int threads : {1, 2, 4, 7}) {
    Tables tables;
    Handle h(tables, threads);
    REQUIRE(h.status == NASC_OK);
    for (int64_t n : {1, 2, 3, 64, 1000})
      for (int64_t reps : {0, 1, 5}) {
        Call c(n, reps);
        REQUIRE(c.run(h) == NASC_OK);
        CHECK(c.right());
        CHECK(tiny_team == threads);
        CHECK(team().size() == static_cast<std::size_t>(threads));
      }
  }
}

TEST_CASE("team: a member that is held up is helped") {
  for (int threads : {2, 3, 6}) {
    Tables tables;
    Handle h(tables, threads);
    Call c(1000);
    tiny_await_help = 1;
    tiny_helped = 0;
    CHECK(c.run(h) == NASC_OK);
    tiny_await_help = 0;
    CHECK(tiny_helped);
    CHECK(c.right());
  }
}

TEST_CASE("team: many runs, with pauses that let the workers sleep") {
  Tables tables;
  Handle h(tables, 4);
  for (int i = 0; i < 300; ++i) {
    Call c(17, i % 3);
    REQUIRE(c.run(h) == NASC_OK);
    REQUIRE(c.right());
    if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_CASE("team: models and handles share the threads") {
  Tables one, two;
  Handle a(one, 3), b(two, 3), c(two, 3);
  Call call(10);
  REQUIRE(call.run(a) == NASC_OK);
  auto first = team();
  REQUIRE(call.run(b) == NASC_OK);
  CHECK(team() == first);
  REQUIRE(call.run(c) == NASC_OK);
  CHECK(team() == first);
}

TEST_CASE("team: handles of several callers take turns") {
  Tables tables;
  std::atomic<int> wrong{0};
  auto caller = [&](int64_t n) {
    Handle h(tables, 2);
    for (int i = 0; i < 200; ++i) {
      Call c(n + i % 5, i % 4);
      if (c.run(h) != NASC_OK || !c.right()) ++wrong;
    }
  };
  // The model's record of its threads is one global, so it is read by nobody here; its writers take turns.
  std::thread x(caller, 10), y(caller, 100), z(caller, 1);
  x.join();
  y.join();
  z.join();
  CHECK(wrong == 0);
}

TEST_CASE("team: create from several threads makes the shared state once") {
  Tables tables;
  std::atomic<int> wrong{0};
  auto caller = [&] {
    for (int i = 0; i < 50; ++i) {
      Handle h(tables, 2);
      Call c(3);
      if (h.status != NASC_OK || c.run(h) != NASC_OK || !c.right()) ++wrong;
    }
  };
  std::thread x(caller), y(caller);
  x.join();
  y.join();
  CHECK(wrong == 0);
  CHECK(tables.slot.model == nullptr);
}

TEST_CASE("team: a running handle is busy") {
  static nasc_handle* running;
  static nasc_status seen_run, seen_shapes, seen_destroy;
  Tables tables;
  Handle h(tables, 2);
  Call c(4);
  running = h.handle;
  tiny_hook = [] {
    Call other(4);
    int64_t y[2], z[1];
    int64_t* extents[] = {y, z};
    std::thread([&] {
      seen_run = nasc_embed_run(running, other.in, other.out);
      seen_shapes = nasc_embed_shapes(running, other.in, extents);
      seen_destroy = nasc_embed_destroy(running);
    }).join();
  };
  CHECK(c.run(h) == NASC_OK);
  tiny_hook = nullptr;
  CHECK(seen_run == NASC_E_BUSY);
  CHECK(seen_shapes == NASC_E_BUSY);
  CHECK(seen_destroy == NASC_E_BUSY);
  CHECK(c.right());
  CHECK(c.run(h) == NASC_OK);
}

#if !defined(__SANITIZE_THREAD__)  // it does not follow threads started after a fork of a threaded program
TEST_CASE("team: a forked child gets its own") {
  Tables tables;
  Handle h(tables, 3);
  Call c(20);
  REQUIRE(c.run(h) == NASC_OK);
  for (int generation = 0; generation < 3; ++generation) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      alarm(20);
      Call mine(20, 2);
      bool ok = mine.run(h) == NASC_OK && mine.right() && team().size() == 3;
      if (ok && fork() == 0) {  // and the child of the child
        ok = mine.run(h) == NASC_OK && mine.right();
        _exit(ok ? 0 : 1);
      }
      int status = 1;
      wait(&status);
      _exit(ok && status == 0 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(c.run(h) == NASC_OK);
    CHECK(c.right());
  }
}

TEST_CASE("team: a fork in the middle of another thread's run leaves no locks") {
  static pid_t child;
  static nasc_handle* running;
  Tables tables;
  Handle h(tables, 2);
  running = h.handle;
  tiny_hook = [] {
    tiny_hook = nullptr;
    std::thread([] {
      child = fork();
      if (child != 0) return;
      alarm(20);
      Call mine(6);
      _exit(nasc_embed_run(running, mine.in, mine.out) == NASC_OK && mine.right() ? 0 : 1);
    }).join();
  };
  Call c(6);
  CHECK(c.run(h) == NASC_OK);
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(c.right());
}
#endif

TEST_CASE("team: the caller's own threads") {
  int calls = 0;
  nasc_options o{};
  o.parallel_context = &calls;
  o.parallel = [](void* context, int32_t n, nasc_task task, void* argument) {
    ++*static_cast<int*>(context);
    std::vector<std::thread> others;
    for (int32_t i = 1; i < n; ++i) others.emplace_back(task, argument, i);
    task(argument, 0);
    for (auto& t : others) t.join();
  };
  Tables tables;
  Handle h(tables, 4, o);
  Call c(33);
  CHECK(c.run(h) == NASC_OK);
  CHECK(c.right());
  CHECK(calls == 2);  // create and run
}

TEST_CASE("team: NASC_NUM_THREADS and the model's limit") {
  Tables tables;
  auto used = [&](const char* value) {
    setenv("NASC_NUM_THREADS", value, 1);
    Handle h(tables, 0);
    unsetenv("NASC_NUM_THREADS");
    Call c(9);
    CHECK(c.run(h) == NASC_OK);
    return tiny_team;
  };
  CHECK(used("3") == 3);
  int32_t processors = used("");
  CHECK(used("two") == processors);
  CHECK(used("0") == processors);
  tables.desc.max_threads = 2;
  CHECK(used("5") == 2);
}

TEST_CASE("run: extents change, down to none") {
  Tables tables;
  Handle h(tables, 2);
  for (int64_t n : {5, 0, 50000, 0, 1, 5}) {
    Call c(n);
    if (n == 0) c.in[0].data = c.in[1].data = c.out[0].data = c.out[1].data = nullptr;
    REQUIRE(c.run(h) == NASC_OK);
    CHECK(c.right());
  }
}

TEST_CASE("run: the arena is zero again when extents change, even after a fault") {
  Tables tables;
  Handle h(tables, 1);
  Call big(100, 1), small(10, 1);
  REQUIRE(big.run(h) == NASC_OK);
  REQUIRE(small.run(h) == NASC_OK);
  CHECK(small.right());
}

TEST_CASE("shapes: before and after a run") {
  Tables tables;
  Handle h(tables, 2);
  int64_t y[2] = {}, z[1] = {};
  int64_t* extents[] = {y, z};
  Call c(6);
  CHECK(nasc_embed_shapes(h.handle, nullptr, extents) == NASC_E_NULL);
  for (auto& t : c.in) t.data = nullptr;
  CHECK(nasc_embed_shapes(h.handle, c.in, extents) == NASC_OK);
  CHECK(y[0] == 6);
  CHECK(y[1] == 4);
  CHECK(z[0] == 24);
  Call r(6);
  REQUIRE(r.run(h) == NASC_OK);
  CHECK(nasc_embed_shapes(h.handle, nullptr, extents) == NASC_OK);
  CHECK(z[0] == std::count_if(r.a.begin(), r.a.end(), [](float x) { return x > 0; }));
}

TEST_CASE("trace: every step in order, loops unrolled") {
  std::vector<std::string> names;
  nasc_options o{};
  o.trace_context = &names;
  o.trace = [](void* context, int32_t, const char* name, int64_t nanoseconds) {
    if (nanoseconds >= 0) static_cast<std::vector<std::string>*>(context)->push_back(name);
  };
  Tables tables;
  Handle h(tables, 2, o);
  Call c(4, 1);
  REQUIRE(c.run(h) == NASC_OK);
  CHECK(names == std::vector<std::string>{"make_state", "start", "add", "more?", "increment", "count_down", "again",
                                          "more?", "scale", "positions"});
}
