// isl and PPL give the same answers to the order queries that compilations of real networks ask.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>

#include "ir/hash.h"
#include "legality/order.h"
#include "legality/order_matched.h"
#include "legality/order_ppl.h"
#include "test/e2e/reference.h"

using namespace nasc;

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Distinct queries by their key, which makes their order the same in every run. Compiled by this
// thread alone, since isl values stay with the thread that made them.
struct Queries {
  std::map<std::string, Kernel> asked;
  Queries() {
    forget_orders();
    record_order_queries(
        [this](const Kernel& k, const Verdict&) { asked.emplace(order_key(k), k); });
  }
  ~Queries() { record_order_queries({}); }
  Queries(const Queries&) = delete;
  static Compilation judged(CompileOptions options) {
    options.jobs = 1;
    return compiled(options, "judge");
  }
  // As the levels schedule it.
  void ask(const std::string& path) {
    for (int level : {1, 2})
      judged(options_for(path, level));
  }
  // And for processors of other vectors, without Winograd's algorithm, and after each step of its
  // own plan.
  void ask_widely(const std::string& path) {
    judged(options_for(path, 3));
    CompileOptions options = options_for(path, 2);
    for (const char* cpu : {"x86-64", "x86-64-v3", "x86-64-v4"}) {
      options.target = target_for(cpu, "");
      judged(options);
    }
    options = options_for(path, 2);
    options.winograd = Winograd::off;
    Compilation c = judged(options);
    TemporaryFolder folder;
    options.plan_file = folder / "own.plan";
    std::ofstream(options.plan_file) << text(c.plan);
    options.verify_each = true;
    judged(options);
  }
};

struct Tally {
  std::map<Verdict::Answer, size_t> isl, ppl;
  size_t agree = 0, disagree = 0, matched = 0;
  double isl_seconds = 0, ppl_seconds = 0, slowest = 0;
  void add(const Kernel& kernel) {
    double t0 = seconds_now();
    Verdict a = judge_order_by_isl(kernel);
    double t1 = seconds_now();
    Verdict b = judge_order_by_ppl(kernel);
    double t2 = seconds_now();
    isl_seconds += t1 - t0;
    ppl_seconds += t2 - t1;
    slowest = std::max(slowest, t2 - t1);
    if (keeps_matched_order(kernel)) {
      ++matched;
      CHECK(a.answer == Verdict::yes);
    }
    ++isl[a.answer];
    ++ppl[b.answer];
    if (a.answer == Verdict::undecided || b.answer == Verdict::undecided)
      return;
    ++(a.answer == b.answer ? agree : disagree);
    INFO(kernel.program.name << "\n" << block_text(kernel.schedule.tree()));
    INFO("isl " << text(a) << "\nPPL " << text(b));
    CHECK(a.answer == b.answer);
  }
  size_t total() { return isl[Verdict::yes] + isl[Verdict::no] + isl[Verdict::undecided]; }
  void print(const char* what, size_t distinct) {
    std::printf("%s: %zu of %zu distinct queries; matched %zu; isl yes %zu no %zu gave up %zu; PPL yes %zu no "
                "%zu gave up %zu; agree %zu "
                "disagree %zu; seconds isl %.1f PPL %.1f, slowest PPL %.2f\n",
                what, total(), distinct, matched, isl[Verdict::yes], isl[Verdict::no],
                isl[Verdict::undecided], ppl[Verdict::yes], ppl[Verdict::no],
                ppl[Verdict::undecided], agree, disagree, isl_seconds, ppl_seconds, slowest);
    std::fflush(stdout);
  }
  void check() {
    CHECK(disagree == 0);
    CHECK(ppl[Verdict::undecided] * 50 <= total());
  }
};

// At most `wanted` of them, chosen by a hash of their text.
std::vector<Kernel> sampled(const Queries& queries, size_t wanted) {
  std::map<uint64_t, Kernel> by_hash;
  for (const auto& [key, kernel] : queries.asked)
    by_hash.emplace(hash_text(key, 14695981039346656037u), kernel);
  std::vector<Kernel> out;
  for (const auto& [unused, kernel] : by_hash)
    if (out.size() < wanted)
      out.push_back(kernel);
  return out;
}

} // namespace

TEST_CASE("order queries: isl and PPL agree on those of the tiny zoo", "[property]") {
  constexpr size_t kSample = 100;
  Queries queries;
  TinyZoo zoo;
  for (const auto& [name, path] : zoo.models)
    queries.ask(path);
  Tally tally;
  for (const Kernel& k : sampled(queries, kSample))
    tally.add(k);
  tally.print("sample of the tiny zoo's queries", queries.asked.size());
  tally.check();
  CHECK(tally.total() >= 100);
}

// Run by name: minutes.
TEST_CASE("order queries: isl and PPL agree on all of the zoo", "[.full-queries]") {
  constexpr size_t kWanted = 500;
  Queries queries;
  auto each_network = [&](auto ask) {
    for (const ZooModel& model : zoo_models()) {
      TemporaryFolder folder;
      std::string path = folder / "model.onnx";
      std::ofstream(path, std::ios::binary) << model.make({});
      ask(path);
      std::printf("%s: %zu distinct queries so far\n", model.name, queries.asked.size());
      std::fflush(stdout);
    }
  };
  each_network([&](const std::string& path) { queries.ask(path); });
  if (queries.asked.size() < kWanted)
    each_network([&](const std::string& path) { queries.ask_widely(path); });
  Tally tally;
  for (const auto& [unused, kernel] : queries.asked)
    tally.add(kernel);
  tally.print("the zoo's queries", queries.asked.size());
  tally.check();
  CHECK(tally.total() >= kWanted);
}
