// A search space as written: blocks of named points whose values contain choices. Parse, print.
//
//   on conv[k=3, groups=1, ci>=64] "layer*" per class {      # selector; one decision per class
//     neural = oneof(keep,
//                    group(by=oneof(2, 4, 8)) when[ci%8=0, co%8=0],
//                    [bottleneck(loop=co, by=2), group(by=2)],
//                    spatial_bottleneck(by=2) { extra = oneof(keep, depthwise()) })
//     inner schedule { by = oneof(8, 16); tile = split(loop=co, by=$by) }
//   }
//   machine { threads = oneof(1, 2); lr = floatv(1e-4, 1e-1, log) }
//
// Values: words, numbers, "quoted words", [lists], steps `name(argument=value)`, and the choices
//   oneof(v, ...)   manyof(k, v, ..., distinct, sorted)   manyof(*, v, ...)   permute(v, ...)
//   intv(lo, hi, SCALE)   floatv(lo, hi, SCALE)   with SCALE none, linear, log or rlog.
// `when[...]` keeps a candidate from layers that lack the condition; `{...}` after a candidate is a
// sub-space that exists under it alone. `$name` is the value of an earlier point of the block, or
// an attribute of the layer, `$layer` the layer's name. The word `keep` is no step. `#` starts a
// comment. A block `on SELECTOR` decides `per layer` (the default), per class of equal layers, or
// once for `all`; `optional on` may match nothing. A block `NAME {` is a section, decided once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ir/diag.h"

namespace nasc {

// What a selector may ask about: a kernel or layer of the model. Attributes from
// layer_attributes().
struct SpaceLayer {
  std::string name, op;
  std::vector<std::pair<std::string, int64_t>> attributes;
  const int64_t* attribute(const std::string& name) const;
};
const std::vector<std::string>& layer_attributes();

// `ci>=64`, `co%8=0`, `ci=co`.
struct Condition {
  std::string attribute;
  int64_t modulus = 0;  // 0: none
  std::string relation; // = != < <= > >=
  int64_t value = 0;
  std::string other; // an attribute in place of the value: ci=co
};
// Operator patterns and a pattern of names (globs), and conditions that all hold.
struct Selector {
  std::vector<std::string> operators;
  std::vector<Condition> conditions;
  std::string names = "*";
};
bool holds(const Condition& condition, const SpaceLayer& layer); // no such attribute: no
bool matches(const Selector& selector, const SpaceLayer& layer);
bool glob(const std::string& pattern, const std::string& name); // * and ?

enum class Pick { oneof, manyof, permute, intv, floatv };
enum class Scale { none, linear, log, rlog };
const char* name(Pick pick);
const char* name(Scale scale);

struct Choice;
struct SpacePoint;
struct SpaceValue {
  enum Kind { word, list, call, choice, reference } kind = word;
  std::string text;               // of a word, call, reference
  std::vector<std::string> names; // of a call's arguments
  std::vector<SpaceValue> items;  // of a list, a call
  std::vector<Choice> choices;    // one when kind is choice
  std::vector<Condition> when;    // of a candidate
  std::vector<SpacePoint> points; // the sub-space under a candidate
};
struct Choice {
  Pick pick = Pick::oneof;
  int k = 1; // manyof: how many; -1: any number (a subset)
  bool distinct = false, sorted = false;
  double low = 0, high = 0; // intv, floatv: both ends belong
  Scale scale = Scale::none;
  std::vector<SpaceValue> candidates;
};
struct SpacePoint {
  std::string name; // `tile`, or `schedule.tile` within a group
  bool inner = false;
  int line = 0;
  SpaceValue value;
};

enum class Per { layer, klass, all };
struct SpaceBlock {
  std::string section; // empty: on selector
  Selector selector;
  Per per = Per::layer;
  bool optional = false;
  std::string file;
  int line = 0;
  std::vector<SpacePoint> points;
};
struct SpaceText {
  std::vector<SpaceBlock> blocks;
};

// Throws UserError bad_text at FILE:LINE, or limit.
SpaceText parse_space(const std::string& text, const std::string& file);
std::string text(const SpaceText& space); // parses to the same
std::string text(const SpaceValue& value);
std::string text(const Selector& selector);
std::string number_text(double value); // the shortest that reads back the same
SpaceText merged(const SpaceText& first, const SpaceText& second); // combine: first, then second

} // namespace nasc
