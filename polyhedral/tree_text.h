// TreeText: schedule trees written as isl's own text and parsed once, far cheaper than inserting node by node.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "polyhedral/schedule.h"

namespace nasc {

// A node of a schedule tree under construction.
struct TextNode {
  enum Kind { leaf, band, mark, sequence } kind = leaf;
  std::string text;                          // band: its mark (loop name, annotations); mark: the mark
  std::map<std::string, std::string> exprs;  // band: quasi-affine expression per live statement
  std::string options;                       // band: AST options, may be empty
  std::vector<std::shared_ptr<TextNode>> children;  // band, mark: one; sequence: one per filter
  std::vector<std::vector<std::string>> filters;    // sequence: statements of each child
};
using TextNodeRef = std::shared_ptr<TextNode>;

TextNodeRef tree_leaf();
TextNodeRef tree_band(const std::string& mark, std::map<std::string, std::string> exprs, TextNodeRef child,
                  const std::string& options = "");
TextNodeRef tree_mark(const std::string& mark, TextNodeRef child);
TextNodeRef tree_sequence(std::vector<std::pair<std::vector<std::string>, TextNodeRef>> children);

// Options of a band that counts tiles of `size` of the values 0 <= x < extent, below that many bands: loops of whole tiles,
// the rest apart. Empty when there is no rest.
std::string whole_tiles(size_t outside, int64_t size, const Extent& extent);

// The Schedule over all statements of `program`; expressions name the statements' iterators.
Schedule build_tree(const Program& program, const TextNodeRef& root);

}  // namespace nasc
