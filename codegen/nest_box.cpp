// The nest of a schedule whose statements fill boxes, or what linear conditions leave of them, and whose bands are digits
// of single iterators: what isl's AST generation would give, read off the tree in a hundredth of its time. Everything
// else is isl's.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "codegen/nest.h"
#include "codegen/nest_open.h"
#include "codegen/nest_text.h"
#include "ir/isl_box.h"
#include "polyhedral/edit.h"
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

struct NotDigits {};  // the tree has another form

// One digit of an iterator with values 0 .. extent-1: floor((x mod before) / stride).
struct Digit {
  int iterator = -1;  // -1: the band is constant for the statement
  int64_t stride = 1;
};

// What is fixed of each iterator of a statement below some bands. One of any number of values, as that of images, has so many
// values until its first band, whose loop ends with the last of them.
constexpr int64_t kAny = 512, kMostPeriod = kAny / 4;  // its bands are what they are for all values when they are for these
struct Place {
  std::vector<int64_t> extents;
  std::vector<int64_t> windows;      // values left; strides of the last digits
  std::vector<NestExprRef> values;   // sum of stride * digit
  std::vector<Inequality> open;      // conditions of the domain that no loop ensures yet
  std::map<int, NestExprRef> last;   // of iterators of any number of values
};

// A condition on several iterators that some point of the box breaks.
bool cuts(const Inequality& c, const std::vector<int64_t>& extents) {
  int64_t least = c.constant;
  for (size_t d = 0; d < extents.size(); ++d) least += std::min<int64_t>(0, c.coefficients[d]) * (extents[d] - 1);
  return least < 0;
}

// What conditions ask of a loop besides its trips.
struct Bounds {
  std::vector<NestExprRef> lower, upper;
};

class Builder {
 public:
  explicit Builder(const Kernel& kernel) : kernel_(kernel) {
    for (const Statement& s : kernel.program.statements) places_[s.name] = place_of(s);
  }

  NestRef build() {
    NestRef out = walk(tree_of(kernel_.schedule), places_);
    return out;
  }

 private:
  using Places = std::map<std::string, Place>;
  static constexpr int64_t kMost = 1 << 16, kMostCoefficient = 1 << 16;

  static Place place_of(const Statement& s) {
    if (isl_set_dim(s.domain.get(), isl_dim_param) == 0) return place_of(s, s.domain);
    auto slice = slice_of(s.domain);
    if (!slice) throw NotDigits{};
    Place p = place_of(s, slice->domain);
    p.last = std::move(slice->last);
    for (const auto& [d, last] : p.last) p.extents[static_cast<size_t>(d)] = p.windows[static_cast<size_t>(d)] = kAny;
    return p;
  }

  static Place place_of(const Statement& s, const isl::set& domain) {
    Place p;
    const auto box = plain_box(domain);  // known of most; has no other conditions
    const auto conditions = box ? std::optional(std::vector<Inequality>{}) : plain_inequalities(domain);
    const auto plain = conditions && !box ? plain_ranges(domain) : std::vector<std::optional<Interval>>(s.iterators.size());
    for (int d = 0; d < dims(domain); ++d) {
      const auto& known = plain[static_cast<size_t>(d)];
      auto range = known && known->first == 0 ? known : constant_range(domain, d);
      if (!range || range->first != 0 || range->second > kMost) throw NotDigits{};
      p.extents.push_back(range->second + 1);
    }
    p.windows = p.extents;
    p.values.assign(p.extents.size(), nullptr);
    if (!conditions) {
      std::vector<Interval> hull;
      for (int64_t e : p.extents) hull.emplace_back(0, e - 1);
      if (!domain.is_equal(box_set(s.name, s.iterators, hull))) throw NotDigits{};
      return p;
    }
    for (const Inequality& c : *conditions) {
      for (int64_t by : c.coefficients)
        if (by > kMostCoefficient || by < -kMostCoefficient) throw NotDigits{};
      if (cuts(c, p.extents)) p.open.push_back(c);
    }
    return p;
  }

  NestRef walk(const LoopTreeRef& t, const Places& at) {
    switch (t->kind) {
      case LoopTree::leaf: return user(t, at);
      case LoopTree::loop: return loop(t, at);
      case LoopTree::region: {
        auto node = std::make_shared<NestNode>();
        node->kind = t->mark.kind == Mark::stage ? NestNode::stage : NestNode::barrier;
        node->mark = t->mark;
        if (node->kind != NestNode::stage) throw NotDigits{};
        node->children.push_back(walk(t->children[0], at));
        return node;
      }
      case LoopTree::sequence: break;
    }
    std::vector<NestRef> children;
    for (size_t k = 0; k < t->children.size(); ++k) {
      for (const auto& [name, filter] : t->filters[k])
        if (!same(filter, isl::set::universe(filter.space()))) throw NotDigits{};
      children.push_back(walk(t->children[k], at));
    }
    return nest_block(std::move(children));
  }

  NestRef user(const LoopTreeRef& t, const Places& at) {
    if (t->statements.size() != 1) throw NotDigits{};
    auto node = std::make_shared<NestNode>();
    node->kind = NestNode::user;
    node->statement = *t->statements.begin();
    const Place& p = at.at(node->statement);
    for (size_t d = 0; d < p.extents.size(); ++d) {
      if (p.windows[d] != 1 || !p.open.empty()) throw NotDigits{};
      node->args.push_back(p.values[d] ? p.values[d] : nest_constant(0));
    }
    return node;
  }

  Digit digit(const isl::pw_aff& band, const Place& p) {
    if (!band.isa_aff()) throw NotDigits{};
    QuasiAff f = quasi(band.as_aff());
    if (has_parameters(f)) throw NotDigits{};
    Digit out;
    for (int d = 0; d < static_cast<int>(p.extents.size()); ++d) {
      if (!mentions(f, d)) continue;
      if (out.iterator >= 0) throw NotDigits{};
      out.iterator = d;
    }
    if (out.iterator < 0) {
      if (!f.floors.empty() || f.linear.constant != 0) throw NotDigits{};
      return out;
    }
    // What the outer digits leave of x is x mod `before`; within a last, partial tile `windows` is smaller.
    if (p.last.count(out.iterator) && greatest_denominator(f) > kMostPeriod) throw NotDigits{};
    int64_t extent = p.extents[out.iterator], before = strides_.count({p_name_, out.iterator})
                                                           ? strides_.at({p_name_, out.iterator})
                                                           : extent;
    int64_t stride = 1;
    while (stride < before && value_at(f, out.iterator, stride) == 0) ++stride;
    for (int64_t x = 0; x < extent; ++x)
      if (value_at(f, out.iterator, x) != x % before / stride) throw NotDigits{};
    out.stride = stride;
    return out;
  }

  // The first band of an iterator of any number of values: whole tiles, then one value at a time, each a tile of its own.
  NestRef open_loop(const LoopTreeRef& t, const Places& at, const std::map<std::string, Digit>& digits) {
    const auto& [name, first] = *digits.begin();
    const NestExprRef last = at.at(name).last.at(first.iterator);
    for (const auto& [other, d] : digits) {
      auto found = at.at(other).last.find(d.iterator);
      if (d.stride != first.stride || found == at.at(other).last.end() || text(found->second) != text(last)) throw NotDigits{};
    }
    auto saved = strides_;
    for (const auto& [other, d] : digits) strides_[{other, d.iterator}] = d.stride;
    int band = ++bands_;
    NestRef out;
    if (first.stride == 1) {
      out = part(t, at, digits, 0, 1, band, 0, {nest_constant(0), last});
    } else {
      NestExprRef size = nest_constant(first.stride), one = nest_constant(1);
      NestExprRef tiles = nest_op(NestExpr::floordiv, {nest_op(NestExpr::add, {last, one}), size});
      std::map<std::string, Digit> single = digits;
      for (auto& [other, d] : single) d.stride = 1;
      out = nest_block({part(t, at, digits, 0, 1, band, 0, {nest_constant(0), nest_op(NestExpr::sub, {tiles, one})}),
                        part(t, at, single, 0, 1, band, 0, {nest_op(NestExpr::mul, {size, tiles}), last})});
    }
    strides_ = saved;
    return out;
  }

  NestRef loop(const LoopTreeRef& t, const Places& at) {
    int64_t trips = -1, full = -1;
    bool all_count_tiles = true;  // of the statements so far
    bool open = false;
    std::map<std::string, Digit> digits;
    for (const auto& [name, band] : t->band) {
      const Place& p = at.at(name);
      p_name_ = name;
      Digit d = digit(band, p);
      if (p.last.count(d.iterator) && !strides_.count({name, d.iterator})) open = true;
      int64_t window = d.iterator < 0 ? 1 : p.windows[d.iterator];
      int64_t n = (window + d.stride - 1) / d.stride, whole = window / d.stride;
      if (window < d.stride) n = 1, whole = 1;  // one tile, smaller than its size
      if (trips >= 0 && trips != n) throw NotDigits{};
      bool counts_tiles = d.iterator >= 0 && d.stride == 1;  // whether they are full or not
      if (full >= 0 && full != whole && !counts_tiles && !all_count_tiles) throw NotDigits{};
      trips = n;
      full = full >= 0 && counts_tiles ? full : whole;
      all_count_tiles &= counts_tiles;
      digits[name] = d;
    }
    if (open) return open_loop(t, at, digits);
    // Iterations that are unrolled are as good one by one as in a row.
    bool apart = t->mark.has(Annotation::unroll) && full > 0;
    if (trips != full && !apart && !isolates(t->isolate, full)) throw NotDigits{};
    auto saved = strides_;
    int64_t lanes = t->mark.has(Annotation::vectorize) ? lanes_around(digits) : 0;
    if (!beside_whole_ && (trips & (trips - 1)) == 0) lanes = 0;  // a whole vector of fewer lanes
    for (const auto& [name, d] : digits)
      if (d.iterator >= 0) strides_[{name, d.iterator}] = d.stride;
    int band = ++bands_;
    std::vector<NestRef> parts;
    if (trips != full && t->mark.has(Annotation::parallel)) {
      parts = {divided(t, at, digits, full, band, annotated_below(t, Annotation::parallel))};
    } else {
      parts = {part(t, at, digits, 0, full, band, trips < lanes ? lanes : 0)};
      bool beside = std::exchange(beside_whole_, beside_whole_ || apart);
      if (trips != full) parts.push_back(part(t, at, digits, full, trips, band, 0));
      beside_whole_ = beside;
    }
    strides_ = saved;
    return parts.size() == 1 ? parts[0] : nest_block(std::move(parts));
  }

  // Values that the digits around leave of each iterator of a vectorized band; 0: not the same of all.
  int64_t lanes_around(const std::map<std::string, Digit>& digits) const {
    int64_t lanes = -1;
    for (const auto& [name, d] : digits) {
      auto around = strides_.find({name, d.iterator});
      int64_t own = d.stride == 1 && around != strides_.end() ? around->second : 0;
      lanes = lanes < 0 || lanes == own ? own : 0;
    }
    return lanes;
  }

  static bool isolates(const Isolate& isolate, int64_t full) {
    if (!isolate) return false;
    auto range = constant_range(*isolate, 0);
    return range && range->first == 0 && range->second == full - 1;
  }

  // Takes the conditions that have their last iterator here, its value being `known` + the loop's.
  static Bounds bounds(Place& p, int iterator, const NestExprRef& known) {
    Bounds out;
    auto settled = [&](const Inequality& c) {
      int64_t by = c.coefficients[static_cast<size_t>(iterator)];
      if (by == 0) return false;
      NestExprRef rest = nest_constant(c.constant);
      for (size_t d = 0; d < p.extents.size(); ++d) {
        bool here = static_cast<int>(d) == iterator;
        if (c.coefficients[d] && !here && p.windows[d] != 1) return false;
        const NestExprRef& value = here ? known : p.values[d];
        if (c.coefficients[d] && value)
          rest = nest_op(NestExpr::add, {rest, nest_op(NestExpr::mul, {nest_constant(c.coefficients[d]), value})});
      }
      if (by != 1 && by != -1) rest = nest_op(NestExpr::floordiv, {rest, nest_constant(std::abs(by))});
      if (by > 0) out.lower.push_back(nest_op(NestExpr::neg, {rest}));
      else out.upper.push_back(rest);
      return true;
    };
    std::erase_if(p.open, settled);
    return out;
  }

  static bool same_bounds(const Bounds& a, const Bounds& b) {
    auto equal = [](const auto& x, const auto& y) {
      return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                        [](const NestExprRef& l, const NestExprRef& r) { return text(l) == text(r); });
    };
    return equal(a.lower, b.lower) && equal(a.upper, b.upper);
  }

  struct Ends {
    NestExprRef lower, upper;  // of the loop; absent: numbers
  };

  // Values first .. last-1 of the band, or those between the ends; lanes: of the whole vectors that they are the rest of, else 0.
  NestRef part(const LoopTreeRef& t, const Places& at, const std::map<std::string, Digit>& digits, int64_t first,
               int64_t last, int band, int64_t lanes, const Ends& ends = {}) {
    bool single = last - first == 1 && !lanes && !ends.upper;
    std::string variable = single ? "" : text("c", depth_);
    auto [inside, cut] = below(at, digits, first, variable);
    bool is_cut = !(cut.lower.empty() && cut.upper.empty());
    if (is_cut && (single || t->mark.has(Annotation::parallel) || t->mark.has(Annotation::vectorize))) throw NotDigits{};
    if (single) return walk(t->children[0], inside);
    ++depth_;
    auto node = loop_node(t, band, variable, first, last);
    node->lanes = lanes;
    if (ends.upper) node->lower = ends.lower, node->upper = ends.upper;
    for (const NestExprRef& e : cut.lower) node->lower = nest_op(NestExpr::max, {node->lower, e});
    for (const NestExprRef& e : cut.upper) node->upper = nest_op(NestExpr::min, {node->upper, e});
    node->children.push_back(walk(t->children[0], inside));
    --depth_;
    return node;
  }

  // The loop of values first .. last-1, without a body.
  static std::shared_ptr<NestNode> loop_node(const LoopTreeRef& t, int band, const std::string& variable, int64_t first, int64_t last) {
    auto node = std::make_shared<NestNode>();
    node->kind = NestNode::loop;
    node->variable = variable;
    node->mark = t->mark;
    node->band = band;
    node->lower = nest_constant(first);
    node->upper = nest_constant(last - 1);
    return node;
  }

  // Places inside of the band's value of that loop variable, or of the value `first` where there is none; what conditions of
  // all statements ask of the loop.
  std::pair<Places, Bounds> below(const Places& at, const std::map<std::string, Digit>& digits, int64_t first, const std::string& variable) {
    Places inside;
    bool single = variable.empty();
    std::optional<Bounds> cut;
    for (const auto& [name, d] : digits) {
      Place p = at.at(name);
      Bounds own;
      if (d.iterator >= 0 && d.stride == 1) own = bounds(p, d.iterator, p.values[d.iterator]);
      if (cut && !same_bounds(*cut, own)) throw NotDigits{};  // each its own guard
      cut = std::move(own);
      if (d.iterator >= 0) {
        int64_t& window = p.windows[d.iterator];
        window = std::min(d.stride, window - first * d.stride);
        NestExprRef digit = single ? nest_constant(first * d.stride) : nest_variable(variable);
        if (!single && d.stride != 1) digit = nest_op(NestExpr::mul, {digit, nest_constant(d.stride)});
        NestExprRef& sum = p.values[d.iterator];
        if (!(single && first == 0)) sum = sum ? nest_op(NestExpr::add, {sum, digit}) : digit;
      }
      inside[name] = std::move(p);
    }
    return {std::move(inside), cut.value_or(Bounds{})};
  }

  // `full` iterations of a divided band and the rest, in one loop: it is some thread's share like any other. A loop directly
  // inside that is divided along with it stays directly inside.
  NestRef divided(const LoopTreeRef& t, const Places& at, const std::map<std::string, Digit>& digits, int64_t full, int band,
                  bool along) {
    auto node = loop_node(t, band, text("c", depth_), 0, full + 1);
    auto which = std::make_shared<NestNode>();
    which->kind = NestNode::if_;
    which->condition = nest_op(NestExpr::lt, {nest_variable(node->variable), nest_constant(full)});
    auto body = [&](int64_t first, const std::string& variable) {
      auto [inside, cut] = below(at, digits, first, variable);
      if (!cut.lower.empty() || !cut.upper.empty()) throw NotDigits{};
      return walk(t->children[0], inside);
    };
    ++depth_;
    NestRef whole = body(0, full > 1 ? node->variable : ""), rest = body(full, "");
    --depth_;
    if (!along) {
      which->children = {whole, rest};
      node->children.push_back(std::move(which));
      return node;
    }
    auto parallel = [](const NestRef& n) { return n->kind == NestNode::loop && n->mark.has(Annotation::parallel); };
    if (!parallel(whole) || !parallel(rest) || text(whole->lower) != text(rest->lower) || text(whole->upper) != text(rest->upper))
      throw NotDigits{};
    which->children = {whole->children[0], rest->children[0]};
    auto inner = std::make_shared<NestNode>(*whole);
    inner->children = {which};
    node->children.push_back(std::move(inner));
    return node;
  }

  const Kernel& kernel_;
  Places places_;
  std::map<std::pair<std::string, int>, int64_t> strides_;  // of the innermost digit so far, per statement and iterator
  std::string p_name_;
  bool beside_whole_ = false;  // inside of an unrolled iteration that is the rest of whole ones
  int bands_ = 0, depth_ = 0;
};
}  // namespace

std::optional<NestRef> nest_of_digits(const Kernel& kernel) {
  try {
    return Builder(kernel).build();
  } catch (const NotDigits&) {
    return std::nullopt;
  }
}

}  // namespace nasc
