// Schedules for the tests of legality: given bands, and random ones.
#include <algorithm>
#include <numeric>

#include "test/unit/legality/programs.h"

namespace nasc::testing {
namespace {
std::string tuple(const Statement& s) {
  std::string out = s.name + "[";
  for (size_t k = 0; k < s.iterators.size(); ++k)
    out += (k ? ", " : "") + s.iterators[k];
  return out + "]";
}

// The leaf below a new marked band; expressions[k] belongs to statements[k].
isl::schedule_node with_band(isl::schedule_node leaf, const Program& p,
                             const std::vector<int>& statements, const std::string& mark,
                             const std::vector<std::string>& expressions) {
  std::string pieces;
  for (size_t k = 0; k < statements.size(); ++k)
    pieces +=
        (k ? "; " : "") + tuple(p.statements[statements[k]]) + " -> [(" + expressions[k] + ")]";
  isl::multi_union_pw_aff band(isl_context(), "[{ " + pieces + " }]");
  return insert_mark(leaf.insert_partial_schedule(band), mark).child(0);
}

isl::schedule_node up_to(const isl::schedule_node& node, unsigned depth) {
  return node.ancestor(static_cast<int>(node.tree_depth() - depth));
}

// A sequence of groups; f(leaf, k) fills the k-th. Returns the sequence node.
template <class F>
isl::schedule_node with_sequence(isl::schedule_node leaf, const Program& p,
                                 const std::vector<std::vector<int>>& groups, F f) {
  isl::union_set_list filters(isl_context(), static_cast<int>(groups.size()));
  for (const auto& group : groups) {
    isl::union_set filter(isl_context(), "{ }");
    for (int s : group)
      filter = filter.unite(isl::union_set(isl_context(), "{ " + tuple(p.statements[s]) + " }"));
    filters = filters.add(filter);
  }
  isl::schedule_node node = leaf.insert_sequence(filters);
  unsigned depth = node.tree_depth();
  for (size_t k = 0; k < groups.size(); ++k)
    node = up_to(f(node.child(static_cast<int>(k)).child(0), k), depth);
  return node;
}

struct Random {
  const Program& program;
  std::mt19937& rng;
  double wildness;
  std::vector<std::vector<std::string>> items; // per statement: what is still to be scheduled
  int loops = 0;

  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(rng) < p; }
  int below(size_t n) { return std::uniform_int_distribution<>(0, static_cast<int>(n) - 1)(rng); }

  std::string mark() {
    std::string out = "l" + std::to_string(loops++);
    if (chance(0.12))
      out += " parallel";
    else if (chance(0.06))
      out += " vectorize";
    else if (chance(0.1))
      out += " unroll";
    return out;
  }

  // Departures from the plain expression of one statement.
  std::string bent(int s, std::string e) {
    const auto& names = program.statements[s].iterators;
    if (chance(0.10 * wildness))
      e = "-(" + e + ")";
    if (chance(0.15 * wildness))
      e = "(" + e + ") + " + std::to_string(below(3) - 1);
    if (chance(0.12 * wildness))
      e = "(" + e + ") + " + names[below(names.size())];
    return e;
  }

  isl::schedule_node single(isl::schedule_node leaf, int s) {
    auto& list = items[s];
    if (chance(0.5))
      std::shuffle(list.begin(), list.end(), rng);
    while (!list.empty()) {
      std::string e = list.front();
      list.erase(list.begin());
      if (e.find_first_of(" (") == std::string::npos && chance(0.25)) {
        list.insert(list.begin() + below(list.size() + 1), chance(0.5) ? e + " mod 2" : e);
        e = "floor((" + e + ")/2)";
      }
      leaf = with_band(leaf, program, {s}, mark(), {bent(s, e)});
    }
    return leaf;
  }

  isl::schedule_node group(isl::schedule_node leaf, const std::vector<int>& statements) {
    if (statements.size() == 1)
      return single(leaf, statements.front());
    if (chance(0.6))
      return group(shared(leaf, statements), statements);
    std::vector<int> order = statements;
    if (chance(0.2 * wildness))
      std::shuffle(order.begin(), order.end(), rng);
    size_t cut = 1 + below(order.size() - 1);
    std::vector<std::vector<int>> groups = {{order.begin(), order.begin() + cut},
                                            {order.begin() + cut, order.end()}};
    return with_sequence(leaf, program, groups,
                         [&](isl::schedule_node n, size_t k) { return group(n, groups[k]); });
  }

  // One band over several statements, mostly of the same position among what is left.
  isl::schedule_node shared(isl::schedule_node leaf, const std::vector<int>& statements) {
    size_t widest = 0;
    for (int s : statements)
      widest = std::max(widest, items[s].size());
    if (widest == 0)
      return leaf;
    size_t fewest = widest;
    for (int s : statements)
      fewest = std::min(fewest, items[s].size());
    int common = chance(1 - 0.2 * wildness) && fewest > 0 ? below(fewest) : below(widest);
    bool tile = chance(0.25);
    std::vector<std::string> expressions;
    for (int s : statements) {
      auto& list = items[s];
      int k = chance(0.1 * wildness) && !list.empty() ? below(list.size()) : common;
      if (k >= static_cast<int>(list.size())) {
        expressions.push_back(std::to_string(below(2) * below(4)));
        continue;
      }
      std::string e = list[k];
      list.erase(list.begin() + k);
      if (tile && e.find_first_of(" (") == std::string::npos) {
        list.insert(list.begin() + k, e + " mod 2");
        e = "floor((" + e + ")/2)";
      }
      expressions.push_back(bent(s, e));
    }
    return with_band(leaf, program, statements, mark(), expressions);
  }
};

Kernel kernel_of(const Program& p, const isl::schedule_node& node) {
  return {p, Schedule{node.root().schedule()}};
}
} // namespace

Kernel scheduled(const Program& p, const std::vector<Band>& shared, const std::vector<int>& order,
                 const std::vector<std::vector<Band>>& own) {
  std::vector<int> all(p.statements.size());
  std::iota(all.begin(), all.end(), 0);
  isl::schedule_node leaf = isl::schedule_node::from_domain(p.domain()).child(0);
  for (const auto& [mark, expressions] : shared)
    leaf = with_band(leaf, p, all, mark, expressions);
  auto fill = [&](isl::schedule_node n, int s) {
    for (const auto& [mark, expressions] : own[s])
      n = with_band(n, p, {s}, mark, expressions);
    return n;
  };
  if (order.size() == 1)
    return kernel_of(p, fill(leaf, order[0]));
  std::vector<std::vector<int>> groups;
  for (int s : order)
    groups.push_back({s});
  return kernel_of(p, with_sequence(leaf, p, groups, [&](isl::schedule_node n, size_t k) {
                     return fill(n, order[k]);
                   }));
}

Kernel in_textual_order(const Program& p) {
  std::vector<int> order(p.statements.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::vector<Band>> own;
  for (const Statement& s : p.statements) {
    own.emplace_back();
    for (const std::string& i : s.iterators)
      own.back().push_back({i, {i}});
  }
  return scheduled(p, {}, order, own);
}

Kernel random_kernel(const Program& p, std::mt19937& rng, double wildness) {
  Random random{p, rng, wildness, {}};
  std::vector<int> all(p.statements.size());
  std::iota(all.begin(), all.end(), 0);
  for (const Statement& s : p.statements)
    random.items.push_back(s.iterators);
  isl::schedule_node leaf = isl::schedule_node::from_domain(p.domain()).child(0);
  return kernel_of(p, random.group(leaf, all));
}

} // namespace nasc::testing
