// The order judge by isl: deltas of scheduled dependences first, the witness only after a no.
#include "legality/order.h"

#include <map>

#include "legality/marked_loops.h"
#include "polyhedral/dependence.h"

namespace nasc {
namespace {
// { [d0, .., dn-1] : `condition` on d<level> }
isl::union_set at_level(unsigned n, unsigned level, const std::string& condition) {
  std::string tuple;
  for (unsigned i = 0; i < n; ++i)
    tuple += (i ? ", d" : "d") + std::to_string(i);
  return isl::union_set(isl_context(),
                        "{ [" + tuple + "] : d" + std::to_string(level) + condition + " }");
}

// Are all time distances lexicographically positive? Level by level: mostly few remain equal after
// the first.
bool all_positive(isl::union_set distances) {
  if (distances.is_empty())
    return true;
  unsigned n = sets(distances).front().tuple_dim();
  for (unsigned level = 0; level < n; ++level) {
    if (!distances.intersect(at_level(n, level, " < 0")).is_empty())
      return false;
    distances = distances.intersect(at_level(n, level, " = 0"));
    if (distances.is_empty())
      return true;
  }
  return false;
}

// { [0, .., 0, d] : d != 0 } with n zeros
isl::union_set only_last(int n) {
  std::string zeros;
  for (int i = 0; i < n; ++i)
    zeros += "0, ";
  return isl::union_set(isl_context(), "{ [" + zeros + "d] : d < 0 or d > 0 }");
}

// { [t0, .., tn-1, a] -> [t0, .., tn-1, b] : a != b }
isl::union_map differ_in_last(int n) {
  std::string outer;
  for (int i = 0; i < n; ++i)
    outer += "t" + std::to_string(i) + ", ";
  return isl::union_map(isl_context(), "{ [" + outer + "a] -> [" + outer + "b] : a < b or a > b }");
}

isl::union_set scheduled_deltas(const isl::union_map& pairs, const isl::union_map& time) {
  return pairs.apply_domain(time).apply_range(time).deltas();
}

// Two instances `S[0, 1]` and `T[2]` of a relation { S[i..] -> T[j..] } that is not empty.
Witness sample(const isl::union_map& pairs) {
  for (const isl::map& m : maps(pairs)) {
    if (m.is_empty())
      continue;
    std::string point = text(m.wrap().sample_point()); // [N = 3] -> { [S[0, 1] -> T[2]] }
    size_t open = point.rfind("{ [") + 3, arrow = point.find(" -> ", open),
           close = point.rfind("] }");
    return {point.substr(open, arrow - open), point.substr(arrow + 4, close - arrow - 4)};
  }
  NASC_CHECK(false) << "a violated dependence without a pair";
  return {};
}

// Plans for one Program are judged one after another: its dependences are kept while the thread
// works on few others.
Expected<Dependences> known_dependences(const Program& program) {
  constexpr size_t kKept = 32;
  thread_local std::map<std::string, Dependences> kept;
  std::string key = order_key(program);
  if (auto it = kept.find(key); it != kept.end())
    return it->second;
  Expected<Dependences> deps = dependences(program);
  if (!deps)
    return deps;
  if (kept.size() == kKept)
    kept.clear();
  kept.emplace(key, *deps);
  return deps;
}

Verdict check_total_order(const Dependences& deps, const isl::union_map& time) {
  isl::union_map ordered = deps.ordered();
  if (all_positive(scheduled_deltas(ordered, time)))
    return yes_verdict();
  Witness w = sample(ordered.intersect(lex_ge(time, time)));
  return order_violated(w.source, w.sink);
}

bool carries(const isl::union_map& pairs, const MarkedLoop& loop) {
  return !scheduled_deltas(pairs, loop.time).intersect(only_last(loop.depth)).is_empty();
}

Verdict check_loop(const Dependences& deps, const MarkedLoop& loop) {
  auto witness = [&](const isl::union_map& pairs) {
    isl::union_map spread =
        loop.time.apply_range(differ_in_last(loop.depth)).apply_range(loop.time.reverse());
    return sample(pairs.intersect(spread));
  };
  for (bool reduction : {false, true}) {
    if (reduction && loop.vector)
      continue; // one statement at a time over all lanes: those that meet are combined there
    isl::union_map pairs = reduction ? deps.reduction : deps.ordered();
    if (!carries(pairs, loop))
      continue;
    Witness w = witness(pairs);
    return loop_carried(loop.name, loop.vector, reduction, w.source, w.sink);
  }
  return yes_verdict();
}
// Every pair of instances that touch the same element in its order, no marked loop carrying any:
// the dependences have the same transitive closure, and cost several times as much to find. A no
// is worded from them.
bool keeps_conflicts(const Kernel& kernel) {
  Expected<isl::union_map> pairs = conflicts(kernel.program);
  if (!pairs)
    return false;
  isl::union_map all = pairs->unite(reduction_pairs(kernel.program));
  if (!all_positive(scheduled_deltas(*pairs, kernel.schedule.tree().map())))
    return false;
  for (const MarkedLoop& loop : marked_loops(kernel.schedule))
    if (carries(all, loop))
      return false;
  return true;
}
} // namespace

Verdict judge_order_by_isl(const Kernel& kernel) {
  Expected<Verdict> answer = with_quota(IslEntry::order, [&]() -> Expected<Verdict> {
    if (keeps_conflicts(kernel))
      return yes_verdict();
    Expected<Dependences> deps = known_dependences(kernel.program);
    if (!deps)
      return std::unexpected(deps.error());
    Verdict verdict = check_total_order(*deps, kernel.schedule.tree().map());
    if (!verdict.allowed())
      return verdict;
    for (const MarkedLoop& loop : marked_loops(kernel.schedule)) {
      verdict = check_loop(*deps, loop);
      if (!verdict.allowed())
        return verdict;
    }
    return verdict;
  });
  return answer ? *answer : gave_up("isl");
}

} // namespace nasc
