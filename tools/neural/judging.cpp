// Scores judged; one line per answer in a file.
#include "tools/neural/judging.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/neural_scores.h"

namespace nasc {
namespace {
using nlohmann::json;

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
} // namespace

std::string refusal_text(const Judged& j) {
  for (const NamedVerdict& v : j.verdicts)
    if (!v.verdict.allowed())
      return v.judge + ": " + v.verdict.reason + (v.verdict.text.empty() ? "" : ", " + v.verdict.text);
  return "";
}

struct Judging::Impl {
  JudgingOptions options;
  std::vector<const Judge*> judges;
  std::unique_ptr<NeuralScores> scores;
  std::map<std::string, json> known;
  std::string source, prefix; // prefix of keys: what answers depend on besides the plan
  int evaluations = 0;

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
    std::ifstream in(options.file);
    for (std::string line; std::getline(in, line);) {
      json j = json::parse(line, nullptr, false); // a torn line is no answer
      if (j.is_object() && j.contains("key") && j.contains("answer"))
        known[j["key"].get<std::string>()] = j["answer"];
    }
  }
  void remember(const std::string& key, const json& answer) {
    known[key] = answer;
    if (options.file.empty())
      return;
    std::ofstream out(options.file, std::ios::app);
    // After a torn line the first newline ends it.
    out << "\n" + json{{"key", key}, {"answer", answer}}.dump(-1, ' ', false, json::error_handler_t::replace) << std::flush;
    if (!out)
      throw UserError(code::io_error, options.file, "cannot be written");
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
  NeuralScoresOptions how{.batch = static_cast<int>(options.batch), .minibatches = options.judges.max_seeds, .data = options.data,
                          .seed = options.seed + 1, .with_jacobian = false, .import = import};
  how.import.report = nullptr, how.import.warnings = nullptr;
  for (const Judge* j : i.judges)
    how.with_jacobian |= std::string(j->name) == "jacov";
  i.scores = std::make_unique<NeuralScores>(model, how);
  i.source = i.scores->original().data().minibatches.at(0).source;
  i.prefix = text(options.legality, "|", i.source, "|", options.batch, "|", options.seed, "|", options.judges.max_seeds, "|");
  i.read_file();
}
Judging::~Judging() = default;

Expected<Judged> Judging::judge(const std::vector<Step>& plan) {
  Impl& i = *impl_;
  std::string key = i.prefix + "judge|" + plan_text(plan);
  if (auto found = i.known.find(key); found != i.known.end())
    return judged_of(found->second);
  auto scores = i.candidate(plan);
  if (!scores)
    return std::unexpected(scores.error());
  NetworkPair pair{i.scores->original(), **scores, i.options.judges, [&] { return i.scores->agreement(plan); }};
  Subject subject;
  subject.networks = &pair;
  Judged out;
  out.verdicts = judge_all(i.judges, subject);
  out.allowed = nasc::allowed(out.verdicts);
  out.evaluations = (*scores)->evaluations();
  i.evaluations += out.evaluations;
  if (out.evaluations > 0)
    out.fisher = i.by_layer(**scores, out.evaluations);
  i.remember(key, judged_json(out));
  return out;
}

Expected<Measure> Judging::sensitivity(const std::vector<Step>& plan, int seeds) {
  Impl& i = *impl_;
  std::string key = i.prefix + text("sensitivity|", seeds, "|") + plan_text(plan);
  if (auto found = i.known.find(key); found != i.known.end())
    return measure_of(found->second);
  auto scores = i.candidate(plan);
  if (!scores)
    return std::unexpected(scores.error());
  std::vector<double> logs;
  for (int s = 0; s < seeds; ++s)
    logs.push_back(std::log((*scores)->at(s).total() / i.scores->original().at(s).total()));
  i.evaluations += seeds;
  Paired p = paired(logs);
  Measure out{"log fisher ratio", p.mean, p.deviation / std::sqrt(static_cast<double>(seeds))};
  i.remember(key, measure_json(out));
  return out;
}

const std::string& Judging::data_source() const { return impl_->source; }
bool Judging::real_data() const { return impl_->scores->original().data().real(); }
int Judging::evaluations() const { return impl_->evaluations; }

} // namespace nasc
