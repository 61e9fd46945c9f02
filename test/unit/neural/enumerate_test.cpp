// All short plans over one convolution: distinct operators, and that each computes and exports what its steps mean.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "pieces.h"
#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/options.h"

using namespace nasc;
using namespace nasc::test;

namespace {
constexpr double kNear = 1e-12;

struct Enumeration {
  size_t plans = 0;
  std::map<uint64_t, std::vector<Step>> distinct;  // the first plan of each operator
};

void extend(Enumeration& e, const ConvForm& form, std::vector<Step>& steps, const OptionLimits& limits, int left) {
  if (!left) return;
  for (const Step& s : local_options(form, "conv", limits)) {
    auto next = apply_to_form(form, s);
    if (!next) continue;  // names that are taken
    ++e.plans;
    steps.push_back(s);
    e.distinct.try_emplace(canonical_hash(*next), steps);
    extend(e, *next, steps, limits, left - 1);
    steps.pop_back();
  }
}

Enumeration enumerated(const OneConv& conv, const OptionLimits& limits, int length) {
  Enumeration e;
  ConvForm form = form_of(one_conv(conv));
  e.distinct.emplace(canonical_hash(form), std::vector<Step>());
  std::vector<Step> steps;
  extend(e, form, steps, limits, length);
  return e;
}

std::string text_of(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& s : steps) out += text(s) + " ";
  return out;
}

struct Range {
  size_t first = 0, most = SIZE_MAX;  // of the distinct operators, in their order
  size_t whole = 60;                  // so many of them are checked without sharing, too
  std::string files;                  // where those models are written; empty: nowhere
};
struct Outcome {
  std::mutex mutex;
  size_t checked = 0, whole = 0;
  Errors worst;
  double worst_whole = 0;
  std::vector<std::string> failures;
};

struct Checked {
  Errors errors;
  double whole = 0;
  std::string failure, model;
};
Checked checked(const PlanChecker& checker, const std::vector<Step>& steps, bool whole, bool slow) {
  Checked out;
  try {
    out.errors = checker.check(steps);
    if (whole) out.whole = checker.check_whole(steps, slow, &out.model);
    if (!(out.errors.program < kNear && out.errors.exported < kNear && out.whole < kNear))
      out.failure = text("off by ", out.errors.program, ", exported by ", out.errors.exported, ", without sharing by ", out.whole);
  } catch (const std::exception& problem) {
    out.failure = problem.what();
  }
  return out;
}

void enumerate_and_check(const OneConv& conv, const OptionLimits& limits, int length, const Range& range) {
  auto begin = std::chrono::steady_clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  Enumeration e = enumerated(conv, limits, length);
  std::printf("%lld -> %lld channels, at most %d steps: %zu plans, %zu distinct operators, %.1f s\n",
              static_cast<long long>(conv.channels), static_cast<long long>(conv.outputs), length, e.plans,
              e.distinct.size(), seconds());
  std::vector<const std::vector<Step>*> todo;
  size_t number = 0;
  for (const auto& [unused, steps] : e.distinct)
    if (number++ >= range.first && todo.size() < range.most) todo.push_back(&steps);
  size_t every = std::max<size_t>(1, range.whole ? todo.size() / range.whole : SIZE_MAX);
  KnownPieces known;
  Outcome out;
  std::atomic<size_t> taken = 0;
  auto one = [&](const PlanChecker& checker, size_t k) {
    bool whole = k % every == 0;
    Checked c = checked(checker, *todo[k], whole, k % (every * 8) == 0);
    if (whole && !range.files.empty()) std::ofstream(range.files + nasc::text("/", range.first + k, ".onnx"), std::ios::binary) << c.model;
    std::lock_guard hold(out.mutex);
    ++out.checked, out.whole += whole;
    out.worst.program = std::fmax(out.worst.program, c.errors.program);
    out.worst.exported = std::fmax(out.worst.exported, c.errors.exported);
    out.worst_whole = std::max(out.worst_whole, c.whole);
    if (!c.failure.empty()) out.failures.push_back(text_of(*todo[k]) + ": " + c.failure);
    if (out.checked % 5000 == 0)
      std::fprintf(stderr, "%zu of %zu from %zu on, %zu pieces, %zu failures, %.0f s\n", out.checked, todo.size(), range.first,
                   known.by_text.size(), out.failures.size(), seconds());
  };
  auto work = [&] {
    PlanChecker checker(conv, known);
    for (size_t k; (k = taken++) < todo.size();) one(checker, k);
  };
  std::vector<std::thread> team;
  for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t) team.emplace_back(work);
  for (std::thread& t : team) t.join();
  std::printf("%zu checked: worst relative error %.1e as Programs (%zu distinct pieces), %.1e exported and read back; %zu "
              "of them also without sharing: %.1e; %zu failures; %.1f s\n",
              out.checked, out.worst.program, known.by_text.size(), out.worst.exported, out.whole, out.worst_whole,
              out.failures.size(), seconds());
  for (size_t k = 0; k < std::min<size_t>(out.failures.size(), 20); ++k) UNSCOPED_INFO(out.failures[k]);
  CHECK(out.failures.empty());
}

size_t number(const char* variable, size_t absent) {
  const char* given = std::getenv(variable);
  return given ? std::stoul(given) : absent;
}
}  // namespace

TEST_CASE("enumerate: short plans over a small convolution compute what their steps mean") {
  enumerate_and_check({.channels = 8, .outputs = 8}, {.factors = {2, 4}, .loops = true}, 2, {});
}

// NASC_ENUMERATE_FIRST, _MOST: a part of the operators. _WHOLE: how many to check without sharing. _FILES: a folder for
// the models of those.
TEST_CASE("enumerate: all plans of at most three steps over a 64 -> 64 convolution", "[.enumerate]") {
  Range range{number("NASC_ENUMERATE_FIRST", 0), number("NASC_ENUMERATE_MOST", SIZE_MAX), number("NASC_ENUMERATE_WHOLE", 60), ""};
  if (const char* files = std::getenv("NASC_ENUMERATE_FILES")) range.files = files, std::filesystem::create_directories(files);
  enumerate_and_check({.rows = 8, .columns = 8}, {}, 3, range);
}
