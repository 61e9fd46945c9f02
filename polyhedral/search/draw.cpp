// Sampling, mutation, neighbours, crossover, enumeration.
#include <algorithm>
#include <cmath>

#include "polyhedral/search/dna.h"

namespace nasc {
namespace {

double drawn_number(const Choice& c, Rng& rng) {
  if (c.pick == Pick::floatv)
    return from_unit(c, rng.uniform());
  if (c.scale == Scale::none || c.scale == Scale::linear)
    return c.low + static_cast<double>(rng.below(static_cast<uint64_t>(c.high - c.low) + 1));
  return from_unit(c, rng.uniform());
}

bool has_alternative(const SpaceNode& n) {
  if (n.is_range())
    return n.choice->low < n.choice->high;
  bool fixed = n.choice->pick == Pick::manyof && n.choice->distinct && n.choice->sorted &&
               n.choice->k == static_cast<int>(n.options.size());
  return n.is_subset() ? !n.options.empty() : n.options.size() > 1 && !fixed;
}

Decider drawing(const Space& space, Rng& rng) {
  return [&space, &rng](int id, std::vector<double>& out) { draw(space.nodes[id], rng, out); };
}

Dna with_subtree(const Dna& dna, const Site& site, const std::vector<double>& subtree) {
  Dna out;
  out.values.reserve(dna.values.size() + subtree.size());
  out.values.assign(dna.values.begin(), dna.values.begin() + static_cast<long>(site.at));
  out.values.insert(out.values.end(), subtree.begin(), subtree.end());
  out.values.insert(out.values.end(), dna.values.begin() + static_cast<long>(site.end),
                    dna.values.end());
  return out;
}

// The node's numbers as given, everything below anew.
std::vector<double> regrown(const Space& space, int id, const std::vector<double>& own, Rng& rng) {
  std::vector<double> out;
  bool root = true;
  walk_below(space, id, out, [&](int node, std::vector<double>& values) {
    if (root)
      values.insert(values.end(), own.begin(), own.end());
    else
      draw(space.nodes[node], rng, values);
    root = false;
  });
  return out;
}

// All values of the numbers of a node, in lexicographic order, one after `own`; false after the
// last.
bool next_numbers(const SpaceNode& n, std::vector<double>& own, int steps) {
  if (n.is_range()) {
    auto all = range_values(*n.choice, steps);
    auto at = std::upper_bound(all.begin(), all.end(), own[0]);
    return at != all.end() && (own[0] = *at, true);
  }
  std::vector<double> values(n.options.begin(), n.options.end());
  if (n.is_subset())
    values = {0, 1};
  auto used = [&](size_t upto, double v) {
    return std::find(own.begin(), own.begin() + static_cast<long>(upto), v) !=
           own.begin() + static_cast<long>(upto);
  };
  bool distinct = n.choice->distinct && !n.is_subset(), sorted = n.choice->sorted && !n.is_subset();
  for (size_t s = own.size(); s-- > 0;)
    for (double v : values) {
      if (v <= own[s] || (distinct && used(s, v)))
        continue;
      std::vector<double> next(own.begin(), own.begin() + static_cast<long>(s));
      next.push_back(v);
      std::swap(own, next);
      bool complete = true; // the smallest rest
      for (size_t r = s + 1; r < next.size() && complete; ++r) {
        complete = false;
        for (double w : values)
          if (!(distinct && used(r, w)) && !(sorted && w < own[r - 1])) {
            own.push_back(w), complete = true;
            break;
          }
      }
      if (complete)
        return true;
      std::swap(own, next);
    }
  return false;
}

void first_numbers(const SpaceNode& n, std::vector<double>& out, int steps) {
  if (n.is_range())
    return out.push_back(range_values(*n.choice, steps).front());
  for (size_t s = 0; s < n.arity(); ++s)
    out.push_back(n.is_subset() ? 0 : n.options[n.choice->distinct ? s : 0]);
}

} // namespace

double from_unit(const Choice& c, double u) {
  double x = c.low + u * (c.high - c.low);
  if (c.scale == Scale::log || c.scale == Scale::rlog) {
    double l = portable_log(c.low), h = portable_log(c.high);
    x = c.scale == Scale::log ? portable_exp(l + u * (h - l))
                              : c.low + c.high - portable_exp(h + u * (l - h));
  }
  x = std::clamp(x, c.low, c.high);
  return c.pick == Pick::intv ? std::nearbyint(x) : x;
}

double to_unit(const Choice& c, double x) {
  if (c.low == c.high)
    return 0;
  if (c.scale == Scale::none || c.scale == Scale::linear)
    return (x - c.low) / (c.high - c.low);
  double l = portable_log(c.low), h = portable_log(c.high);
  double y = c.scale == Scale::log ? x : c.low + c.high - x;
  double u = (portable_log(std::max(y, c.low)) - l) / (h - l);
  return c.scale == Scale::log ? u : 1 - u;
}

void draw(const SpaceNode& n, Rng& rng, std::vector<double>& out) {
  if (n.is_range()) {
    out.push_back(drawn_number(*n.choice, rng));
    return;
  }
  size_t start = out.size();
  std::vector<int> left = n.options;
  for (size_t s = 0; s < n.arity(); ++s) {
    if (n.is_subset()) {
      out.push_back(static_cast<double>(rng.below(2)));
      continue;
    }
    size_t i = rng.below(left.size());
    out.push_back(left[i]);
    if (n.choice->distinct)
      left.erase(left.begin() + static_cast<long>(i));
  }
  if (n.choice->sorted && !n.is_subset())
    std::sort(out.begin() + static_cast<long>(start), out.end());
}

std::vector<double> range_values(const Choice& c, int steps) {
  std::vector<double> out;
  if (c.pick == Pick::intv && c.high - c.low < steps)
    for (double x = c.low; x <= c.high; ++x)
      out.push_back(x);
  for (int i = 0; out.empty() || (i < steps && out.back() < c.high); ++i) {
    double x = from_unit(c, steps > 1 ? static_cast<double>(i) / (steps - 1) : 0.5);
    if (out.empty() || x > out.back())
      out.push_back(x);
  }
  return out;
}

Dna sampled(const Space& space, Rng& rng) { return walked(space, drawing(space, rng)); }

Dna mutated(const Space& space, const Dna& dna, Rng& rng) {
  std::vector<std::vector<Site>> groups(space.groups.size());
  for (const Site& s : sites(space, dna))
    if (has_alternative(space.nodes[s.node]))
      groups[static_cast<size_t>(space.nodes[s.node].group)].push_back(s);
  std::erase_if(groups, [](const auto& g) { return g.empty(); });
  if (groups.empty())
    return dna;
  const auto& group = groups[rng.below(groups.size())];
  const Site& site = group[rng.below(group.size())];
  const SpaceNode& n = space.nodes[site.node];
  std::vector<double> old(dna.values.begin() + static_cast<long>(site.at),
                          dna.values.begin() + static_cast<long>(site.at + n.arity()));
  std::vector<double> own;
  if (n.choice->pick == Pick::oneof) { // one of the others, uniformly
    std::vector<int> others = n.options;
    std::erase(others, static_cast<int>(old[0]));
    own.push_back(others[rng.below(others.size())]);
  } else {
    for (int tries = 0; tries < 64 && (own.empty() || own == old); ++tries)
      own.clear(), draw(n, rng, own);
  }
  return with_subtree(dna, site, regrown(space, site.node, own, rng));
}

std::vector<Dna> neighbours(const Space& space, const Dna& dna, Rng& rng, int steps) {
  std::vector<Dna> out;
  for (const Site& site : sites(space, dna)) {
    const SpaceNode& n = space.nodes[site.node];
    std::vector<double> old(dna.values.begin() + static_cast<long>(site.at),
                            dna.values.begin() + static_cast<long>(site.at + n.arity()));
    auto add = [&](const std::vector<double>& own) {
      out.push_back(with_subtree(dna, site, regrown(space, site.node, own, rng)));
    };
    if (n.is_range()) {
      auto all = range_values(*n.choice, steps);
      auto below_it = std::lower_bound(all.begin(), all.end(), old[0]);
      auto above = std::upper_bound(all.begin(), all.end(), old[0]);
      if (below_it != all.begin())
        add({*(below_it - 1)});
      if (above != all.end())
        add({*above});
      continue;
    }
    bool swaps = n.choice->distinct && !n.is_subset() && !n.choice->sorted;
    for (size_t s = 0; s < old.size(); ++s) {
      std::vector<int> values = n.is_subset() ? std::vector<int>{0, 1} : n.options;
      for (int v : values) {
        if (v == old[s])
          continue;
        std::vector<double> own = old;
        auto other = std::find(own.begin(), own.end(), v);
        if (swaps && other != own.end()) {
          if (static_cast<size_t>(other - own.begin()) < s)
            continue; // that exchange was already made
          *other = own[s];
        } else if (n.choice->distinct && !n.is_subset() && other != own.end()) {
          continue;
        }
        own[s] = v;
        if (n.choice->sorted && !n.is_subset())
          std::sort(own.begin(), own.end());
        add(own);
      }
    }
  }
  return out;
}

Dna crossed(const Space& space, const Dna& first, const Dna& second, Rng& rng) {
  std::vector<std::pair<const Dna*, size_t>> a(space.nodes.size()), b(a.size());
  for (const Site& s : sites(space, first))
    a[static_cast<size_t>(s.node)] = {&first, s.at};
  for (const Site& s : sites(space, second))
    b[static_cast<size_t>(s.node)] = {&second, s.at};
  return walked(space, [&](int id, std::vector<double>& out) {
    auto x = a[static_cast<size_t>(id)], y = b[static_cast<size_t>(id)];
    auto from = x.first && (!y.first || rng.below(2) == 0) ? x : y;
    if (!from.first)
      return draw(space.nodes[id], rng, out);
    auto at = from.first->values.begin() + static_cast<long>(from.second);
    out.insert(out.end(), at, at + static_cast<long>(space.nodes[id].arity()));
  });
}

Dna first_dna(const Space& space, int steps) {
  return walked(
      space, [&](int id, std::vector<double>& out) { first_numbers(space.nodes[id], out, steps); });
}

bool advance(const Space& space, Dna& dna, int steps) {
  std::vector<Site> active = sites(space, dna);
  for (size_t i = active.size(); i-- > 0;) {
    const SpaceNode& n = space.nodes[active[i].node];
    auto from = dna.values.begin() + static_cast<long>(active[i].at);
    std::vector<double> own(from, from + static_cast<long>(n.arity()));
    if (!next_numbers(n, own, steps))
      continue;
    // Sites before keep their numbers, this one has the next, those after their first.
    size_t at = 0;
    Dna next = walked(space, [&](int id, std::vector<double>& out) {
      if (at < i) {
        const Site& s = active[at];
        auto old = dna.values.begin() + static_cast<long>(s.at);
        out.insert(out.end(), old, old + static_cast<long>(space.nodes[id].arity()));
      } else if (at == i) {
        out.insert(out.end(), own.begin(), own.end());
      } else {
        first_numbers(space.nodes[id], out, steps);
      }
      ++at;
    });
    dna = std::move(next);
    return true;
  }
  return false;
}

} // namespace nasc
