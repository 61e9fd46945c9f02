// Space, free checks in the search loop, then the stages that cost.
#include "tools/neural/neural_search.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ir/hash.h"
#include "polyhedral/search/builtin.h"
#include "tools/neural/stages.h"
#include "tools/search/layers.h"

namespace nasc {
namespace {

using Forms = std::shared_ptr<const Expected<CandidateForms>>;

constexpr double kTableShare = 0.4;   // of the time that is left, for the table of sensitivities
constexpr double kJudgesShare = 0.85; // for the judges, where their finalists are measured then

SearchBudget split(const SearchBudget& whole) {
  constexpr double kFreeShare = 0.4;      // of the time, for proposals and free checks
  constexpr size_t kCandidates = 1000;    // when only a time is given, as the paper
  SearchBudget out = whole;
  out.seconds *= kFreeShare;
  if (out.candidates == 0)
    out.candidates = kCandidates;
  return out;
}

// Evaluators of the free stage: what the forms say.
struct Free {
  FormTable& table;
  const NeuralOptions& options;
  bool capacity;

  Forms forms(Candidate& c) const {
    if (!c.work.has_value())
      c.work = Forms(std::make_shared<Expected<CandidateForms>>(table.candidate(c.decoded.steps)));
    return std::any_cast<Forms>(c.work);
  }
  std::string key(Candidate& c) const {
    Forms f = forms(c);
    return *f ? fmt::format("{:016x}", (*f)->key) : "refused " + c.key;
  }
  Evaluation counts(Candidate& c) const {
    Forms f = forms(c);
    Evaluation out;
    if (!*f) {
      out.rejected = f->error().code + ": " + f->error().text;
      return out;
    }
    const CandidateForms &o = table.original(), &n = **f;
    auto ratio = [](int64_t a, int64_t b) { return b ? static_cast<double>(a) / static_cast<double>(b) : 1; };
    out.metrics = {{"macs", {static_cast<double>(n.macs), 0}},
                   {"params", {static_cast<double>(n.parameters), 0}},
                   {"macs_ratio", {ratio(n.macs, o.macs), 0}},
                   {"params_ratio", {ratio(n.parameters, o.parameters), 0}}};
    if (n.changed.empty() || n.key == o.key)
      out.rejected = "unchanged: the original network";
    else if (capacity)
      out.rejected = below_floor(n, o, table.layers(), options.judges);
    return out;
  }
  Evaluation time(Candidate& c) const {
    Evaluation out;
    out.metrics = {{"predicted_ms", {(*forms(c))->ms, 0}}};
    return out;
  }
};

bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// What candidates are made of: the layers, what the space offers them, and what is known without running anything.
struct Ground {
  LayerTable layers;
  FormTable table;
  Space space;
  Free free;

  Ground(const Network& network, const Target& target, const NeuralOptions& options, const std::string& model)
      : layers(network), table(layers, target, has_word(options.legality, "capacity") ? options.judges.layer_floor : 0),
        free{table, options, has_word(options.legality, "capacity")} {
    if (layers.layers.empty())
      throw UserError(code::unsupported_op, model, "has no convolution that neural steps could rewrite");
    space = bound_space(load_space(options.space), space_layers(network, target.lanes(4)));
    prune(space, table, [&](const CandidateForms& c) {
      return !free.capacity || below_floor(c, table.original(), layers, options.judges, true).empty();
    });
  }
  Ground(const Ground&) = delete;

  Candidate journalled(const std::string& journal, size_t number, const char* flag) const {
    std::vector<Candidate> all = read_journal(space, journal);
    if (number > all.size())
      throw UserError(code::usage, flag, text(journal, " has ", all.size(), " candidates"));
    return all[number - 1];
  }
};

PlanLayers by_layer(const LayerTable& layers, const std::vector<Step>& plan) {
  PlanLayers out;
  for (const Step& s : plan) {
    size_t layer = layers.index(std::get<std::string>(s.args.at("layer")));
    if (out.empty() || out.back().first != layer)
      out.push_back({layer, {}});
    out.back().second.push_back(s);
  }
  return out;
}

// For `exact`: predicted time, what the judges weigh, MACs and parameters that a group's choice changes, as shares of what may
// be lost. Only options that were measured, and keeping everything.
struct Additive {
  static constexpr double kGrain = 200; // of a limit: nearly equal sums are equal
  FormTable& table;
  Sensitivities* sensitivities; // nullptr: no judge weighs sums
  std::vector<double> limits;
  size_t estimated = 0;

  Additive(FormTable& t, Sensitivities* s, double most_lost) : table(t), sensitivities(s) {
    if (s)
      for (const JudgedSum& sum : s->sums())
        limits.push_back(std::max(-sum.least, 0.05));
    estimated = limits.size();
    limits.insert(limits.end(), 2, most_lost);
  }
  std::optional<std::vector<double>> operator()(const std::vector<LayerSteps>& steps) const {
    Expected<CandidateForms> c = table.candidate(steps);
    const CandidateForms& o = table.original();
    if (!c)
      return {};
    std::vector<double> out = {c->ms - o.ms};
    if (sensitivities) {
      std::vector<LayerOption> options = sensitivities->options(steps);
      for (const LayerOption& option : options)
        if (!sensitivities->measured(option))
          return {};
      for (double value : sensitivities->predict(options).value)
        out.push_back(std::max(0.0, -value));
    }
    auto lost = [](int64_t before, int64_t after) { return static_cast<double>(before - after) / static_cast<double>(before); };
    out.push_back(lost(o.macs, c->macs)), out.push_back(lost(o.parameters, c->parameters));
    for (size_t j = 0; j < limits.size(); ++j)
      out[1 + j] = std::round(out[1 + j] / limits[j] * kGrain) * limits[j] / kGrain;
    return out;
  }
};

// Only time is measured: another objective decides by itself.
bool about_time(const Objective& objective) {
  std::vector<std::string> all = metrics_of(Objective{{objective.terms.at(0)}, {}});
  return objective.terms.size() == 1 && !objective.terms[0].maximise && all == std::vector<std::string>{"predicted_ms"};
}

void measure_finalists(NeuralSearch& out, Judging& judging, const NeuralOptions& options, NeuralStageCount& count,
                       const StageClock& clock, const std::function<void(const NeuralProgress&)>& progress) {
  double begin = clock.seconds();
  std::vector<std::vector<Step>> plans;
  std::vector<Finalist*> of;
  for (Finalist& f : out.finalists)
    if (f.judged.allowed)
      plans.push_back(out.forms[f.candidate].plan), of.push_back(&f);
  double left = clock.limit > 0 ? clock.limit - begin : 0;
  if (plans.empty() || left < 0)
    return;
  plans.emplace_back(), of.push_back(nullptr);
  progress({0, plans.size(), "measures the accepted candidates"});
  std::string key = "measured" + (options.schedules.empty() ? "" : " " + options.schedules);
  for (const std::vector<Step>& plan : plans)
    for (const Step& step : plan)
      key += ";" + text(step);
  std::vector<double> ms = judging.remembered(key, [&] { return options.measure(plans, left); });
  for (size_t k = 0; k < ms.size(); ++k) {
    (of[k] ? of[k]->measured_ms : out.original_ms) = ms[k];
    count.judged += of[k] && ms[k] > 0;
  }
  count.seconds = clock.seconds() - begin;
}

} // namespace

std::string default_journal(const std::string& stem, uint64_t model_hash, const NeuralOptions& o) {
  std::string all = text(model_hash, "|", o.space, "|", o.strategy, "|", o.objective, "|", o.legality, "|", o.data, "|", o.seed);
  return fmt::format("{}.{:016x}.journal", stem, hash_bytes(all.data(), all.size()));
}

NeuralSearch search_neural(const Network& network, const std::string& model, const ImportOptions& import,
                           const Target& target, const NeuralOptions& options,
                           const std::function<void(const NeuralProgress&)>& progress) {
  auto start = std::chrono::steady_clock::now();
  SearchBudget budget = parse_budget(options.budget);
  StageClock clock{[start] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); },
                   budget.seconds};
  parse_legality(options.legality);
  Ground ground(network, target, options, model);
  LayerTable& layers = ground.layers;
  FormTable& table = ground.table;
  Space& space = ground.space;
  Free& free = ground.free;

  NeuralSearch out;
  out.layers = layers.layers, out.original = table.original();
  out.owner = table.owner();
  out.space = options.space, out.space_size = space.size();
  EvaluatorContext context;
  context.services["static"] = [&](Candidate& c, const EvaluationBudget&) { return free.counts(c); };
  context.services["model"] = [&](Candidate& c, const EvaluationBudget&) { return free.time(c); };
  Cascade cascade({make_evaluator("static", context), make_evaluator("model", context)}, parse_objective(options.objective));

  if (options.candidate > 0) {
    Candidate c = ground.journalled(options.journal, options.candidate, "--candidate");
    Forms forms = free.forms(c);
    if (!*forms)
      throw UserError(code::bad_plan, options.journal, forms->error().code + ": " + forms->error().text);
    out.plan = (*forms)->plan, out.plan_layers = by_layer(layers, out.plan);
    return out;
  }

  JudgingOptions how{options.legality, options.data, options.batch, options.seed,
                     options.journal.empty() ? "" : options.journal + ".verdicts", options.judges, options.threads};
  Judging judging(model, import, how);
  out.data_source = judging.data_source(), out.real_data = judging.real_data();
  int evaluations = options.evaluations;
  Sensitivities sensitivities(table, judging);
  if (!judging.sums().empty()) {
    NeuralStageCount count{"sensitivity", 0, 0, 0, 0, {}};
    std::string key = text("table of ", space.hash(), " ", options.evaluations);
    bool known = judging.remembers(key); // then the clock has spoken
    double entries = known ? judging.remembered(key, {})[0] : HUGE_VAL;
    fill_sensitivities(sensitivities, space, out, entries, evaluations * 2 / 5, judging.threads(),
                       known ? clock.share(1e9) : clock.share(kTableShare), count, progress);
    judging.remembered(key, [&] { return std::vector<double>{static_cast<double>(count.judged)}; });
    evaluations -= count.evaluations;
    out.stages.push_back(count);
  }

  SearchSetup setup;
  setup.space = &space, setup.cascade = &cascade;
  setup.strategy = parse_strategy(options.strategy);
  setup.budget = split(budget);
  setup.seed = options.seed, setup.model_hash = network.model_hash;
  setup.journal = options.journal;
  setup.canonical = [&](Candidate& c) { return free.key(c); };
  Additive additive(table, judging.sums().empty() ? nullptr : &sensitivities, 1 - (free.capacity ? options.judges.network_floor : 0));
  setup.additive = [&](size_t group, const std::vector<double>& values) {
    return additive(decode_group(space, group, values).steps);
  };
  setup.limits = additive.limits, setup.estimated = additive.estimated;
  double best = 0;
  setup.progress = [&](const Candidate& c, bool) {
    Forms f = std::any_cast<Forms>(c.work);
    out.forms.push_back(*f ? **f : CandidateForms{});
    if (c.status == CandidateStatus::ok && (best == 0 || (*f)->ms < best))
      best = (*f)->ms;
    if (c.number % 50 == 0)
      progress({c.number, setup.budget.candidates,
                fmt::format("free checks, best {:.3f} of {:.3f} ms predicted", best, out.original.ms)});
  };
  double begin = clock.seconds();
  out.search = run_search(setup);
  NeuralStageCount free_count{"free checks", out.search.judged.size(), 0, 0, clock.seconds() - begin, {}};
  std::vector<size_t> survivors;
  for (size_t k = 0; k < out.search.judged.size(); ++k) {
    const Candidate& c = out.search.judged[k];
    if (c.status == CandidateStatus::ok) {
      survivors.push_back(k);
      continue;
    }
    ++free_count.rejected;
    ++free_count.reasons[c.why.substr(0, c.why.find(": "))];
  }
  out.stages.push_back(free_count);
  std::stable_sort(survivors.begin(), survivors.end(), [&](size_t a, size_t b) {
    return better(cascade.outcome_of(out.search.judged[a]), cascade.outcome_of(out.search.judged[b]));
  });

  NeuralStageCount screened{"screen", 0, 0, 0, 0, {}}, judged{"judges", 0, 0, 0, 0, {}}, measured{"measure", 0, 0, 0, 0, {}};
  std::vector<Survivor> left = screen(survivors, out, sensitivities, screened);
  const bool measures = options.measure && about_time(cascade.objective);
  out.finalists = judge_survivors(left, out, judging, options, evaluations, measures ? clock.share(kJudgesShare) : clock, judged,
                                  progress);
  if (measures)
    measure_finalists(out, judging, options, measured, clock, progress);
  out.stages.insert(out.stages.end(), {screened, judged, measured});
  choose_winner(out, [&](size_t a, size_t b) {
    auto value = [&](size_t k) { return cascade.outcome_of(out.search.judged[out.finalists[k].candidate]); };
    return better(value(a), value(b));
  });
  out.ended = clock.over() ? "time" : out.search.ended;
  if (out.winner) {
    out.plan = out.forms[out.finalists[*out.winner].candidate].plan;
    out.plan_layers = by_layer(layers, out.plan);
  }
  out.seconds = clock.seconds();
  return out;
}

std::string explained_candidate(const Network& network, const Target& target, const NeuralOptions& options) {
  Ground ground(network, target, options, options.journal);
  Candidate c = ground.journalled(options.journal, options.explain, "--explain");
  Forms forms = ground.free.forms(c);
  if (!*forms)
    return candidate_text(c, {}, {}, nullptr);
  PlanLayers steps = by_layer(ground.layers, (*forms)->plan);
  std::optional<Judged> judged = remembered_verdicts(options.journal + ".verdicts", (*forms)->plan);
  return candidate_text(c, steps, ground.layers.layers, judged ? &*judged : nullptr);
}

} // namespace nasc
