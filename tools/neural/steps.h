// Steps of search spaces as steps of plans: named sequences of primitives, and the layer they are about.
#pragma once

#include <string>
#include <vector>

#include "polyhedral/plan.h"

namespace nasc {

// The steps that `text` of a space (`group(by=4)`, `seq2(peel=16, by=2)`) means for one layer. Sequences of the paper:
//   seq1(groups=[a, b, ..])   outputs in equal parts, part k in groups[k] groups (1: not grouped)
//   seq2(peel=u, by=g)        u outputs of all inputs, the others of the inputs from u on, in g groups
//   seq3(split=s, by=g)       rows in s stripes with weights of their own, each in g groups
// All else is a step of that name with `layer` added. Throws UserError bad_text naming what is wrong with it, usage where it
// is no neural step.
std::vector<Step> layer_steps(const std::string& text, const std::string& layer);

// A step in words: `in 4 groups`, `half of the outputs`.
std::string in_words(const Step& step);

} // namespace nasc
