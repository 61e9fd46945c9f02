// exact -- objectives and limits are sums over groups: a table of every alternative of every group,
// then the cheapest selections that meet the limits, best first, to be judged whole.
#include "polyhedral/search/knapsack.h"
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Exact final : Strategy {
  explicit Exact(const StrategyContext& c) : context(c) {}

  std::optional<Proposal> propose() override {
    if (!solved)
      solve();
    if (next == answers.size())
      return {};
    return Proposal{answers[next++], context.fidelities - 1};
  }
  void feedback(const Proposal&, const Outcome&) override {}

private:
  void solve() {
    solved = true;
    const Space& space = *context.space;
    size_t most = static_cast<size_t>(context.option("alternatives"));
    int steps = static_cast<int>(context.option("steps"));
    std::vector<std::vector<KnapsackItem>> table(space.groups.size());
    std::vector<std::vector<std::vector<double>>> values(space.groups.size());
    for (size_t g = 0; g < space.groups.size(); ++g) {
      Space one = space; // this group alone
      for (size_t other = 0; other < one.groups.size(); ++other)
        if (other != g)
          one.groups[other].roots.clear();
      Dna dna = first_dna(one, steps);
      size_t visited = 0;
      do {
        if (++visited > most)
          throw UserError(code::limit, "--strategy",
                          text("exact: ", space.groups[g].where, " has more than ", most,
                               " alternatives; raise alternatives or lower steps"));
        if (auto metrics = context.additive(g, dna.values)) {
          NASC_CHECK(metrics->size() == 1 + context.limits.size())
              << "metrics of " << space.groups[g].where;
          table[g].push_back({*metrics});
          values[g].push_back(dna.values);
        }
      } while (advance(one, dna, steps));
    }
    KnapsackResult result =
        solve_knapsack(table, context.limits, static_cast<size_t>(context.option("top")));
    for (const KnapsackPick& s : result.best) {
      Dna dna;
      for (size_t g = 0; g < s.pick.size(); ++g) {
        const auto& part = values[g][static_cast<size_t>(s.pick[g])];
        dna.values.insert(dna.values.end(), part.begin(), part.end());
      }
      answers.push_back(std::move(dna));
    }
  }

  StrategyContext context;
  bool solved = false;
  std::vector<Dna> answers;
  size_t next = 0;
};

const Registered<StrategyDef> exact_def{
    {.name = "exact",
     .doc = "sums over layers: the best selections by multiple-choice knapsack, then judged whole",
     .options = {{"top", 16, 1, 1e6, "selections proposed, best first"},
                 {"alternatives", 100000, 1, 1e7, "most per group"},
                 {"steps", 8, 1, 1e6, "values taken of a range"}},
     .needs_additive = true,
     .make = make_strategy<Exact>}};
} // namespace
} // namespace nasc
