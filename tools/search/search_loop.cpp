// A resumed search runs from its start; what the journal knows is not judged again.
#include "tools/search/search_loop.h"

#include <charconv>
#include <unordered_map>

#include "polyhedral/search/pareto.h"

namespace nasc {
namespace {
// A strategy that has proposed this many known points in a row has nothing new.
constexpr size_t kMostRepeats = 20'000;

std::string memo_key(const Candidate& c) { return text(c.fidelity, "|", c.key); }

SearchJournalHeader header_of(const SearchSetup& s) {
  std::string stages;
  for (const Evaluator& e : s.cascade->stages)
    stages += (stages.empty() ? "" : ",") + e.name;
  return {s.space->hash(), s.model_hash, s.seed, text(s.strategy), text(s.cascade->objective),
          stages};
}

void choose_best(const SearchSetup& s, SearchResult& result) {
  std::vector<Outcome> outcomes;
  for (const Candidate& c : result.judged)
    outcomes.push_back(c.fidelity == s.fidelities - 1 ? s.cascade->outcome_of(c) : Outcome{});
  for (size_t i = 0; i < outcomes.size(); ++i)
    if (outcomes[i].usable() && (!result.best || better(outcomes[i], outcomes[*result.best])))
      result.best = i;
  result.front = pareto_front(outcomes);
}
} // namespace

SearchBudget parse_budget(const std::string& given) {
  SearchBudget out;
  std::string rest = given;
  while (!rest.empty()) {
    std::string item = rest.substr(0, rest.find(','));
    rest = item.size() == rest.size() ? "" : rest.substr(item.size() + 1);
    double value = 0;
    auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), value);
    std::string unit = item.substr(static_cast<size_t>(end - item.data()));
    static const std::map<std::string, double> kUnits = {{"s", 1}, {"m", 60}, {"h", 3600}};
    auto seconds = kUnits.find(unit);
    bool whole = unit.empty() && value >= 1 && value < 1e9 &&
                 value == static_cast<double>(static_cast<size_t>(value));
    if (error != std::errc() || !(value > 0) || value > 1e9 || (!whole && seconds == kUnits.end()))
      throw UserError(code::usage, "--budget",
                      text("\"", escaped(item),
                           "\" is neither a time (300s, 5m, 2h) nor a number of candidates"));
    if (whole)
      out.candidates = static_cast<size_t>(value);
    else
      out.seconds = value * seconds->second;
  }
  if (out.candidates == 0 && out.seconds == 0)
    throw UserError(code::usage, "--budget", "needs a time or a number of candidates");
  return out;
}

SearchResult run_search(const SearchSetup& s) {
  std::unique_ptr<SearchJournal> journal;
  if (!s.journal.empty())
    journal = std::make_unique<SearchJournal>(s.journal, header_of(s), *s.space);
  StrategyContext context;
  context.space = s.space, context.seed = s.seed, context.fidelities = s.fidelities;
  context.objectives = s.cascade->objective.terms.size();
  context.additive = s.additive, context.limits = s.limits;
  context.estimated = s.estimated;
  std::unique_ptr<Strategy> strategy = make(s.strategy, context);

  SearchResult out;
  std::unordered_map<std::string, size_t> judged;
  double seconds = 0;
  size_t repeats = 0;
  auto spent = [&] {
    return (s.budget.candidates && out.judged.size() >= s.budget.candidates) ||
           (s.budget.seconds > 0 && seconds >= s.budget.seconds);
  };
  while (true) {
    std::optional<Proposal> p;
    if (spent())
      out.ended = "budget";
    else if (s.stop && s.stop())
      out.ended = "stopped";
    else if (repeats >= kMostRepeats || !(p = strategy->propose()))
      out.ended = "exhausted";
    if (!out.ended.empty())
      break;
    ++out.proposals;
    Candidate c = make_candidate(*s.space, p->dna, p->fidelity);
    if (s.canonical)
      c.key = s.canonical(c);
    std::string key = memo_key(c);
    if (auto before = judged.find(key); before != judged.end()) {
      ++out.repeated, ++repeats;
      strategy->feedback(*p, s.cascade->outcome_of(out.judged[before->second]));
      continue;
    }
    repeats = 0;
    bool replayed = journal && out.judged.size() < journal->found().size();
    c.number = out.judged.size() + 1;
    if (replayed) {
      Candidate there = journal->found()[out.judged.size()];
      if (s.canonical)
        there.key = s.canonical(there);
      if (memo_key(there) != key)
        throw UserError(code::bad_file, s.journal,
                        text("candidate ", c.number, " is not what this version of nasc proposes"));
      c = there;
      s.cascade->count_replayed(c);
      ++out.replayed;
    } else {
      if (s.prepare)
        s.prepare(c);
      s.cascade->judge(c, {c.fidelity, s.fidelities, s.seed});
      if (journal)
        journal->add(c);
    }
    seconds += c.seconds;
    strategy->feedback(*p, s.cascade->outcome_of(c));
    if (s.progress)
      s.progress(c, replayed);
    judged.emplace(key, out.judged.size());
    c.work.reset(); // what evaluators shared is no longer needed
    out.judged.push_back(std::move(c));
  }
  choose_best(s, out);
  return out;
}

} // namespace nasc
