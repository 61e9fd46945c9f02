// Rounds over all units: the best predicted alternative of each, then the next; then the winners again, more carefully.
#include "tools/tune/tune.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "ir/hash.h"
#include "tools/tool_main.h"
#include "tools/tune/bench.h"
#include "tools/tune/forked.h"
#include "tools/tune/unit.h"

namespace nasc {
namespace {
using Json = nlohmann::json;

constexpr double kBetter = 0.97; // of the default's time, at most, to replace it: noise picks nothing
constexpr double kNoWorse = 1.02; // on any number of threads
constexpr size_t kMostPool = 192 << 20;
constexpr double kTimeOut = 20; // seconds of a child; a kernel that long has no place in a search

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Effort {
  const char* step;
  CompareOptions compare;
};
constexpr Effort kSearch{"search", {.pairs = 9, .seconds = 0.06, .limit_seconds = 0.4}};
constexpr Effort kConfirm{"confirm", {.pairs = 25, .seconds = 0.25, .limit_seconds = 1.5}};

double score(const Trial& t) { // geometric mean over the numbers of threads
  double product = 1;
  for (double r : t.ratio)
    product *= r;
  return t.ratio.empty() ? INFINITY : std::pow(product, 1.0 / static_cast<double>(t.ratio.size()));
}
bool acceptable(const Trial& t) {
  return score(t) < kBetter && std::all_of(t.ratio.begin(), t.ratio.end(), [](double r) { return r < kNoWorse; });
}

struct Candidate {
  Unit unit;
  std::string key;
  std::vector<std::pair<double, size_t>> promising; // score, alternative
  size_t explored = 0, failed = 0;
  size_t chosen = 0;
  double default_us = 0, us = 0;
  std::unique_ptr<LoadedModule> usual; // with the analytic choice; loaded here once, run in children only
};

size_t weight_bytes(const Network& n) {
  size_t all = 0;
  for (const Buffer& b : n.buffers)
    if (b.role == Role::weight && b.alias_of < 0 && storage_bytes(b).is_constant())
      all += static_cast<size_t>(storage_bytes(b).constant());
  return all;
}

class Tuner {
public:
  Tuner(const Module& module, const ScheduleOptions& schedule, const TuneOptions& options, const TuneContext& context,
        const std::function<void(const TuneProgress&)>& progress)
      : module_(module), schedule_(schedule), options_(options), context_(context), progress_(progress),
        journal_(options.journal, context), begin_(now()) {
    schedule_.decide = {};
    if (!options.database.empty())
      database_ = std::make_shared<TuningDatabase>(options.database, context);
  }

  TuneResult run() {
    for (const char* kind : {"winograd", "tile"})
      tune_kind(kind);
    auto choices = std::make_shared<Choices>(choices_);
    result_.decide = [choices](const Decision& d) { return decided(*choices, d); };
    return std::move(result_);
  }

private:
  using Choices = std::map<std::string, std::string>; // kind and key, text of the alternative
  static size_t decided(const Choices& choices, const Decision& d) {
    auto it = choices.find(d.kind + decision_key(d));
    if (it == choices.end())
      return 0;
    for (size_t k = 0; k < d.alternatives.size(); ++k)
      if (d.alternatives[k].text == it->second)
        return k;
    return 0;
  }
  Decide so_far() const {
    return [this](const Decision& d) { return decided(choices_, d); };
  }

  void tune_kind(const std::string& kind) {
    std::vector<Candidate> open;
    for (Unit& u : find_units(module_, schedule_, kind, so_far())) {
      ++result_.units;
      Candidate c{std::move(u), "", {}, 0, 0, 0, 0, 0, nullptr};
      c.key = decision_key(c.unit.decision);
      if (!recorded(c))
        open.push_back(std::move(c));
    }
    if (open.empty())
      return;
    size_t pool = std::min(weight_bytes(module_.network), kMostPool), rounds = 0, total = 0;
    for (const Candidate& c : open) {
      pool = std::max(pool, 2 * weight_bytes(c.unit.base.network));
      rounds = std::max(rounds, c.unit.decision.alternatives.size());
      total += c.unit.decision.alternatives.size() - 1;
    }
    pool_ = std::make_unique<WeightPool>(2 * pool); // Winograd's weights are up to four times the given ones
    for (size_t round = 1; round < rounds; ++round)
      for (Candidate& c : open)
        if (round < c.unit.decision.alternatives.size() && !spent(0.8)) {
          try_alternative(c, round, kSearch);
          progress_({++done_, total, c.unit.decision.kernel, c.unit.decision.alternatives[round].text});
        }
    for (Candidate& c : open)
      finish(c);
    pool_.reset();
  }

  // Known from an earlier tuning that looked at everything.
  bool recorded(const Candidate& c) {
    if (!database_)
      return false;
    auto r = database_->find(c.unit.decision.kind, c.key);
    if (!r || r->explored + 1 < static_cast<int>(c.unit.decision.alternatives.size()))
      return false;
    choices_[c.unit.decision.kind + c.key] = r->choice;
    result_.remarks.push_back(text(c.unit.decision.kernel, ": ", r->choice, ", from the tuning database"));
    return true;
  }

  bool spent(double share) const {
    if (options_.trials > 0 && static_cast<int64_t>(result_.trials) >= options_.trials)
      return true;
    return options_.seconds > 0 && now() - begin_ > share * options_.seconds;
  }

  Trial try_alternative(Candidate& c, size_t k, const Effort& effort) {
    const Decision& d = c.unit.decision;
    const std::string& choice = d.alternatives[k].text;
    const Trial* known = journal_.find(effort.step, d.kind, c.key, choice);
    Trial t;
    if (known) {
      t = *known;
      ++result_.resumed;
    } else {
      t = measured(c, k, effort);
      journal_.add(t);
      ++result_.trials;
      result_.failed += !t.problem.empty();
    }
    if (std::string(effort.step) == kSearch.step) {
      ++c.explored;
      c.failed += !t.problem.empty();
      if (acceptable(t))
        c.promising.emplace_back(score(t), k);
    }
    return t;
  }

  Trial measured(Candidate& c, size_t k, const Effort& effort) {
    const Decision& d = c.unit.decision;
    Trial t{effort.step, d.kind, c.key, d.kernel, d.alternatives[k].text, "", {}, {}, {}};
    try {
      if (!c.usual)
        c.usual = std::make_unique<LoadedModule>(realised(c.unit, 0, schedule_, so_far()), *pool_);
    } catch (const UserError& e) {
      t.problem = "the default: " + e.line();
      return t;
    }
    Forked ran = run_forked(
        [&] {
          LoadedModule other(realised(c.unit, k, schedule_, so_far()), *pool_);
          Json out = Json::array();
          std::vector<int> teams = {1};
          if (context_.threads > 1)
            teams.push_back(context_.threads);
          for (int threads : teams) {
            Team team(threads);
            Comparison m = compare_times(*c.usual, other, team, effort.compare);
            out.push_back({m.first_us, m.second_us, m.ratio});
          }
          return out.dump();
        },
        kTimeOut);
    Json got = ran.ok ? Json::parse(ran.text, nullptr, false) : Json();
    if (!got.is_array()) {
      t.problem = ran.text.empty() ? "no answer" : ran.text;
      return t;
    }
    for (const Json& m : got) {
      t.default_us.push_back(m.at(0));
      t.us.push_back(m.at(1));
      t.ratio.push_back(m.at(2));
    }
    return t;
  }

  // The winner of the search must win again.
  void finish(Candidate& c) {
    const Decision& d = c.unit.decision;
    std::sort(c.promising.begin(), c.promising.end());
    constexpr size_t kChances = 2;
    for (size_t n = 0; n < std::min(kChances, c.promising.size()) && c.chosen == 0; ++n) {
      Trial again = try_alternative(c, c.promising[n].second, kConfirm);
      if (!acceptable(again))
        continue;
      c.chosen = c.promising[n].second;
      c.default_us = again.default_us[0];
      c.us = again.us[0];
    }
    c.usual.reset();
    const std::string& choice = d.alternatives[c.chosen].text;
    result_.improved += c.chosen != 0;
    choices_[d.kind + c.key] = choice;
    std::string gain = c.chosen ? fmt::format("; {:.2f}x of {}: {:.1f} us", c.default_us / c.us, d.alternatives[0].text, c.us)
                                : ", the default";
    std::string failed = c.failed ? text(", ", c.failed, " failed") : "";
    result_.remarks.push_back(text(d.kernel, ": ", choice, gain, " (", c.explored, " of ", d.alternatives.size() - 1,
                                   " alternatives measured", failed, ")"));
    if (database_ && c.explored > 0)
      database_->put(d.kind, c.key, d.kernel, {choice, c.default_us, c.us, static_cast<int>(c.explored)});
  }

  const Module& module_;
  ScheduleOptions schedule_;
  TuneOptions options_;
  TuneContext context_;
  std::function<void(const TuneProgress&)> progress_;
  TrialJournal journal_;
  std::shared_ptr<TuningDatabase> database_;
  std::unique_ptr<WeightPool> pool_;
  Choices choices_;
  TuneResult result_;
  size_t done_ = 0;
  double begin_;
};

} // namespace

std::string decision_key(const Decision& d) {
  std::string text = d.kind + "\n" + d.key;
  return fmt::format("{:016x}", hash_bytes(text.data(), text.size()));
}

void parse_tune(const std::string& given, TuneOptions& o) {
  o.on = true;
  if (given.empty())
    return;
  auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), o.trials);
  if (error == std::errc() && end == given.data() + given.size() && o.trials > 0)
    return;
  o.trials = 0;
  o.seconds = parse_seconds(given, "--tune");
  if (!(o.seconds > 0))
    throw UserError(code::usage, "--tune", "needs a number of trials, or a time such as 90s, 10m, 1h");
}

TuneResult tune(const Module& module, const ScheduleOptions& schedule, const TuneOptions& options,
                const TuneContext& context, const std::function<void(const TuneProgress&)>& progress) {
  return Tuner(module, schedule, options, context, progress).run();
}

Decide decide_by(const std::string& path, const TuneContext& context, std::shared_ptr<size_t> used) {
  auto database = std::make_shared<TuningDatabase>(path, context);
  return [database, used](const Decision& d) -> size_t {
    auto r = database->find(d.kind, decision_key(d));
    for (size_t k = 0; r && k < d.alternatives.size(); ++k)
      if (d.alternatives[k].text == r->choice) {
        ++*used;
        return k;
      }
    return 0;
  };
}

} // namespace nasc
