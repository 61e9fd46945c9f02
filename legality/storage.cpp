// Lifetimes of folded elements: apart when outer loops separate them, else compared pair by pair.
#include "legality/storage.h"

#include <algorithm>

namespace nasc {
namespace {

struct Accesses {
  isl::union_map writes, all; // { S[i..] -> T[j..] }
};
Accesses accesses_of(const Program& p, const std::string& tensor) {
  isl::union_map none(isl_context(), "{ }");
  Accesses out{none, none};
  for (const Statement& s : p.statements) {
    auto relation = [&](const Access& a) {
      return isl::union_map(a.map.as_map().intersect_domain(s.domain));
    };
    if (s.write.tensor == tensor)
      out.writes = out.writes.unite(relation(s.write));
    for (const Access& r : s.reads)
      if (r.tensor == tensor)
        out.all = out.all.unite(relation(r));
  }
  out.all = out.all.unite(out.writes);
  return out;
}

// { T[i..] -> T[j..] : i != j, of one place }
isl::union_map other_elements(const Tensor& t) {
  isl::map place = layout_map(t).as_map().intersect_domain(extent_set(t));
  isl::map same = place.apply_range(place.reverse());
  return isl::union_map(same.subtract(extent_set(t).identity()));
}

// { [t0, .., tn-1] -> [t0, .., tk-1] }
isl::union_map leading(unsigned n, unsigned k) {
  std::string all, first;
  for (unsigned i = 0; i < n; ++i) {
    std::string name = (i ? ", t" : "t") + std::to_string(i);
    all += name;
    if (i < k)
      first += name;
  }
  return isl::union_map(isl_context(), "{ [" + all + "] -> [" + first + "] }");
}

// Every element lives within one iteration of some outer loops, and no two of one place in the
// same. Outermost loops first: what deeper ones look like mostly plays no part.
bool apart(const Accesses& a, const isl::union_map& others, const isl::union_map& time) {
  isl::union_map when = time.intersect_domain(a.all.domain());
  if (when.is_empty())
    return true;
  isl::union_map accessed = a.all.reverse();
  unsigned n = sets(when.range()).front().tuple_dim();
  for (unsigned k = 1; k <= n; ++k) {
    isl::union_map at =
        accessed.apply_range(when.apply_range(leading(n, k))); // { T[j..] -> [t0..] }
    if (!at.is_single_valued())
      return false;
    if (others.intersect(at.apply_range(at.reverse())).is_empty())
      return true;
  }
  return false;
}

// The write of one element of a place, and an access after it to another that was written before.
std::optional<Witness> overwritten(const Accesses& a, const isl::union_map& others,
                                   const isl::union_map& time) {
  isl::union_map before = lex_lt(time, time);
  isl::union_map place = a.writes.apply_range(others); // { S[i..] -> T[e..] }, S writes its place
  isl::union_map written = before.reverse().apply_range(a.writes); // { S -> T[e] }: e before S
  isl::union_map clobbered = place.intersect(written);
  isl::union_map pairs = clobbered.apply_range(a.all.reverse()).intersect(before);
  for (const isl::map& m : maps(pairs)) {
    if (m.is_empty())
      continue;
    std::string point = text(m.wrap().sample_point()); // { [S[0, 1] -> T[2]] }
    size_t open = point.rfind("{ [") + 3, arrow = point.find(" -> ", open),
           close = point.rfind("] }");
    return Witness{point.substr(open, arrow - open), point.substr(arrow + 4, close - arrow - 4)};
  }
  return std::nullopt;
}
} // namespace

bool folds(const Tensor& t) {
  if (t.role != Role::temp || !t.layout)
    return false;
  Extent places = storage_elements(t), elements = element_count(t);
  return places.is_constant() && (!elements.is_constant() || places.constant() < elements.constant());
}

Verdict judge_storage(const Kernel& kernel) {
  auto open = [&](const Tensor& t) { return folds(t) && !surely_apart(kernel, t); };
  const auto& tensors = kernel.program.tensors;
  if (std::none_of(tensors.begin(), tensors.end(), open))
    return yes_verdict();
  return judge_storage_by_isl(kernel);
}

Verdict judge_storage_by_isl(const Kernel& kernel) {
  const Program& p = kernel.program;
  Expected<Verdict> answer = with_quota(IslEntry::order, [&]() -> Expected<Verdict> {
    isl::union_map time = kernel.schedule.tree().map();
    for (const Tensor& t : p.tensors) {
      if (!folds(t))
        continue;
      Accesses accesses = accesses_of(p, t.name);
      isl::union_map others = other_elements(t);
      if (apart(accesses, others, time))
        continue;
      if (auto w = overwritten(accesses, others, time))
        return storage_overwritten(t.name, w->source, w->sink);
    }
    return yes_verdict();
  });
  return answer ? *answer : gave_up("isl");
}

Program unfolded(Program p) {
  for (Tensor& t : p.tensors)
    if (folds(t))
      t.layout.reset();
  return p;
}

Kernel textual_kernel(const Program& p) { return {unfolded(p), textual_schedule(p)}; }

} // namespace nasc
