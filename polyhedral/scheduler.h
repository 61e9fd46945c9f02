// The analytic scheduler of -O1 to -O3: fusion, layouts and loop nests chosen by cost models, expressed as a Plan.
#pragma once

#include <optional>

#include "polyhedral/cost/tile_choice.h"
#include "polyhedral/decision.h"
#include "polyhedral/plan.h"
#include "polyhedral/transformation.h"

namespace nasc {

// Which 3x3 convolutions Winograd's algorithm computes: those it is clearly faster for, by the best or a given tile; none.
enum class Winograd { automatic, off, f2, f3, f4 };

struct ScheduleOptions {
  int level = 2;  // 0: textual order; 1: parallel and vector loops; 2: and fusion, layouts, register tiles
  Winograd winograd = Winograd::automatic;
  Decide decide = {};  // absent: the analytic choice everywhere
};

struct Scheduled {
  Module module;
  Plan plan;  // replaying it on the same textual module gives `module`
};

// Never fails: a step that refuses (also for isl's quota) is left out. The result still has to be judged.
Scheduled schedule_module(Module module, const ScheduleOptions& options);

// A module being scheduled: each accepted step is recorded.
struct Planner {
  Module module;
  Plan plan;
  Decide decide = {};
  bool network_step(const Step& step);
  bool kernel_step(int program, const Step& step);
  // Asks `decide` about this program; 0 when there is nobody to ask.
  size_t choose(const std::string& kind, int program, const std::function<std::string()>& key,
                std::vector<Alternative> alternatives) const;
};

// Convolutions that neural steps rewrote, one Program per piece; of every level but 0.
void plan_pieces(Planner& planner);
// The parts of level 2, each usable alone. Fusion of pointwise consumers into their producers; Winograd convolutions
// and the layouts of their operands; layouts of activations and weights; loops of one Program.
void plan_fusion(Planner& planner);
int producer_of(const Network& n, int buffer, int before);  // the last call before that one which writes it; -1: none
void plan_transposes(Planner& planner);
void plan_joins(Planner& planner);
void plan_winograd(Planner& planner, Winograd choice);
bool plan_winograd_loops(Planner& planner, int program);  // false: not such a Program
bool plan_blocks(Planner& planner, int program);  // false: not such a Program
// Pointwise Programs into the loops of contractions that read them, and those loops (false: not such a Program).
void plan_prologues(Planner& planner);
bool plan_prologue(Planner& planner, int program);
// One of `blocks` parts of a contraction; false: not such a Program.
bool plan_contraction(Planner& planner, int program, int64_t blocks = 1);
// Windows and the producers of what they read, by bands of rows.
void plan_overlaps(Planner& planner);
void plan_layouts(Planner& planner);
void plan_matrices(Planner& planner);  // of plan_layouts: constant matrices of contractions
// `p`: that Program, or one slice of it.
std::optional<TileChoice> decided_tile(const Planner& planner, int program, const Program& p, const Contraction& contraction);
void plan_loops(Planner& planner, int program, const ScheduleOptions& options);

}  // namespace nasc
