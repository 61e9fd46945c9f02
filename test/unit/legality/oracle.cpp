// Enumeration of instances, elements and times.
#include "test/unit/legality/oracle.h"

#include <map>

#include "legality/marked_loops.h"
#include "polyhedral/dependence.h"

namespace nasc::testing {
namespace {
using Point = std::vector<long>;

std::vector<Point> points(isl::set set, int parameter) {
  isl::set fixed =
      set.intersect_params(
             isl::set(isl_context(), "[N] -> { : N = " + std::to_string(parameter) + " }"))
          .project_out_all_params();
  std::vector<Point> out;
  fixed.flatten().foreach_point([&](isl::point p) {
    isl::multi_val at = p.multi_val();
    Point point;
    for (unsigned k = 0; k < at.size(); ++k)
      point.push_back(std::stol(text(at.at(static_cast<int>(k)))));
    out.push_back(point);
  });
  return out;
}

// x -> f(x) for each x of the domain.
std::map<Point, Point> table(const isl::map& map, int arity, int parameter) {
  std::map<Point, Point> out;
  for (const Point& p : points(map.wrap(), parameter))
    out[Point(p.begin(), p.begin() + arity)] = Point(p.begin() + arity, p.end());
  return out;
}

struct Instance {
  int statement;
  Point at;
};
struct Use {
  int instance; // textual position
  bool write;
};
} // namespace

Verdict judge_by_enumeration(const Kernel& kernel, int parameter) {
  const Program& p = kernel.program;
  std::vector<Instance> instances;
  std::map<std::pair<std::string, Point>, std::vector<Use>> uses;
  for (int s = 0; s < static_cast<int>(p.statements.size()); ++s) {
    const Statement& statement = p.statements[s];
    std::vector<Point> domain = points(statement.domain, parameter);
    std::sort(domain.begin(), domain.end());
    int first = static_cast<int>(instances.size()),
        arity = static_cast<int>(statement.iterators.size());
    for (const Point& at : domain)
      instances.push_back({s, at});
    auto touch = [&](const Access& access, bool write) {
      auto element =
          table(access.map.as_map().intersect_domain(statement.domain), arity, parameter);
      for (size_t k = 0; k < domain.size(); ++k)
        uses[{access.tensor, element.at(domain[k])}].push_back(
            {first + static_cast<int>(k), write});
    };
    touch(statement.write, true);
    for (const Access& read : statement.reads)
      touch(read, false);
  }
  auto times = [&](const isl::union_map& time) {
    std::vector<Point> out(instances.size());
    for (const isl::map& m : maps(time))
      for (int s = 0; s < static_cast<int>(p.statements.size()); ++s) {
        if (p.statements[s].name != domain_name(m))
          continue;
        auto of = table(m.intersect_domain(p.statements[s].domain),
                        static_cast<int>(p.statements[s].iterators.size()), parameter);
        for (size_t k = 0; k < instances.size(); ++k)
          if (instances[k].statement == s)
            if (auto it = of.find(instances[k].at); it != of.end())
              out[k] = it->second;
      }
    return out;
  };
  auto any_pair = [&](auto wrong) {
    for (const auto& [element, list] : uses)
      for (const Use& a : list)
        for (const Use& b : list)
          if (a.instance < b.instance && (a.write || b.write) && wrong(a.instance, b.instance))
            return true;
    return false;
  };
  auto free = [&](int a, int b) {
    return instances[a].statement == instances[b].statement &&
           is_order_free(p.statements[instances[a].statement]);
  };
  std::vector<Point> time = times(kernel.schedule.tree().map());
  if (any_pair([&](int a, int b) { return !free(a, b) && time[a] >= time[b]; }))
    return {Verdict::no, "order-violated", "", {}, {}};
  for (const MarkedLoop& loop : marked_loops(kernel.schedule)) {
    std::vector<Point> at = times(loop.time);
    auto carried = [&](int a, int b) {
      return !(loop.vector && free(a, b)) && !at[a].empty() && !at[b].empty() && at[a].back() != at[b].back() &&
             std::equal(at[a].begin(), at[a].end() - 1, at[b].begin());
    };
    if (any_pair(carried))
      return {Verdict::no, loop.vector ? "vectorize-carried" : "parallel-carried", "", {}, {}};
  }
  return yes_verdict();
}

} // namespace nasc::testing
