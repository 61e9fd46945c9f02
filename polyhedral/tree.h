// TreeText: schedule trees written as isl's own text and parsed once, far cheaper than inserting node by node.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "polyhedral/schedule.h"

namespace nasc {

// A node of a schedule tree under construction.
struct TreeNode {
  enum Kind { leaf, band, mark, sequence } kind = leaf;
  std::string text;                          // band: its mark (loop name, annotations); mark: the mark
  std::map<std::string, std::string> exprs;  // band: quasi-affine expression per live statement
  std::string options;                       // band: AST options, may be empty
  std::vector<std::shared_ptr<TreeNode>> children;  // band, mark: one; sequence: one per filter
  std::vector<std::vector<std::string>> filters;    // sequence: statements of each child
};
using TreeRef = std::shared_ptr<TreeNode>;

TreeRef tree_leaf();
TreeRef tree_band(const std::string& mark, std::map<std::string, std::string> exprs, TreeRef child,
                  const std::string& options = "");
TreeRef tree_mark(const std::string& mark, TreeRef child);
TreeRef tree_sequence(std::vector<std::pair<std::vector<std::string>, TreeRef>> children);

// The Schedule over all statements of `program`; expressions name the statements' iterators.
Schedule build_tree(const Program& program, const TreeRef& root);

}  // namespace nasc
