// Memory conflicts between pairs of statements, and the ways in which a schedule can get them
// wrong.
#include "legality/conflict_cases.h"

#include <optional>

#include "ir/prefetch.h"
#include "legality/marked_loops.h"
#include "polyhedral/dependence.h"

namespace nasc {
namespace {
using Disjuncts = std::vector<Constraints>;

struct Touch {
  std::string tensor;
  bool write;
  int rank;
  Disjuncts relation; // over iterators, then indices
};
struct Part { // of a Program: one statement
  const Statement* statement;
  int depth;
  Disjuncts domain;
  std::vector<Touch> touches; // a combining read is covered by its write
};

Disjuncts disjuncts(const isl::set& set) {
  Disjuncts out;
  for (const isl::basic_set& b : basic_sets(set))
    out.push_back(constraints(b));
  return out;
}

Touch touch_of(const Access& access, bool write) {
  return {access.tensor, write, static_cast<int>(access.map.size()),
          disjuncts(access.map.as_map().wrap())};
}

std::vector<Part> parts_of(const Program& program) {
  std::vector<Part> out;
  for (const Statement& s : program.statements) {
    out.push_back({&s, dims(s.domain), disjuncts(s.domain), {touch_of(s.write, true)}});
    for (const Access& read : value_reads(s))
      out.back().touches.push_back(touch_of(read, false));
  }
  return out;
}

// { S[i..] -> [t..] } by statement, over iterators, then times.
struct Times {
  int depth = 0;
  std::map<std::string, Disjuncts> of;
};
Times times_of(const isl::union_map& time, int depth) {
  Times out{depth, {}};
  for (const isl::map& m : maps(time))
    out.of[domain_name(m)] = disjuncts(m.wrap());
  return out;
}

std::vector<int> range(int first, int count) {
  std::vector<int> out;
  for (int i = 0; i < count; ++i)
    out.push_back(first + i);
  return out;
}
std::vector<int> joined(std::vector<int> a, const std::vector<int>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

LinearForm difference(int a, int b, int64_t constant = 0) { // a - b + constant
  LinearForm f;
  f.add(a, 1);
  f.add(b, -1);
  f.constant = constant;
  return f;
}

// A system about a source instance i at time s and a sink instance j at time t.
struct Pair {
  IntegerSystem system;
  std::map<std::string, int> parameters;
  std::vector<int> i, j, s, t;

  std::vector<int> fresh(int count) { return range(system.add_variables(count), count); }
  int parameter(const std::string& name) {
    auto [it, added] = parameters.emplace(name, 0);
    if (added) {
      it->second = system.add_variables(1);
      LinearForm f;
      f.add(it->second, 1);
      system.at_least_zero(f);
    }
    return it->second;
  }
  void add(const Constraints& c, const std::vector<int>& dims) {
    std::vector<int> columns;
    for (const std::string& p : c.parameters)
      columns.push_back(parameter(p));
    columns = joined(joined(columns, dims), fresh(c.divs));
    auto form = [&](const std::vector<std::string>& row) {
      NASC_CHECK(row.size() == columns.size() + 1)
          << "row of " << row.size() << " for " << columns.size();
      LinearForm f;
      for (size_t k = 0; k < columns.size(); ++k)
        f.add(columns[k], number(row[k]));
      f.constant = number(row.back());
      return f;
    };
    for (const auto& row : c.equalities)
      system.equal_zero(form(row));
    for (const auto& row : c.inequalities)
      system.at_least_zero(form(row));
  }
  static int64_t number(const std::string& text) {
    if (text.size() > 18)
      throw IntegerOverflow();
    return std::stoll(text);
  }
};

class Cases {
public:
  Cases(const Kernel& kernel, const Decide& decide, bool prune)
      : parts_(parts_of(kernel.program)), decide_(decide), prune_(prune) {}

  std::optional<Verdict> wrong_order(const Times& times) {
    std::optional<Verdict> found;
    for (size_t a = 0; a < parts_.size() && !found; ++a)
      for (size_t b = a; b < parts_.size() && !found; ++b)
        if (!free_among_itself(a, b))
          found = conflicts(parts_[a], parts_[b], times, [&](const Pair& p) {
            return a == b ? each_textual_level(p, parts_[a])
                          : not_ordered(p, parts_[a], parts_[b]);
          });
    return found;
  }

  std::optional<Verdict> carried(const MarkedLoop& loop) {
    Times times = times_of(loop.time, loop.depth + 1);
    auto apart_at_loop = [&](const Part& a, const Part& b) {
      return conflicts(a, b, times, [&](const Pair& p) { return apart(p, a, b, loop); });
    };
    std::optional<Verdict> found;
    for (size_t a = 0; a < parts_.size() && !found; ++a)
      for (size_t b = a; b < parts_.size() && !found; ++b)
        if (!free_among_itself(a, b))
          found = apart_at_loop(parts_[a], parts_[b]);
    for (size_t a = 0; a < parts_.size() && !found; ++a)
      if (free_among_itself(a, a))
        found = apart_at_loop(parts_[a], parts_[a]);
    return found;
  }

private:
  bool free_among_itself(size_t a, size_t b) const {
    return a == b && is_order_free(*parts_[a].statement);
  }

  bool possible(Pair& p) const { return !prune_ || p.system.simplify(); }

  // f(pair) for each combination of disjuncts in which both touch one element and one writes; stops
  // at a verdict.
  std::optional<Verdict> conflicts(const Part& a, const Part& b, const Times& times,
                                   const std::function<std::optional<Verdict>(const Pair&)>& f) {
    auto time_a = times.of.find(a.statement->name), time_b = times.of.find(b.statement->name);
    if (time_a == times.of.end() || time_b == times.of.end())
      return std::nullopt;
    for (const Constraints& ta : time_a->second)
      for (const Constraints& tb : time_b->second)
        for (const Constraints& da : a.domain)
          for (const Constraints& db : b.domain) {
            Pair base;
            base.i = base.fresh(a.depth);
            base.j = base.fresh(b.depth);
            base.s = base.fresh(times.depth);
            base.t = base.fresh(times.depth);
            base.add(da, base.i);
            base.add(db, base.j);
            base.add(ta, joined(base.i, base.s));
            base.add(tb, joined(base.j, base.t));
            if (!possible(base))
              continue;
            if (auto verdict = on_elements(a, b, base, f))
              return verdict;
          }
    return std::nullopt;
  }

  std::optional<Verdict> on_elements(const Part& a, const Part& b, const Pair& base,
                                     const std::function<std::optional<Verdict>(const Pair&)>& f) {
    for (const Touch& x : a.touches)
      for (const Touch& y : b.touches) {
        if (x.tensor != y.tensor || !(x.write || y.write))
          continue;
        for (const Constraints& ex : x.relation)
          for (const Constraints& ey : y.relation) {
            Pair p = base;
            std::vector<int> element = p.fresh(x.rank);
            p.add(ex, joined(p.i, element));
            p.add(ey, joined(p.j, element));
            if (!possible(p))
              continue;
            if (auto verdict = f(p))
              return verdict;
          }
      }
    return std::nullopt;
  }

  std::optional<Verdict> each_textual_level(Pair p, const Part& part) {
    for (int l = 0; l < part.depth; ++l) {
      Pair strict = p;
      strict.system.at_least_zero(difference(p.j[l], p.i[l], -1));
      if (possible(strict))
        if (auto verdict = not_ordered(strict, part, part))
          return verdict;
      p.system.equal_zero(difference(p.i[l], p.j[l]));
      if (!possible(p))
        break;
    }
    return std::nullopt;
  }

  // Source time lexicographically >= sink time, one level after the other.
  std::optional<Verdict> not_ordered(Pair p, const Part& a, const Part& b) {
    auto verdict = [&](const Witness& w) { return order_violated(w.source, w.sink); };
    for (size_t l = 0; l < p.s.size(); ++l) {
      Pair later = p;
      later.system.at_least_zero(difference(p.s[l], p.t[l], -1));
      if (auto found = ask(later, a, b, verdict))
        return found;
      p.system.equal_zero(difference(p.s[l], p.t[l]));
      if (!possible(p))
        return std::nullopt;
    }
    return ask(p, a, b, verdict);
  }

  // Equal times but for the last, which differs.
  std::optional<Verdict> apart(Pair p, const Part& a, const Part& b, const MarkedLoop& loop) {
    bool reduction = &a == &b && is_order_free(*a.statement);
    if (reduction && loop.vector)
      return std::nullopt; // lanes that meet are combined
    auto verdict = [&](const Witness& w) {
      return loop_carried(loop.name, loop.vector, reduction, w.source, w.sink);
    };
    for (int l = 0; l < loop.depth; ++l)
      p.system.equal_zero(difference(p.s[l], p.t[l]));
    if (!possible(p))
      return std::nullopt;
    Pair forward = p;
    forward.system.at_least_zero(difference(p.t[loop.depth], p.s[loop.depth], -1));
    if (auto found = ask(forward, a, b, verdict))
      return found;
    if (&a == &b)
      return std::nullopt; // the same pairs the other way round
    p.system.at_least_zero(difference(p.s[loop.depth], p.t[loop.depth], -1));
    return ask(p, a, b, verdict);
  }

  std::optional<Verdict> ask(const Pair& p, const Part& a, const Part& b,
                             const std::function<Verdict(const Witness&)>& verdict) {
    IntegerAnswer answer = decide_(p.system);
    if (answer.emptiness == Emptiness::empty)
      return std::nullopt;
    if (answer.emptiness == Emptiness::gave_up)
      return gave_up("PPL");
    return verdict({instance(a, p.i, answer.point), instance(b, p.j, answer.point)});
  }

  static std::string instance(const Part& part, const std::vector<int>& at,
                              const std::vector<int64_t>& point) {
    std::string out = part.statement->name + "[";
    for (size_t k = 0; k < at.size(); ++k)
      out += (k ? ", " : "") + std::to_string(point[at[k]]);
    return out + "]";
  }

  std::vector<Part> parts_;
  const Decide& decide_;
  bool prune_;
};
} // namespace

Verdict judge_cases(const Kernel& kernel, const Decide& decide, bool prune) {
  Cases cases(kernel, decide, prune);
  isl::union_map time = kernel.schedule.tree().map();
  int depth = 0;
  for (const isl::map& m : maps(time))
    depth = m.range_tuple_dim();
  if (auto wrong = cases.wrong_order(times_of(time, depth)))
    return *wrong;
  for (const MarkedLoop& loop : marked_loops(kernel.schedule))
    if (auto wrong = cases.carried(loop))
      return *wrong;
  return yes_verdict();
}

} // namespace nasc
