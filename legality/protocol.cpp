// The three stages.
#include "legality/protocol.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace nasc {
namespace {
using Clock = std::chrono::steady_clock;

struct Timer {
  double& into;
  Clock::time_point start = Clock::now();
  explicit Timer(double& seconds) : into(seconds) {}
  ~Timer() { into += std::chrono::duration<double>(Clock::now() - start).count(); }
};

struct Protocol {
  SeededScores& original;
  const ProtocolHooks& hooks;
  const ProtocolOptions& options;
  SensitivityTable table;
  ProtocolReport report = {};
  std::vector<ProtocolCandidate> waiting = {}, refused = {};

  Protocol(SeededScores& o, const ProtocolHooks& h, const ProtocolOptions& p)
      : original(o), hooks(h), options(p), table(o, h.build, p.table_seeds) {}

  bool stopped() const { return hooks.stop && hooks.stop(); }
  void say(const std::string& line) const {
    if (hooks.progress) hooks.progress(line);
  }
  bool asks(const char* judge) const {
    return std::any_of(options.judges.begin(), options.judges.end(), [&](const Judge* j) { return std::string(j->name) == judge; });
  }
  void reject(int stage, const ProtocolCandidate& p, const char* judge, const char* reason, const std::string& why, std::vector<Measure> measures = {}) {
    ++report.stages[static_cast<size_t>(stage)].rejected;
    ++report.stages[static_cast<size_t>(stage)].reasons[reason];
    if (hooks.judged) hooks.judged(p, stage, {{judge, {Verdict::no, reason, why, {}, std::move(measures)}}});
  }

  void free_checks() {
    auto& stage = report.stages[0];
    Timer timer(stage.seconds);
    while (stage.seen < options.candidates && !stopped()) {
      std::optional<ProtocolCandidate> p = hooks.next();
      if (!p) break;
      ++stage.seen;
      const JudgeOptions& j = options.judge;
      if (asks("capacity") && std::min(p->macs_share, p->parameters_share) < j.network_floor)
        reject(0, *p, "capacity", "capacity-low", "the network keeps too little");
      else if (asks("capacity") && p->least_layer_share < j.layer_floor)
        reject(0, *p, "capacity", "capacity-low", "a layer keeps too little");
      else if (options.slowest > 0 && p->latency > options.slowest)
        reject(0, *p, "latency", "too-slow", "its predicted latency is no gain");
      else
        waiting.push_back(std::move(*p));
    }
    std::stable_sort(waiting.begin(), waiting.end(), [](const ProtocolCandidate& a, const ProtocolCandidate& b) { return a.latency < b.latency; });
    say(text("stage 0: ", stage.seen, " candidates, ", waiting.size(), " left"));
  }

  void fill_table() {
    std::map<std::string, std::pair<int, const LayerChoice*>> wanted;
    for (const ProtocolCandidate& p : waiting)
      for (const LayerChoice& c : p.choices) {
        auto& entry = wanted[c.layer_class + " -> " + c.option];
        ++entry.first;
        entry.second = &c;
      }
    std::vector<std::pair<int, const LayerChoice*>> order;
    for (const auto& [key, entry] : wanted) order.push_back(entry);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [uses, choice] : order) {
      if (report.stages[1].evaluations + options.table_seeds > options.table_evaluations || stopped()) break;
      report.stages[1].evaluations += table.measure(*choice);
    }
    say(text("stage 1: ", table.size(), " of ", order.size(), " table entries, ", report.stages[1].evaluations, " evaluations"));
  }

  void table_scores() {
    auto& stage = report.stages[1];
    Timer timer(stage.seconds);
    fill_table();
    double z = options.confidence;
    bool total = asks("fisher"), median = asks("fisher:median"), naswot = asks("naswot");
    std::vector<ProtocolCandidate> left;
    for (ProtocolCandidate& p : waiting) {
      ++stage.seen;
      SensitivityTable::Prediction is = table.predict(p.choices);
      if (total && is.fisher + z * is.fisher_error < std::log(options.judge.tau))
        reject(1, p, "fisher", "fisher-low", "the sum of its layers' changes is low", {{"predicted log fisher ratio", is.fisher, z * is.fisher_error}});
      else if (median && is.median + z * is.median_error < std::log(options.judge.median_tau))
        reject(1, p, "fisher:median", "fisher-low", "the sum of its layers' changes is low", {{"predicted median log fisher ratio", is.median, z * is.median_error}});
      else if (naswot && is.naswot + z * is.naswot_error < -options.judge.naswot_drop * static_cast<double>(original.network().batch()))
        reject(1, p, "naswot", "naswot-low", "the sum of its layers' changes is low", {{"predicted naswot difference", is.naswot, z * is.naswot_error}});
      else {
        left.push_back(std::move(p));
        continue;
      }
      refused.push_back(std::move(p));
    }
    waiting = std::move(left);
    say(text("stage 1: ", waiting.size(), " left"));
  }

  std::optional<std::vector<NamedVerdict>> whole(const ProtocolCandidate& p, int& evaluations) {
    std::unique_ptr<SeededScores> candidate = hooks.build(p.choices);
    if (!candidate) return std::nullopt;
    NetworkPair pair{original, *candidate, options.judge};
    Subject subject;
    subject.networks = &pair;
    std::vector<NamedVerdict> verdicts = judge_all(options.judges, subject);
    evaluations += candidate->evaluations();
    return verdicts;
  }

  void whole_networks() {
    auto& stage = report.stages[2];
    Timer timer(stage.seconds);
    for (const ProtocolCandidate& p : waiting) {
      if (static_cast<int>(report.accepted.size()) >= options.accepted || stage.evaluations >= options.evaluations || stopped()) break;
      auto verdicts = whole(p, stage.evaluations);
      if (!verdicts) continue;
      ++stage.seen;
      if (hooks.judged) hooks.judged(p, 2, *verdicts);
      if (allowed(*verdicts)) {
        report.accepted.push_back({p, *verdicts});
        say(text("accepted ", p.id, " after ", stage.evaluations, " evaluations"));
        continue;
      }
      ++stage.rejected;
      ++stage.reasons[verdicts->back().verdict.reason];
    }
  }

  // Evenly spaced rejects of stage 1, judged after all.
  void check_rejects() {
    size_t count = std::min(refused.size(), static_cast<size_t>(std::max(options.rescored, 0)));
    for (size_t k = 0; k < count && !stopped(); ++k) {
      int evaluations = 0;
      auto verdicts = whole(refused[k * refused.size() / count], evaluations);
      if (!verdicts) continue;
      ++report.rescored;
      report.falsely_rejected += allowed(*verdicts);
    }
  }
};
}  // namespace

ProtocolReport run_protocol(SeededScores& original, const ProtocolHooks& hooks, const ProtocolOptions& options) {
  Protocol p(original, hooks, options);
  p.report.real_data = original.data().real();
  p.free_checks();
  p.table_scores();
  p.whole_networks();
  p.check_rejects();
  return std::move(p.report);
}

std::string text(const ProtocolReport& r) {
  std::ostringstream out;
  constexpr const char* kNames[] = {"free checks", "table", "whole networks"};
  out << std::left << std::setw(16) << "stage" << std::right << std::setw(8) << "seen" << std::setw(10) << "rejected" << std::setw(13) << "evaluations"
      << std::setw(10) << "seconds" << "  reasons\n" << std::fixed << std::setprecision(2);
  for (size_t k = 0; k < r.stages.size(); ++k) {
    const auto& s = r.stages[k];
    out << std::left << std::setw(16) << kNames[k] << std::right << std::setw(8) << s.seen << std::setw(10) << s.rejected << std::setw(13) << s.evaluations
        << std::setw(10) << s.seconds << ' ';
    for (const auto& [reason, n] : s.reasons) out << ' ' << reason << " " << n;
    out << '\n';
  }
  out << r.accepted.size() << " accepted";
  if (r.rescored) out << "; of " << r.rescored << " rejects of the table judged whole, " << r.falsely_rejected << " would have been accepted";
  if (!r.real_data) out << "; scored on noise, to be trusted little";
  out << '\n';
  return out.str();
}

}  // namespace nasc
