// Scores judged; one line per answer in a file.
#include "tools/neural/judging.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/neural_scores.h"
#include "tools/search/synced_lines.h"
#include "tools/workers.h"

namespace nasc {
namespace {
using nlohmann::json;
constexpr int kMostThreads = 8; // each has the activations of a network

std::string plan_text(const std::vector<Step>& plan) {
  std::string out;
  for (const Step& s : plan)
    out += text(s) + ";";
  return out;
}

json measure_json(const Measure& m) {
  auto number = [](double x) { return std::isfinite(x) ? json(x) : json(nullptr); };
  return json::array({m.name, number(m.value), number(m.error)});
}
Measure measure_of(const json& j) {
  auto number = [](const json& x) { return x.is_number() ? x.get<double>() : HUGE_VAL; };
  return {j.at(0).get<std::string>(), number(j.at(1)), number(j.at(2))};
}

json judged_json(const Judged& j) {
  json out{{"allowed", j.allowed}, {"evaluations", j.evaluations}, {"verdicts", json::array()}, {"fisher", json::array()}};
  for (const NamedVerdict& v : j.verdicts) {
    json measures = json::array();
    for (const Measure& m : v.verdict.measures)
      measures.push_back(measure_json(m));
    out["verdicts"].push_back({{"judge", v.judge},
                               {"answer", static_cast<int>(v.verdict.answer)},
                               {"reason", v.verdict.reason},
                               {"text", v.verdict.text},
                               {"measures", measures}});
  }
  for (const auto& [name, m] : j.fisher)
    out["fisher"].push_back(measure_json({name, m.value, m.error}));
  return out;
}
Judged judged_of(const json& j) {
  Judged out;
  out.allowed = j.at("allowed"), out.evaluations = j.at("evaluations"), out.remembered = true;
  for (const json& v : j.at("verdicts")) {
    NamedVerdict n{v.at("judge"), {}};
    n.verdict.answer = static_cast<Verdict::Answer>(v.at("answer").get<int>());
    n.verdict.reason = v.at("reason"), n.verdict.text = v.at("text");
    for (const json& m : v.at("measures"))
      n.verdict.measures.push_back(measure_of(m));
    out.verdicts.push_back(std::move(n));
  }
  for (const json& m : j.at("fisher")) {
    Measure x = measure_of(m);
    out.fisher[x.name] = x;
  }
  return out;
}

// By key.
std::map<std::string, json> answers(const Lines& lines, const std::string& file) {
  std::map<std::string, json> out;
  for (const std::string& line : lines.complete) {
    if (line.empty())
      continue;
    json j = json::parse(line, nullptr, false);
    if (!j.is_object() || !j.contains("key") || !j.contains("answer"))
      throw UserError(code::bad_file, file, "no verdicts of nasc");
    out[j["key"].get<std::string>()] = j["answer"];
  }
  return out;
}
const char kJudgeKey[] = "judge|";
} // namespace

std::string refusal_text(const Judged& j) {
  for (const NamedVerdict& v : j.verdicts)
    if (!v.verdict.allowed())
      return v.judge + ": " + v.verdict.reason + (v.verdict.text.empty() ? "" : ", " + v.verdict.text);
  return "";
}

std::optional<Judged> remembered_verdicts(const std::string& file, const std::vector<Step>& plan) {
  std::ifstream in(file, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(in), {}}, end = "|" + (kJudgeKey + plan_text(plan));
  for (const auto& [key, answer] : answers(complete_lines(all), file))
    if (key.ends_with(end))
      return judged_of(answer);
  return {};
}

namespace {
// The statistic of a judge on one seed, or of the agreement of trained networks; what its verdict says of it, and the least
// that it allows.
struct Statistic {
  const char* judge;
  double (*value)(SeededScores& original, SeededScores& candidate, int seed);
  double (*judged)(const std::vector<Measure>& measures);
  double (*least)(const JudgeOptions& options, double batch);
  double (*agreed)(const Agreement& a) = nullptr; // in place of value
};
double log_total(SeededScores& o, SeededScores& c, int seed) { return std::log(c.at(seed).total() / o.at(seed).total()); }
// Of classes that agree; one image more than none, to have a logarithm.
double log_agreement(double images, double same) { return std::log((same + 1) / (images + 1)); }
// What the judge `output` demands, its error bar included.
double least_agreement(const JudgeOptions& j, double batch) {
  double images = batch * (j.max_seeds - j.max_seeds / 3), least = j.agreement;
  for (int k = 0; k < 8; ++k)
    least = j.agreement + agreement_error(least, images);
  return std::log(least);
}
double first_measure(const std::vector<Measure>& m) { return m[0].value; }
const Statistic kStatistics[] = {
    {"naswot", [](SeededScores& o, SeededScores& c, int seed) { return c.at(seed).naswot - o.at(seed).naswot; }, first_measure,
     [](const JudgeOptions& j, double batch) { return -j.naswot_drop * batch; }},
    {"fisher", log_total, first_measure, [](const JudgeOptions& j, double) { return std::log(j.tau); }},
    {"fisher:median", median_log_ratio, first_measure, [](const JudgeOptions& j, double) { return std::log(j.median_tau); }},
    {"fisher:paper", log_total, [](const std::vector<Measure>& m) { return std::log(m[0].value / m[1].value); },
     [](const JudgeOptions&, double) { return 0.0; }},
    {"output", nullptr, [](const std::vector<Measure>& m) { return std::log(std::max(m[0].value, 1e-3)); }, least_agreement,
     [](const Agreement& a) { return log_agreement(static_cast<double>(a.images), static_cast<double>(a.same_class)); }}};
} // namespace

struct Judging::Impl {
  JudgingOptions options;
  std::vector<const Statistic*> statistics;
  std::vector<JudgedSum> sums; // as statistics
  std::vector<const Judge*> judges;
  std::unique_ptr<NeuralScores> scores;
  std::unique_ptr<SyncedLines> file;
  std::map<std::string, json> known;
  std::string source, prefix; // prefix of keys: what answers depend on besides the plan
  int evaluations = 0, threads = 1;
  std::unique_ptr<Workers> workers; // made when they are needed

  ScoringTeam team(const std::function<bool()>& stop) {
    ScoringTeam out{{}, stop};
    if (threads > 1)
      out.each = [this](size_t n, const std::function<void(size_t)>& work) {
        if (!workers)
          workers = std::make_unique<Workers>(threads);
        workers->run(n, work, [](size_t) {});
      };
    return out;
  }

  Expected<std::unique_ptr<SeededScores>> candidate(const std::vector<Step>& plan) {
    try {
      return scores->candidate(plan);
    } catch (const UserError& error) {
      return refuse("not-scored", error.what());
    }
  }

  void read_file() {
    if (options.file.empty())
      return;
    file = std::make_unique<SyncedLines>(options.file);
    Lines lines = complete_lines(file->read());
    file->cut(lines.bytes);
    known = answers(lines, options.file);
  }
  void remember(const std::string& key, const json& answer) {
    known[key] = answer;
    if (file)
      file->add(json{{"key", key}, {"answer", answer}}.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  // Layers by name, over the seeds that a verdict looked at.
  std::map<std::string, Measure> by_layer(SeededScores& candidate, int seeds) {
    std::map<std::string, Measure> out;
    SeededScores& original = scores->original();
    const auto &before = original.network().layers(), &after = candidate.network().layers();
    for (size_t a = 0; a < after.size(); ++a)
      for (size_t b = 0; b < before.size(); ++b) {
        if (before[b].name != after[a].name)
          continue;
        std::vector<double> logs;
        for (int s = 0; s < seeds; ++s)
          logs.push_back(std::log(candidate.at(s).fisher[a] / original.at(s).fisher[b]));
        Paired p = paired(logs);
        out[after[a].name] = {after[a].name, p.mean, p.margin()};
      }
    return out;
  }
};

Judging::Judging(const std::string& model, const ImportOptions& import, const JudgingOptions& options)
    : impl_(std::make_unique<Impl>()) {
  Impl& i = *impl_;
  i.options = options;
  i.judges = parse_legality(options.legality);
  int processors = static_cast<int>(std::thread::hardware_concurrency());
  i.threads = std::clamp(options.threads > 0 ? options.threads : processors, 1, kMostThreads);
  NeuralScoresOptions how{.batch = static_cast<int>(options.batch), .minibatches = options.judges.max_seeds, .data = options.data,
                          .seed = options.seed + 1, .with_jacobian = false, .import = import};
  how.import.report = nullptr, how.import.warnings = nullptr;
  for (const Judge* j : i.judges)
    how.with_jacobian |= std::string(j->name) == "jacov";
  i.scores = std::make_unique<NeuralScores>(model, how);
  for (const Statistic& s : kStatistics)
    if ((!s.agreed || i.scores->original().data().real()) && std::any_of(i.judges.begin(), i.judges.end(), [&](const Judge* j) { return std::string(s.judge) == j->name; })) {
      i.statistics.push_back(&s);
      i.sums.push_back({s.judge, s.least(options.judges, static_cast<double>(options.batch))});
    }
  i.source = i.scores->original().data().minibatches.at(0).source;
  i.prefix = text(options.legality, "|", i.source, "|", options.batch, "|", options.seed, "|", options.judges.max_seeds, "|");
  i.read_file();
}
Judging::~Judging() = default;

Expected<Judged> Judging::judge(const std::vector<Step>& plan, const std::function<bool()>& stop) {
  Impl& i = *impl_;
  std::string key = i.prefix + kJudgeKey + plan_text(plan);
  if (auto found = i.known.find(key); found != i.known.end())
    return judged_of(found->second);
  auto scores = i.candidate(plan);
  if (!scores)
    return std::unexpected(scores.error());
  NetworkPair pair{i.scores->original(), **scores, i.options.judges, [&] { return i.scores->agreement(plan); },
                   i.team(stop)};
  Subject subject;
  subject.networks = &pair;
  Judged out;
  out.verdicts = judge_all(i.judges, subject);
  out.allowed = nasc::allowed(out.verdicts);
  out.evaluations = (*scores)->evaluations();
  i.evaluations += out.evaluations;
  out.out_of_time = out.verdicts.back().verdict.reason == kOutOfTime;
  if (out.out_of_time)
    return out;
  if (out.evaluations > 0)
    out.fisher = i.by_layer(**scores, out.evaluations);
  i.remember(key, judged_json(out));
  return out;
}

std::optional<std::vector<Judging::Sensitivity>> Judging::sensitivity(const std::vector<std::vector<Step>>& plans, int seeds,
                                                                      const std::function<bool()>& stop) {
  Impl& i = *impl_;
  auto key = [&](const std::vector<Step>& plan) { return i.prefix + text("sensitivity|", seeds, "|") + plan_text(plan); };
  struct Entry {
    bool known = false;
    Expected<std::unique_ptr<SeededScores>> scores = nullptr;
    std::optional<Agreement> agreement;
  };
  std::vector<Entry> made; // in this thread, as isl is asked
  std::vector<SeededScores*> scored;
  auto is_seeded = [](const Statistic* s) { return !s->agreed; };
  const bool seeded = std::any_of(i.statistics.begin(), i.statistics.end(), is_seeded);
  const bool agreed = !std::all_of(i.statistics.begin(), i.statistics.end(), is_seeded);
  for (const std::vector<Step>& plan : plans) {
    Entry& e = made.emplace_back();
    if ((e.known = i.known.count(key(plan)) > 0))
      continue;
    if (seeded)
      e.scores = i.candidate(plan);
    if (agreed && e.scores) {
      if (stop && stop())
        return {};
      e.agreement = i.scores->agreement(plan, false);
      if (!e.agreement)
        e.scores = refuse("not-scored", "its outputs cannot be compared with the original's");
    }
    if (seeded && e.scores)
      scored.push_back(e.scores->get());
  }
  if (!scored.empty())
    scored.push_back(&i.scores->original());
  if (!score_seeds(scored, 0, seeds, i.team(stop)))
    return {};
  std::vector<Sensitivity> out;
  for (size_t k = 0; k < plans.size(); ++k) {
    Entry& e = made[k];
    if (!e.scores) {
      out.push_back(std::unexpected(e.scores.error()));
      continue;
    }
    if (!e.known) {
      json lines = json::array();
      for (const Statistic* s : i.statistics) {
        std::vector<double> values;
        for (int seed = 0; seed < (s->agreed ? 1 : seeds); ++seed)
          values.push_back(s->agreed ? s->agreed(*e.agreement) : s->value(i.scores->original(), **e.scores, seed));
        Paired p = paired(values);
        lines.push_back(measure_json({s->judge, p.mean, p.deviation / std::sqrt(static_cast<double>(values.size()))}));
      }
      i.evaluations += seeds;
      i.remember(key(plans[k]), lines);
    }
    std::vector<Measure> measures;
    for (const json& m : i.known.at(key(plans[k])))
      measures.push_back(measure_of(m));
    out.push_back(std::move(measures));
  }
  return out;
}

std::vector<double> Judging::remembered(const std::string& what, const std::function<std::vector<double>()>& make) {
  std::string key = impl_->prefix + what;
  if (auto found = impl_->known.find(key); found != impl_->known.end())
    return found->second.get<std::vector<double>>();
  std::vector<double> out = make();
  impl_->remember(key, out);
  return out;
}
bool Judging::remembers(const std::string& what) const { return impl_->known.count(impl_->prefix + what) > 0; }

const std::vector<JudgedSum>& Judging::sums() const { return impl_->sums; }

std::vector<std::optional<double>> Judging::values(const Judged& judged) const {
  std::vector<std::optional<double>> out;
  for (const Statistic* s : impl_->statistics) {
    out.emplace_back();
    for (const NamedVerdict& v : judged.verdicts)
      if (v.judge == s->judge && v.verdict.measures.size() >= 2)
        out.back() = s->judged(v.verdict.measures);
  }
  return out;
}

const std::string& Judging::data_source() const { return impl_->source; }
bool Judging::real_data() const { return impl_->scores->original().data().real(); }
int Judging::threads() const { return impl_->threads; }
int Judging::evaluations() const { return impl_->evaluations; }

} // namespace nasc
