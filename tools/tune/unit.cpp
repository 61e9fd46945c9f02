// Cutting single calls out of a Module at the moment the scheduler asks about them.
#include "tools/tune/unit.h"

#include <algorithm>
#include <set>

namespace nasc {
namespace {

bool is_constant(const Program& p) {
  auto parameters = p.parameters();
  return std::all_of(parameters.begin(), parameters.end(), [](const auto& e) { return e.second.is_constant(); });
}

void plan_all_loops(Planner& planner, const ScheduleOptions& options) {
  for (size_t k = 0; k < planner.module.network.programs.size(); ++k)
    plan_loops(planner, static_cast<int>(k), options);
}

} // namespace

Module cut_out(const Module& m, int program) {
  const Network& n = m.network;
  auto call = std::find_if(n.calls.begin(), n.calls.end(), [&](const Call& c) { return c.program == program; });
  NASC_CHECK(call != n.calls.end()) << "program " << program << " is never called";
  Network out;
  out.name = n.programs[program]->name;
  out.programs = {n.programs[program]};
  Call only{0, {}, call->name};
  std::map<int, int> place;
  for (int b : call->args) {
    auto [at, fresh] = place.emplace(b, static_cast<int>(out.buffers.size()));
    only.args.push_back(at->second);
    if (!fresh) continue;
    Buffer buffer = n.buffers[b];
    buffer.alias_of = -1;
    buffer.part.reset();
    if (buffer.role != Role::weight) buffer.role = Role::temp; // no memory of a caller, whose layout is fixed
    out.buffers.push_back(std::move(buffer));
  }
  out.calls = {std::move(only)};
  return {std::move(out), {m.schedules[program]}, m.target};
}

std::vector<Unit> find_units(const Module& module, const ScheduleOptions& options, const std::string& kind,
                             const Decide& decide) {
  std::vector<Unit> units;
  std::set<std::string> known;
  Planner planner{module, {}, {}};
  planner.decide = [&](const Decision& d) {
    const Network& n = planner.module.network;
    if (d.kind == kind && is_constant(*n.programs[d.program]) && known.insert(d.key).second) {
      auto calls = std::count_if(n.calls.begin(), n.calls.end(), [&](const Call& c) { return c.program == d.program; });
      Unit unit{d, cut_out(planner.module, d.program), static_cast<size_t>(calls), 0};
      unit.cycles = d.alternatives[0].cycles * static_cast<double>(calls);
      units.push_back(std::move(unit));
    }
    return decide ? decide(d) : 0;
  };
  plan_fusion(planner);
  plan_winograd(planner, options.winograd);
  if (kind != "winograd") {
    plan_layouts(planner);
    plan_all_loops(planner, options);
  }
  std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.cycles > b.cycles; });
  return units;
}

Module realised(const Unit& unit, size_t alternative, const ScheduleOptions& options, const Decide& decide) {
  Planner planner{unit.base, {}, {}};
  planner.decide = [&](const Decision& d) {
    if (d.kind == unit.decision.kind && d.key == unit.decision.key) return alternative;
    return decide ? decide(d) : 0;
  };
  if (unit.decision.kind == "winograd") {
    plan_winograd(planner, options.winograd);
    plan_layouts(planner);
  } else {
    plan_matrices(planner);
  }
  plan_all_loops(planner, options);
  return std::move(planner.module);
}

} // namespace nasc
