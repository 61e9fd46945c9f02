// Which of the ways to tile a contraction is taken: the analytic one, or what a search or a record says.
#include <algorithm>

#include "ir/text.h"
#include "polyhedral/block_loop.h"
#include "polyhedral/cost/tile_choice.h"
#include "polyhedral/scheduler.h"

namespace nasc {
namespace {

// Elements of the vector dimension that the matrix has side by side, when its layout is not ours to choose any more.
int64_t settled_block(const Contraction& c, const Statement& statement, const Tensor& matrix) {
  bool blocks = statement.iterator(kBlockLoop) >= 0;  // which come after layouts
  if ((matrix.role == Role::weight && !blocks) || !matrix.layout || matrix.layout->dims.empty()) return 0;
  const LayoutDim& last = matrix.layout->dims.back();
  return last.dim == c.matrix_vector ? last.mod : 0;
}

// The Program without the layout that the choice brings with it.
std::string key_of(Program p, const Contraction& c) {
  Tensor& matrix = p.tensor(c.matrix_tensor);
  if (matrix.role == Role::weight) matrix.layout.reset();
  return canonical_text(p);
}
}  // namespace

size_t Planner::choose(const std::string& kind, int program, const std::function<std::string()>& key,
                       std::vector<Alternative> alternatives) const {
  if (!decide || alternatives.size() < 2) return 0;
  Decision d{kind, key(), module.network.programs[program]->name, program, std::move(alternatives)};
  size_t taken = decide(d);
  NASC_CHECK(taken < d.alternatives.size()) << "alternative " << taken << " of " << d.alternatives.size();
  return taken;
}

std::optional<TileChoice> decided_tile(const Planner& planner, int program, const Program& p, const Contraction& c) {
  std::vector<TileChoice> choices =
      tile_choices(c, p, planner.module.target, settled_block(c, p.statement(c.statement), p.tensor(c.matrix_tensor)));
  if (choices.empty()) return std::nullopt;
  std::vector<Alternative> named;
  if (planner.decide)
    for (const TileChoice& t : choices) named.push_back({text(t, c), t.cycles});
  return choices[planner.choose("tile", program, [&] { return key_of(p, c); }, std::move(named))];
}

}  // namespace nasc
