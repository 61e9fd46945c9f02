// exact -- objectives and limits are sums over groups: a table of every alternative of every group,
// then the cheapest selections that meet the limits, best first, to be judged whole. Where limits
// are estimates, selections with a few groups drawn anew follow without end: the sums are not the
// truth.
#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "polyhedral/search/knapsack.h"
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
constexpr double kFarthest = 2;  // times an estimated limit
constexpr uint64_t kRedrawn = 3; // groups on average

// work(k) for k in [0, n), side by side; the first exception is thrown again here.
void in_threads(size_t n, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::exception_ptr error;
  std::mutex mutex;
  auto serve = [&] {
    try {
      for (size_t k; (k = next++) < n;)
        work(k);
    } catch (...) {
      std::lock_guard hold(mutex);
      error = std::current_exception();
    }
  };
  std::vector<std::thread> team;
  for (size_t t = 1; t < std::min<size_t>(n, std::thread::hardware_concurrency()); ++t)
    team.emplace_back(serve);
  serve();
  for (std::thread& t : team)
    t.join();
  if (error)
    std::rethrow_exception(error);
}

struct Exact final : Strategy {
  explicit Exact(const StrategyContext& c) : context(c), rng(c.seed) {}

  std::optional<Proposal> propose() override {
    if (!solved)
      solve();
    if (next < answers.size())
      return Proposal{answers[next++], context.fidelities - 1};
    if (context.estimated == 0 || answers.empty())
      return {};
    return Proposal{near_answer(), context.fidelities - 1};
  }
  void feedback(const Proposal&, const Outcome&) override {}

private:
  Dna near_answer() {
    Dna dna;
    const std::vector<int>& pick = picks[rng.below(picks.size())];
    for (size_t g = 0; g < values.size(); ++g) {
      bool anew = rng.below(values.size()) < kRedrawn;
      const auto& part =
          values[g][anew ? rng.below(values[g].size()) : static_cast<size_t>(pick[g])];
      dna.values.insert(dna.values.end(), part.begin(), part.end());
    }
    return dna;
  }

  void solve() {
    solved = true;
    const Space& space = *context.space;
    size_t most = static_cast<size_t>(context.option("alternatives"));
    int steps = static_cast<int>(context.option("steps"));
    std::vector<std::vector<KnapsackItem>> table(space.groups.size());
    values.resize(space.groups.size());
    for (size_t g = 0; g < space.groups.size(); ++g) {
      Space one = alone(space, g);
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
    propose_from(table);
  }

  // By turns from all limits, so that few proposals are spread as well as many.
  void propose_from(const std::vector<std::vector<KnapsackItem>>& table) {
    size_t levels = context.estimated ? static_cast<size_t>(context.option("levels")) : 1;
    auto top = static_cast<size_t>(context.option("top"));
    if (context.estimated)
      top = (top + levels - 1) / levels;
    auto most = static_cast<size_t>(context.option("states"));
    std::vector<KnapsackResult> found(levels);
    in_threads(levels, [&](size_t level) {
      std::vector<double> limits = context.limits;
      for (size_t j = 0; j < context.estimated; ++j)
        limits[j] *= kFarthest * static_cast<double>(levels - level) / static_cast<double>(levels);
      found[level] = solve_knapsack(table, limits, top, most);
    });
    std::set<std::vector<double>> known;
    for (size_t k = 0; k < top; ++k)
      for (const KnapsackResult& result : found) {
        if (k >= result.best.size())
          continue;
        Dna dna;
        for (size_t g = 0; g < table.size(); ++g) {
          const auto& part = values[g][static_cast<size_t>(result.best[k].pick[g])];
          dna.values.insert(dna.values.end(), part.begin(), part.end());
        }
        if (known.insert(dna.values).second)
          answers.push_back(std::move(dna)), picks.push_back(result.best[k].pick);
      }
  }

  StrategyContext context;
  Rng rng;
  bool solved = false;
  std::vector<std::vector<std::vector<double>>> values; // by group and alternative
  std::vector<Dna> answers;
  std::vector<std::vector<int>> picks; // by answer
  size_t next = 0;
};

const Registered<StrategyDef> exact_def{
    {.name = "exact",
     .doc = "sums over layers: the best selections by multiple-choice knapsack, then judged whole",
     .options = {{"top", 1200, 1, 1e6, "selections proposed, best first"},
                 {"levels", 40, 1, 1000, "multiples of estimated limits, up to twice them"},
                 {"states", 2000, 1, 1e6, "partial selections kept; exact when none was dropped"},
                 {"alternatives", 100000, 1, 1e7, "most per group"},
                 {"steps", 8, 1, 1e6, "values taken of a range"}},
     .needs_additive = true,
     .make = make_strategy<Exact>}};
} // namespace
} // namespace nasc
