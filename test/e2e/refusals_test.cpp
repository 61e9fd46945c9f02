// Models compile and are right when the judge refuses everything and when the engines give up at
// once; rounding stays to nearest.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>

#include "ir/isl.h"
#include "legality/order.h"
#include "legality/order_ppl.h"
#include "test/e2e/reference.h"
#include "test/support/rounding.h"

using namespace nasc;

namespace {

struct Hindrance {
  const char* name;
  bool refuse = false;            // the judge says no
  std::vector<IslEntry> isl = {}; // entries with a quota of 1
  bool ppl = false;               // PPL has a quota of 1
  bool everywhere = true;         // else in two networks
};
const std::vector<IslEntry> kAll(std::begin(kIslEntries), std::end(kIslEntries));
const std::vector<Hindrance> kHindrances = {
    {.name = "judge always no", .refuse = true},
    {.name = "isl quota 1", .isl = kAll},
    {.name = "PPL quota 1", .ppl = true},
    {.name = "isl and PPL quota 1", .isl = kAll, .ppl = true},
    {.name = "isl quota 1, judge always no", .refuse = true, .isl = kAll},
    {.name = "PPL quota 1, judge always no", .refuse = true, .ppl = true},
    {.name = "isl and PPL quota 1, judge always no", .refuse = true, .isl = kAll, .ppl = true},
    {.name = "isl quota 1 of transformations",
     .isl = {IslEntry::transformation},
     .everywhere = false},
    {.name = "isl quota 1 of the judge", .isl = {IslEntry::order}, .everywhere = false},
    {.name = "isl quota 1 of the judge, PPL quota 1",
     .isl = {IslEntry::order},
     .ppl = true,
     .everywhere = false},
    {.name = "isl quota 1 of analyses", .isl = {IslEntry::analysis}, .everywhere = false},
    {.name = "isl quota 1 of ASTs", .isl = {IslEntry::ast}, .everywhere = false},
};

// A hindrance in force for one scope.
struct Hindered {
  std::vector<unsigned long> isl;
  uint64_t ppl = ppl_quota();
  explicit Hindered(const Hindrance& h) {
    forget_orders();
    for (IslEntry e : kIslEntries)
      isl.push_back(isl_quota(e));
    for (IslEntry e : h.isl)
      set_isl_quota(e, 1);
    if (h.refuse)
      set_judge_for_tests(always_no);
    if (h.ppl)
      set_ppl_quota(1);
  }
  ~Hindered() {
    set_judge_for_tests({});
    for (size_t k = 0; k < isl.size(); ++k)
      set_isl_quota(kIslEntries[k], isl[k]);
    set_ppl_quota(ppl);
    forget_orders();
  }
  Hindered(const Hindered&) = delete;
};

// The schedules that are in the order the Program means.
size_t textual_count(const Module& m) {
  size_t n = 0;
  for (size_t k = 0; k < m.schedules.size(); ++k)
    n += text(m.schedules[k]) == text(textual_schedule(*m.network.programs[k]));
  return n;
}

} // namespace

TEST_CASE("refusals: tiny networks are right whatever judge and engines refuse") {
  TinyZoo zoo;
  References references;
  for (const Hindrance& h : kHindrances) {
    auto begin = std::chrono::steady_clock::now();
    size_t textual = 0, kernels = 0;
    for (const auto& [name, path] : zoo.models) {
      if (!h.everywhere && name != "tiny-resnet" && name != "tiny-bert")
        continue;
      INFO(name << ", " << h.name);
      Hindered hindered(h);
      Compilation c;
      CHECK_NOTHROW(c = check_model(options_for(path, 2), 2, &references));
      size_t n = textual_count(c.module);
      textual += n;
      kernels += c.module.schedules.size();
      bool no_schedule = h.refuse || h.isl.size() == kAll.size();
      if (no_schedule)
        CHECK(n == c.module.schedules.size());
      else
        CHECK(c.module.schedules.size() > 0);
    }
    std::printf("%s: %zu of %zu kernels in textual order, %.1f s\n", h.name, textual, kernels,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
}

TEST_CASE("refusals: rounding is to nearest after every stage") {
  TinyZoo zoo;
  static std::atomic<size_t> entered; // of a callback without data
  entered = 0;
  set_ppl_probe_for_tests([] { ++entered; });
  // With isl's quota of the judge used up, the judge enters PPL; in this thread, or in the workers
  // that emit later.
  for (const Hindrance& h : {Hindrance{.name = "judged by isl"},
                             Hindrance{.name = "judged by PPL", .isl = {IslEntry::order}}})
    for (int jobs : {1, 2}) {
      size_t before = entered;
      for (const auto& [name, path] : zoo.models) {
        if (name != "tiny-resnet" && name != "tiny-bert")
          continue;
        INFO(name << ", " << h.name << ", " << jobs << " jobs");
        Hindered hindered(h);
        Compilation c;
        c.options = options_for(path, 2);
        c.options.jobs = jobs;
        std::atomic<int> wrong = 0;
        c.progress = [&](const Progress&) { wrong += !rounds_to_nearest(); }; // by each thread
        for (const Stage& stage : stages()) {
          INFO("after " << stage.name);
          stage.run(c);
          CHECK(rounds_to_nearest());
          CHECK(wrong == 0);
        }
        Loaded l = loaded(c, 2);
        CHECK(rounds_to_nearest());
        l.runner.run(inputs_of(l.runner, 2));
        CHECK(rounds_to_nearest());
      }
      CHECK((entered > before) == !h.isl.empty());
    }
  set_ppl_probe_for_tests(nullptr);
  std::printf("rounding: PPL was entered %zu times\n", entered.load());
}
