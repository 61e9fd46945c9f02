// Dependences by isl's dataflow analysis.
#include "polyhedral/dependence.h"

#include <algorithm>

#include "ir/prefetch.h"

namespace nasc {
namespace {
isl::union_map none() { return isl::union_map(isl_context(), "{ }"); }

// { S[i..] -> T[j..] } of one statement, restricted to tensors that the Program writes.
struct Accesses {
  isl::union_map write = none();
  isl::union_map reads = none(); // the combining read included
};
Accesses accesses_of(const Program& program, const Statement& s) {
  auto written = [&](const Access& a) {
    return std::any_of(program.statements.begin(), program.statements.end(),
                       [&](const Statement& other) { return other.write.tensor == a.tensor; });
  };
  auto relation = [&](const Access& a) {
    return isl::union_map(a.map.as_map().intersect_domain(s.domain));
  };
  Accesses out{relation(s.write), none()};
  if (s.is_reduction())
    out.reads = out.write;
  for (const Access& read : value_reads(s))
    if (written(read))
      out.reads = out.reads.unite(relation(read));
  return out;
}

// What one group of sinks sees. The instances of an order-free statement are a group of their own,
// which does not see itself: isl would spend nearly all its time on pairs that are then dropped.
struct Group {
  isl::union_map sink_reads = none(), sink_writes = none();
  isl::union_map assigned = none(); // the sink writes that do not read: flow covers combining ones
  isl::union_map ending = none();   // writes that end the life of the previous value
  isl::union_map adding = none();   // writes by order-free statements
  isl::union_map reads = none();

  void add_sink(const Statement& s, const Accesses& a) {
    sink_reads = sink_reads.unite(a.reads);
    sink_writes = sink_writes.unite(a.write);
    if (!s.is_reduction())
      assigned = assigned.unite(a.write);
  }
  void add_source(const Statement& s, const Accesses& a) {
    isl::union_map& kind = is_order_free(s) ? adding : ending;
    kind = kind.unite(a.write);
    reads = reads.unite(a.reads);
  }
};

std::vector<Group> groups_of(const Program& program) {
  std::vector<Accesses> accesses;
  for (const Statement& s : program.statements)
    accesses.push_back(accesses_of(program, s));
  std::vector<Group> out(1); // the first is of all statements whose own order counts
  for (size_t k = 0; k < accesses.size(); ++k) {
    const Statement& sink = program.statements[k];
    if (is_order_free(sink))
      out.emplace_back();
    (is_order_free(sink) ? out.back() : out.front()).add_sink(sink, accesses[k]);
    for (size_t other = 0; other < accesses.size(); ++other) {
      if (is_order_free(sink) && other != k)
        out.back().add_source(program.statements[other], accesses[other]);
    }
    out.front().add_source(sink, accesses[k]);
  }
  return out;
}

isl::union_access_info access(const isl::union_map& sink, const isl::union_map& order) {
  return isl::union_access_info(sink).set_schedule_map(order);
}

} // namespace

isl::union_map reduction_pairs(const Program& program) {
  isl::union_map out = none();
  for (const Statement& s : program.statements) {
    if (!is_order_free(s))
      continue;
    isl::map write = s.write.map.as_map().intersect_domain(s.domain);
    out = out.unite(isl::union_map(write.apply_range(write.reverse())));
  }
  return out;
}

isl::union_map Dependences::ordered() const { return flow.unite(anti).unite(output); }
isl::union_map Dependences::all() const { return ordered().unite(reduction); }

bool is_order_free(const Statement& s) {
  return s.is_reduction() && s.reassociable &&
         std::none_of(s.reads.begin(), s.reads.end(),
                      [&](const Access& read) { return read.tensor == s.write.tensor; });
}

Expected<Dependences> dependences(const Program& program) {
  return with_quota(IslEntry::order, [&]() -> Expected<Dependences> {
    isl::union_map order = program.textual_order();
    Dependences out{none(), none(), none(), reduction_pairs(program)};
    for (const Group& g : groups_of(program)) {
      auto last_writes = [&](const isl::union_map& sink) {
        return access(sink, order)
            .set_must_source(g.ending)
            .set_may_source(g.adding)
            .compute_flow()
            .may_dependence();
      };
      isl::union_map reads = access(g.sink_writes, order)
                                 .set_may_source(g.reads)
                                 .set_kill(g.ending)
                                 .compute_flow()
                                 .may_dependence();
      out.flow = out.flow.unite(last_writes(g.sink_reads));
      out.output = out.output.unite(last_writes(g.assigned));
      out.anti = out.anti.unite(reads);
    }
    return out;
  });
}

namespace {
// { S[i] -> S[j] : i before j }
isl::map earlier(const Statement& s) {
  isl::union_map order(isl::set(s.domain).identity());
  for (const isl::map& m : maps(lex_lt(order, order)))
    return m;
  isl::set domain = s.domain;
  return isl::map::empty(domain.identity().space());
}

struct Touch {
  size_t statement;
  bool writes;
  std::string tensor;
  isl::map map; // { S[i..] -> T[j..] } on the domain
};
} // namespace

Expected<isl::union_map> conflicts(const Program& program) {
  return with_quota(IslEntry::order, [&]() -> Expected<isl::union_map> {
    std::vector<Touch> touches;
    for (size_t k = 0; k < program.statements.size(); ++k) {
      const Statement& s = program.statements[k];
      auto add = [&](const Access& a, bool writes) {
        touches.push_back({k, writes, a.tensor, a.map.as_map().intersect_domain(s.domain)});
      };
      add(s.write, true);
      for (const Access& read : value_reads(s))
        add(read, false);
    }
    isl::union_map out = none();
    for (const Touch& a : touches)
      for (const Touch& b : touches) {
        if (a.statement > b.statement || a.tensor != b.tensor || (!a.writes && !b.writes))
          continue;
        isl::map pairs = a.map.apply_range(b.map.reverse());
        if (a.statement == b.statement) { // else the first comes first, whatever the instances
          const Statement& s = program.statements[a.statement];
          if (is_order_free(s) || pairs.is_subset(s.domain.identity()))
            continue;
          pairs = pairs.intersect(earlier(s));
        }
        out = out.unite(isl::union_map(pairs));
      }
    return out;
  });
}

} // namespace nasc
