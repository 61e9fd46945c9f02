// Judging and counting.
#include "tools/search/cascade.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace nasc {
namespace {
using Clock = std::chrono::steady_clock;

// Reasons without their numbers: counted by what was asked.
std::string kind_of(const std::string& why) { return why.substr(0, why.find(": ")); }
} // namespace

Cascade::Cascade(std::vector<Evaluator> evaluators, Objective o)
    : stages(std::move(evaluators)), objective(std::move(o)) {
  std::stable_sort(stages.begin(), stages.end(),
                   [](const Evaluator& a, const Evaluator& b) { return a.cost < b.cost; });
  std::vector<std::string> given;
  bool open = false;
  for (const Evaluator& e : stages) {
    counts.push_back({e.name, 0, 0, 0, 0, {}});
    given.insert(given.end(), e.metrics.begin(), e.metrics.end());
    open |= e.metrics.empty();
  }
  for (const std::string& wanted : metrics_of(objective))
    if (!open && std::find(given.begin(), given.end(), wanted) == given.end()) {
      std::string near = nearest(wanted, given);
      throw UserError(
          code::usage, "--objective",
          text("no evaluator gives ", wanted, near.empty() ? "" : "; did you mean " + near + "?"));
    }
}

void Cascade::judge(Candidate& c, const EvaluationBudget& budget) {
  auto leave = [&](StageCount& count, CandidateStatus status, const std::string& why) {
    c.status = status, c.stage = count.name, c.why = why;
    ++(status == CandidateStatus::failed ? count.failed : count.rejected);
    ++count.reasons[kind_of(why)];
  };
  c.status = CandidateStatus::open;
  for (size_t i = 0; i < stages.size() && c.status == CandidateStatus::open; ++i) {
    auto start = Clock::now();
    Evaluation e = stages[i].evaluate(c, budget);
    double wall = std::chrono::duration<double>(Clock::now() - start).count();
    StageCount& count = counts[i];
    ++count.judged;
    count.seconds += wall;
    c.seconds += e.charged_seconds.value_or(wall);
    for (const auto& [name, metric] : e.metrics) {
      if (!std::isfinite(metric.value) || !std::isfinite(metric.error))
        e.failed = e.failed.empty() ? name + " is not a number" : e.failed;
      else
        c.metrics[name] = metric;
    }
    if (!e.failed.empty())
      leave(count, CandidateStatus::failed, e.failed);
    else if (!e.rejected.empty())
      leave(count, CandidateStatus::rejected, e.rejected);
    else if (std::string why = broken(objective, c.metrics); !why.empty())
      leave(count, CandidateStatus::rejected, why);
  }
  if (c.status != CandidateStatus::open)
    return;
  bool complete = outcome(objective, c.metrics).usable();
  c.status = complete ? CandidateStatus::ok : CandidateStatus::failed;
  if (!complete)
    c.why = "no stage gave all metrics of the objective";
}

Outcome Cascade::outcome_of(const Candidate& c) const {
  return c.status == CandidateStatus::ok ? outcome(objective, c.metrics) : Outcome{};
}

void Cascade::count_replayed(const Candidate& c) {
  for (StageCount& count : counts) {
    ++count.judged;
    if (c.stage != count.name)
      continue;
    ++(c.status == CandidateStatus::failed ? count.failed : count.rejected);
    ++count.reasons[kind_of(c.why)];
    return;
  }
}

std::string stage_table(const std::vector<StageCount>& counts) {
  std::string out = fmt::format("{:<16}{:>9}{:>10}{:>8}{:>11}  {}\n", "stage", "judged", "rejected",
                                "failed", "seconds", "most frequent reason");
  for (const StageCount& c : counts) {
    auto most = std::max_element(c.reasons.begin(), c.reasons.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
    out += fmt::format(
        "{:<16}{:>9}{:>10}{:>8}{:>11.3f}  {}\n", c.name, c.judged, c.rejected, c.failed, c.seconds,
        most == c.reasons.end() ? "" : fmt::format("{} ({})", escaped(most->first), most->second));
  }
  return out;
}

} // namespace nasc
