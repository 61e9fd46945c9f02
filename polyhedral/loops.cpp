// Loops of a schedule by address.
#include "polyhedral/schedule.h"
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

isl::schedule_node node_at(const Schedule& schedule, const TreePath& path) {
  isl::schedule_node node = schedule.tree().root().child(0);
  for (size_t d = 0; d < path.at.size(); ++d) {
    node = node.child(path.at[d]);  // mark -> band, sequence -> filter
    if (path.nodes[d]->kind != LoopTree::region) node = node.child(0);
  }
  return node;
}

Loop loop_at(const Schedule& schedule, const TreePath& path) {
  const Names& names = path.node()->statements;
  return {node_at(schedule, path), path.node()->mark, {names.begin(), names.end()}};
}

// The path of a mark node in the tree.
std::vector<unsigned> position(isl::schedule_node node) {
  std::vector<unsigned> out;
  for (; node.has_parent(); node = node.parent()) out.push_back(node.child_position());
  return out;
}

}  // namespace

Expected<Loop> find_loop(const Schedule& schedule, const std::string& address) {
  auto found = find_loops(tree_of(schedule), address);
  if (!found) return std::unexpected(found.error());
  return loop_at(schedule, found->front());
}

std::vector<Loop> loops(const Schedule& schedule) {
  std::vector<Loop> out;
  for (const auto& p : loop_paths(tree_of(schedule))) out.push_back(loop_at(schedule, p));
  return out;
}

std::vector<Loop> loops_of(const Schedule& schedule, const std::string& statement) {
  std::vector<Loop> out;
  for (auto& l : loops(schedule))
    if (std::find(l.statements.begin(), l.statements.end(), statement) != l.statements.end()) out.push_back(l);
  return out;
}

std::optional<int64_t> trip_count(const Schedule& schedule, const Loop& loop) {
  std::vector<unsigned> wanted = position(loop.mark);
  for (const auto& p : loop_paths(tree_of(schedule)))
    if (position(node_at(schedule, p)) == wanted) {
      auto values = trips(schedule.domain(), p).same();
      if (!values) return std::nullopt;
      return values->second - values->first + 1;
    }
  return std::nullopt;
}

}  // namespace nasc
