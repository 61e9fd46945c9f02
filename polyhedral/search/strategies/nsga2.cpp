// nsga2 -- generations: parents by rank and crowding, crossover and mutation, the best of parents
// and children survive. Source   Deb et al., A Fast and Elitist Multiobjective Genetic Algorithm:
// NSGA-II.
#include <algorithm>
#include <set>

#include "polyhedral/search/pareto.h"

namespace nasc {
namespace {
struct Nsga2 final : Strategy {
  explicit Nsga2(const StrategyContext& c)
      : context(c), rng(c.seed), size(static_cast<size_t>(c.option("pop"))) {}

  std::optional<Proposal> propose() override {
    if (parents.empty())
      return Proposal{fresh([&] { return sampled(*context.space, rng); }), context.fidelities - 1};
    return Proposal{fresh([&] { return child(); }), context.fidelities - 1};
  }

  void feedback(const Proposal& proposal, const Outcome& outcome) override {
    pool.push_back({proposal, outcome});
    if (pool.size() < (parents.empty() ? size : 2 * size))
      return;
    select();
  }

private:
  // A point that was not proposed before, as far as some tries can tell.
  template <class Make> Dna fresh(const Make& make) {
    Dna dna = make();
    for (int tries = 0; tries < 20 && seen.contains(dna.values); ++tries)
      dna = tries < 10 ? make() : mutated(*context.space, dna, rng);
    seen.insert(dna.values);
    return dna;
  }

  const Told& parent() {
    size_t a = rng.below(parents.size()), b = rng.below(parents.size());
    bool first = rank[a] != rank[b] ? rank[a] < rank[b] : distance[a] >= distance[b];
    return parents[first ? a : b];
  }

  Dna child() {
    const Told& mother = parent();
    const Told& father = parent();
    Dna dna = rng.uniform() < context.option("cross")
                  ? crossed(*context.space, mother.proposal.dna, father.proposal.dna, rng)
                  : mother.proposal.dna;
    bool same = dna == mother.proposal.dna || dna == father.proposal.dna;
    if (same || rng.uniform() < context.option("mutate"))
      dna = mutated(*context.space, dna, rng);
    return dna;
  }

  void select() {
    std::vector<Outcome> all;
    for (const Told& t : pool)
      all.push_back(t.outcome);
    std::vector<int> ranks = pareto_ranks(all);
    std::vector<double> spread(all.size());
    for (int r = 0; r <= *std::max_element(ranks.begin(), ranks.end()); ++r) {
      std::vector<size_t> members;
      for (size_t i = 0; i < all.size(); ++i)
        if (ranks[i] == r)
          members.push_back(i);
      std::vector<double> d = crowding(all, members);
      for (size_t i = 0; i < members.size(); ++i)
        spread[members[i]] = d[i];
    }
    std::vector<size_t> order(all.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return ranks[a] != ranks[b] ? ranks[a] < ranks[b] : spread[a] > spread[b];
    });
    order.resize(std::min(order.size(), size));
    std::vector<Told> survivors;
    rank.clear(), distance.clear();
    for (size_t i : order) {
      survivors.push_back(pool[i]);
      rank.push_back(ranks[i]), distance.push_back(spread[i]);
    }
    parents = pool = std::move(survivors); // the next generation competes with its parents
  }

  StrategyContext context;
  Rng rng;
  size_t size;
  std::vector<Told> parents, pool;
  std::vector<int> rank;
  std::vector<double> distance;
  std::set<std::vector<double>> seen;
};

const Registered<StrategyDef> nsga2_def{
    {.name = "nsga2",
     .doc = "several objectives: genetic search by non-domination and crowding",
     .options = {{"pop", 20, 2, 1e6, "members of the population"},
                 {"cross", 0.9, 0, 1, "probability of crossover"},
                 {"mutate", 0.5, 0, 1, "probability of mutation after crossover"}},
     .multi_objective = true,
     .make = make_strategy<Nsga2>}};
} // namespace
} // namespace nasc
