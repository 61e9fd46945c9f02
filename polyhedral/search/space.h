// Space: a space text bound to the layers of a model, as a tree of decisions.
#pragma once

#include <functional>
#include <memory>

#include "polyhedral/search/space_text.h"

namespace nasc {

// One choice at one place. Its decisions are numbers: candidate indices (a bit per candidate for a
// subset), or the value of intv and floatv.
struct SpaceNode {
  const Choice* choice = nullptr;
  std::string path; // `conv_12/neural:bottleneck.by`
  int group = 0;
  bool inner = false;
  std::vector<int> options; // indices of the candidates that this layer may take
  // Nodes below, by slot (k of manyof) and position in options; in the order of the text.
  std::vector<std::vector<std::vector<int>>> below;
  size_t arity() const; // how many numbers
  bool is_subset() const { return choice->pick == Pick::manyof && choice->k < 0; }
  bool is_range() const { return choice->pick == Pick::intv || choice->pick == Pick::floatv; }
  double count() const; // of values of one number; infinite for floatv
};

// A block at one layer, class of layers, or section: the unit of exact selection.
struct SpaceGroup {
  std::string where; // the first layer's name, or the section's
  bool section = false;
  const SpaceBlock* block = nullptr;
  std::vector<SpaceLayer> layers;
  std::vector<int> roots;
};

struct Space {
  std::shared_ptr<const SpaceText> source;
  std::vector<SpaceGroup> groups;
  std::vector<SpaceNode> nodes;
  std::vector<int> roots() const;
  double size() const; // number of Dnas, infinite with floatv
  uint64_t hash() const;
};

// The group alone, so that its points can be counted through: no other decides anything.
Space alone(const Space& space, size_t group);

// Throws UserError: a selector that matches no layer (unless optional), or a space without choices.
Space bound_space(SpaceText text, const std::vector<SpaceLayer>& layers);

// One line per node: path and what may be chosen.
std::string describe(const Space& space);

} // namespace nasc
