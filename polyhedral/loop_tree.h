// LoopTree: a schedule as plain nodes that transformations edit; read from isl's tree and built back into one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "polyhedral/schedule.h"

namespace nasc {

struct LoopTree;
using LoopTreeRef = std::shared_ptr<const LoopTree>;
using Names = std::set<std::string>;
using Band = std::map<std::string, isl::pw_aff>;  // { S[i..] -> [t] } for each statement below
using Filter = std::map<std::string, isl::set>;   // { S[i..] } for each statement of a part
using Interval = std::pair<int64_t, int64_t>;
// { [x] }, parameters allowed: the values of a tile loop whose tiles are full; isl generates them apart from the rest.
using Isolate = std::optional<isl::set>;

struct LoopTree {
  enum Kind { leaf, loop, region, sequence } kind = leaf;
  Names statements;
  Mark mark;                      // loop, region
  Band band;                      // loop
  Isolate isolate;                // loop
  std::vector<Filter> filters;    // sequence, one per child
  std::vector<LoopTreeRef> children;  // loop, region: one
};
using TreeParts = std::vector<std::pair<Filter, LoopTreeRef>>;

LoopTreeRef leaf(Names statements);
LoopTreeRef loop(Mark mark, Band band, LoopTreeRef body, Isolate isolate = {});
LoopTreeRef region(Mark mark, LoopTreeRef body);
// Sequences among the parts are merged into this one, empty parts dropped; a single part stands for itself.
LoopTreeRef sequence(TreeParts parts);
// The node with other children, same kind; children of a sequence keep their filters.
LoopTreeRef with_children(const LoopTreeRef& node, std::vector<LoopTreeRef> children);
LoopTreeRef with_mark(const LoopTreeRef& node, Mark mark);
TreeParts parts_of(const LoopTreeRef& sequence);  // any other node: one part with all its statements, given universe filters

inline LoopTreeRef tree_of(const Schedule& schedule) { return schedule.loop_tree(); }
Schedule schedule_of(const isl::union_set& domain, const LoopTreeRef& tree);

// A node of a tree: the nodes from the root to it (both included) and the child taken at each but the last.
struct TreePath {
  std::vector<LoopTreeRef> nodes;
  std::vector<int> at;
  const LoopTreeRef& node() const { return nodes.back(); }
  TreePath parent() const;
  bool is_root() const { return at.empty(); }
};
// Every node, depth first.
void visit(const LoopTreeRef& tree, const std::function<void(const TreePath&)>& f);
std::vector<TreePath> loop_paths(const LoopTreeRef& tree);
// The tree with the node at `path` replaced. Edit several disjoint nodes last to first: positions stay valid.
LoopTreeRef replaced(const LoopTreeRef& tree, const TreePath& path, const LoopTreeRef& by);
// Only the part that schedules `filter`; nullptr when that is nothing.
LoopTreeRef restricted(const LoopTreeRef& tree, const Filter& filter);
// Statement `from` called `to` everywhere.
LoopTreeRef with_renamed_statement(const LoopTreeRef& tree, const std::string& from, const std::string& to);
// The elements of `domain` that reach the node.
Filter domain_at(const isl::union_set& domain, const TreePath& path);

// Loops at `address` (`co`, `mac.co`): one, or the same loop in several parts of a partition. Refusals no-such-loop,
// ambiguous-loop.
Expected<std::vector<TreePath>> find_loops(const LoopTreeRef& tree, const std::string& address);
// The address of a loop that find_loops understands: its name, qualified by a statement when needed.
std::string address_of(const LoopTreeRef& tree, const TreePath& path);
// New loop nodes for all loops at the address.
Expected<LoopTreeRef> edit_loops(const LoopTreeRef& tree, const std::string& address,
                             const std::function<Expected<LoopTreeRef>(const TreePath&)>& f);

// Values of a loop at fixed outer loops, per part that isolation of outer loops makes. An entry without a value:
// they differ, or are unbounded.
struct Trips {
  std::vector<std::optional<Interval>> parts;  // first and last value
  std::optional<Interval> same() const;        // when all parts agree
  std::optional<int64_t> most() const;         // longest part, when all are known
};
Trips trips(const isl::union_set& domain, const TreePath& path);

}  // namespace nasc
