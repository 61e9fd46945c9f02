// Loops of Programs whose statements have different index spaces: rows, and what else they have in common.
#include <algorithm>

#include "polyhedral/cost/contraction.h"
#include "polyhedral/group.h"
#include "polyhedral/scheduler_parts.h"

namespace nasc {

int element_bytes(const Program& p) {
  int widest = 1;
  for (const auto& t : p.tensors) widest = std::max(widest, bytes(t.dtype));
  return widest;
}

// Consecutive values of this iterator of the reading statement read consecutive memory.
bool walks_memory(const Program& p, const Access& read, int iterator) {
  Layout l = layout_of(p.tensor(read.tensor));
  if (l.dims.empty() || iterator < 0) return false;
  std::optional<LinearAff> index = linear(read.map.at(l.dims.back().dim));
  return index && index->denominator == 1 && index->coefficients[iterator] == 1;
}

// Normalizations and reductions over the dimension that walks memory: row by row, lanes inside the rows.
bool plan_rows(Planner& planner, int program) {
  const Program& p = *planner.module.network.programs[program];
  Step step{"rows", {}};
  int lanes = planner.module.target.lanes(element_bytes(p));
  if (lanes > 1) step.args["lanes"] = int64_t{lanes};
  std::vector<std::string> names = row_dimensions(p);
  const Statement* widest = nullptr;
  for (const Statement& s : p.statements)
    if (!widest || s.iterators.size() > widest->iterators.size()) widest = &s;
  if (names.empty()) return false;
  // The first of more than one row is divided among threads, outermost.
  for (size_t k = 0; k < names.size(); ++k)
    if (!p.tensor(widest->write.tensor).shape[k].is(1)) {
      step.args["parallel"] = names[k];
      std::rotate(names.begin(), names.begin() + static_cast<long>(k), names.begin() + static_cast<long>(k) + 1);
      break;
    }
  step.args["loops"] = names;
  return planner.kernel_step(program, step);
}

std::vector<std::string> common_iterators(const Program& p) {
  if (p.statements.empty()) return {};
  std::vector<std::string> common = p.statements[0].iterators;
  for (const Statement& s : p.statements) {
    size_t k = 0;
    while (k < common.size() && k < s.iterators.size() && common[k] == s.iterators[k]) ++k;
    common.resize(k);
  }
  return common;
}

// The last iterator that all statements begin with is the one that walks the memory of what is summed, as channels do in
// blocks of a vector: one sum per lane.
bool sums_in_lanes(const Program& p, int lanes) {
  std::vector<std::string> common = common_iterators(p);
  if (common.empty() || lanes < 2) return false;
  for (const Statement& s : p.statements) {
    if (!s.is_reduction() || s.iterators.size() == common.size()) continue;
    if (iterator_extent(s, common.back()).value_or(1) % lanes) return false;
    for (const Access& r : s.reads)
      if (p.tensor(r.tensor).role != Role::temp && walks_memory(p, r, s.iterator(common.back()))) return true;
  }
  return false;
}

// Statements of different index spaces (a pooled tensor and its sums): the loops that all begin with, around the rest.
bool plan_common_loops(Planner& planner, int program) {
  const Program& p = *planner.module.network.programs[program];
  std::vector<std::string> common = common_iterators(p);
  auto extent = [&](const std::string& i) { return iterator_extent(p.statements[0], i).value_or(0); };
  auto outer = std::find_if(common.begin(), common.end(), [&](const auto& i) { return extent(i) > 1; });
  if (outer == common.end()) return false;
  Step step{"nest", {}};
  std::string channel = common.back();
  int lanes = planner.module.target.lanes(element_bytes(p));
  std::rotate(common.begin(), outer, outer + 1);
  step.args["parallel"] = common[0];
  step.args["loops"] = common;
  step.args["serial"] = int64_t{1};
  if (lanes >= 2 && extent(channel) % lanes == 0) {
    Step vectors = step;
    vectors.args["vector"] = channel;
    vectors.args["lanes"] = int64_t{lanes};
    if (planner.kernel_step(program, vectors)) return true;
  }
  return planner.kernel_step(program, step);
}

}  // namespace nasc
