// Pairs of statements walked down the loop tree with what their accesses say about the iterators.
#include "legality/order_matched.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "ir/floor.h"
#include "ir/isl_box.h"
#include "ir/prefetch.h"
#include "polyhedral/dependence.h"
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

constexpr long kMost = 1L << 40; // of numbers here: their products and sums stay below 64 bits

struct Unknown {};

long small(long value) {
  if (value > kMost || value < -kMost)
    throw Unknown{};
  return value;
}
long product(long a, long b) {
  long out = 0;
  if (__builtin_mul_overflow(a, b, &out))
    throw Unknown{};
  return small(out);
}

// A quasi-affine function of symbols, one per iterator of either instance of a pair: constant + sum
// of coefficient * symbol + coefficient * floor(inner / denominator). Equal texts are equal
// numbers.
struct Form {
  std::map<int, long> terms;
  std::map<std::string, long> parameters, floors; // floors by text, which is canonical
  std::map<std::string, std::set<int>> below;     // symbols inside of the floors
  long constant = 0;

  bool is_number() const { return terms.empty() && parameters.empty() && floors.empty(); }
  bool inside(int symbol) const {
    return std::any_of(below.begin(), below.end(),
                       [&](const auto& f) { return f.second.count(symbol) > 0; });
  }
  void add(long by, const Form& f) {
    constant = small(constant + product(by, f.constant));
    for (auto [symbol, c] : f.terms)
      plus(terms, symbol, product(by, c));
    for (const auto& [name, c] : f.parameters)
      plus(parameters, name, product(by, c));
    for (const auto& [inner, c] : f.floors) {
      plus(floors, inner, product(by, c));
      if (floors.count(inner))
        below[inner] = f.below.at(inner);
      else
        below.erase(inner);
    }
  }
  template <class Key> static void plus(std::map<Key, long>& to, const Key& key, long by) {
    long& c = to[key];
    c = small(c + by);
    if (!c)
      to.erase(key);
  }
};

std::string text(const Form& f) {
  std::string out = std::to_string(f.constant);
  for (auto [symbol, c] : f.terms)
    out += nasc::text("+", c, "s", symbol);
  for (const auto& [name, c] : f.parameters)
    out += nasc::text("+", c, "*", name);
  for (const auto& [inner, c] : f.floors)
    out += nasc::text("+", c, inner);
  return out;
}

Form divided(const Form& f, long by) {
  if (by <= 0)
    throw Unknown{};
  Form out;
  if (f.is_number())
    out.constant = floor_div(f.constant, by);
  if (by == 1 || f.is_number())
    return by == 1 ? f : out;
  std::set<int> symbols;
  for (auto [symbol, unused] : f.terms)
    symbols.insert(symbol);
  for (const auto& [unused, inner] : f.below)
    symbols.insert(inner.begin(), inner.end());
  std::string inner = nasc::text("[(", text(f), ")/", by, "]");
  out.floors[inner] = 1;
  out.below[inner] = std::move(symbols);
  return out;
}

struct Touch {
  const std::string* tensor;
  bool writes;
  std::vector<QuasiAff> index;
};

using Interval = std::pair<int64_t, int64_t>;
struct Instances {
  const Statement* statement;
  std::vector<std::optional<Interval>> ranges; // of the iterators, where known
  std::vector<Touch> touches;                  // the write first
};

Instances instances_of(const Statement& s) {
  Instances out{&s, std::vector<std::optional<Interval>>(s.iterators.size()), {}};
  for (const isl::set* set : {&s.box, &s.domain}) { // the domain is a part of its box
    auto ranges = plain_ranges(*set);
    for (size_t i = 0; i < ranges.size(); ++i)
      if (ranges[i])
        out.ranges[i] = ranges[i];
  }
  auto add = [&](const Access& a, bool writes) {
    out.touches.push_back({&a.tensor, writes, {}});
    for (unsigned d = 0; d < a.map.size(); ++d)
      out.touches.back().index.push_back(quasi(a.map.at(static_cast<int>(d))));
  };
  add(s.write, true);
  for (const Access& read : value_reads(s))
    add(read, false);
  return out;
}

// Two instances that touch one element: symbols [0, first) are iterators of the first, the others
// of the second; some are functions of others.
class Pair {
public:
  Pair(const Instances& a, const Touch& ta, const Instances& b, const Touch& tb)
      : second_(static_cast<int>(a.ranges.size())) {
    ranges_ = a.ranges;
    ranges_.insert(ranges_.end(), b.ranges.begin(), b.ranges.end());
    for (size_t s = 0; s < ranges_.size(); ++s)
      if (ranges_[s] && ranges_[s]->first == ranges_[s]->second)
        known_[static_cast<int>(s)].constant = small(ranges_[s]->first);
    for (size_t d = 0; d < ta.index.size() && exists; ++d)
      equate(ta.index[d], tb.index[d]);
  }
  bool exists = true; // no index is known to differ

  Form value(const QuasiAff& f, bool of_second) const {
    Form sum;
    sum.constant = small(f.linear.constant);
    for (size_t i = 0; i < f.linear.coefficients.size(); ++i)
      if (long by = f.linear.coefficients[i])
        sum.add(by, symbol(static_cast<int>(i), of_second));
    for (const auto& [name, by] : f.linear.parameters)
      Form::plus(sum.parameters, name, small(by));
    for (const auto& [by, inner] : f.floors)
      sum.add(by, value(inner, of_second));
    return divided(sum, f.linear.denominator);
  }
  Form symbol(int iterator, bool of_second) const {
    int s = iterator + (of_second ? second_ : 0);
    if (auto it = known_.find(s); it != known_.end())
      return it->second;
    Form out;
    out.terms[s] = 1;
    return out;
  }

private:
  void equate(const QuasiAff& x, const QuasiAff& y) {
    Form zero = value(x, false);
    zero.add(-1, value(y, true));
    if (zero.is_number()) {
      exists = zero.constant == 0;
      return;
    }
    if (digits(zero))
      return;
    for (auto [s, c] : zero.terms) {
      if ((c != 1 && c != -1) || zero.inside(s))
        continue;
      Form rest = zero;
      rest.terms.erase(s);
      Form is;
      is.add(-c, rest);
      return define(s, is);
    }
  }

  // c1 (a1 - b1) + c2 (a2 - b2) + .. = 0 where all that the smaller terms can come to is less than
  // the next coefficient: every a equals its b.
  bool digits(const Form& zero) {
    if (zero.constant || !zero.floors.empty() || !zero.parameters.empty())
      return false;
    std::map<long, std::vector<int>> by_size; // positive coefficient: symbols of either sign
    for (auto [s, c] : zero.terms)
      by_size[std::abs(c)].push_back(s);
    long reach = 0;
    for (const auto& [c, symbols] : by_size) {
      if (symbols.size() != 2 || zero.terms.at(symbols[0]) != -zero.terms.at(symbols[1]) ||
          reach >= c)
        return false;
      if (c == by_size.rbegin()->first)
        break; // nothing is larger: what this one can come to plays no part
      if (!ranges_[symbols[0]] || ranges_[symbols[0]] != ranges_[symbols[1]])
        return false;
      auto [low, high] = *ranges_[symbols[0]];
      reach = small(reach + product(c, small(high - low)));
    }
    for (const auto& [c, symbols] : by_size) {
      Form other;
      other.terms[symbols[1]] = 1;
      define(symbols[0], other);
    }
    return true;
  }

  // Forms made before keep symbols that are functions now: what is known is brought up to date.
  // Floors are texts: a function of one that is inside some floor is not used.
  void define(int s, const Form& is) {
    for (const auto& [unused, form] : known_)
      if (form.inside(s))
        return;
    for (auto& [unused, form] : known_)
      if (auto term = form.terms.find(s); term != form.terms.end()) {
        long by = term->second;
        form.terms.erase(term);
        form.add(by, is);
      }
    known_[s] = is;
  }

  int second_;
  std::vector<std::optional<Interval>> ranges_;
  std::map<int, Form> known_; // in terms of symbols that are not in it
};

class Judge {
public:
  explicit Judge(const Kernel& kernel) : tree_(tree_of(kernel.schedule)) {
    for (const Statement& s : kernel.program.statements)
      all_.push_back(instances_of(s));
  }

  // Throws Unknown.
  void check() {
    for (size_t a = 0; a < all_.size(); ++a)
      for (size_t b = a; b < all_.size(); ++b)
        for (const Touch& ta : all_[a].touches)
          for (const Touch& tb : all_[b].touches)
            if (*ta.tensor == *tb.tensor && (ta.writes || tb.writes))
              check(a, ta, b, tb);
  }

private:
  void check(size_t a, const Touch& ta, size_t b, const Touch& tb) {
    Pair p(all_[a], ta, all_[b], tb);
    if (!p.exists)
      return;
    if (a != b)
      return walk(a, b, p, true);
    if (is_order_free(*all_[a].statement))
      return walk(a, b, p, false);
    for (int i = 0; i < static_cast<int>(all_[a].ranges.size()); ++i)
      if (text(p.symbol(i, false)) != text(p.symbol(i, true)))
        throw Unknown{}; // more than an instance and itself
  }

  // The first instance of the pair comes first when `ordered`; else any order will do, and lanes of
  // a vector are combined.
  void walk(size_t a, size_t b, const Pair& p, bool ordered) {
    const std::string &x = all_[a].statement->name, &y = all_[b].statement->name;
    for (LoopTreeRef node = tree_;;) {
      switch (node->kind) {
      case LoopTree::leaf:
        if (ordered)
          throw Unknown{};
        return;
      case LoopTree::region:
        node = node->children[0];
        break;
      case LoopTree::sequence: {
        size_t at_x = child(*node, x), at_y = child(*node, y);
        if (ordered && at_x > at_y)
          throw Unknown{};
        if (at_x != at_y)
          return;
        node = node->children[at_x];
        break;
      }
      case LoopTree::loop:
        if (separates(node, x, y, p, ordered))
          return;
        node = node->children[0];
        break;
      }
    }
  }

  // Whether the first instance is in an earlier iteration than the second.
  bool separates(const LoopTreeRef& node, const std::string& x, const std::string& y, const Pair& p,
                 bool ordered) {
    Form distance = p.value(value(node, y), true);
    distance.add(-1, p.value(value(node, x), false));
    bool equal = distance.is_number() && distance.constant == 0;
    bool parallel = node->mark.has(Annotation::parallel),
         vector = node->mark.has(Annotation::vectorize) && !parallel;
    if (!equal && (parallel || (vector && ordered)))
      throw Unknown{};
    if (equal || !ordered)
      return false;
    if (!distance.is_number() || distance.constant < 0)
      throw Unknown{};
    return true;
  }

  static size_t child(const LoopTree& sequence, const std::string& statement) {
    std::optional<size_t> out;
    for (size_t k = 0; k < sequence.children.size(); ++k) {
      if (!sequence.filters[k].count(statement))
        continue;
      if (out)
        throw Unknown{}; // its instances are in several
      out = k;
    }
    if (!out)
      throw Unknown{};
    return *out;
  }

  const QuasiAff& value(const LoopTreeRef& node, const std::string& statement) {
    auto [it, fresh] = values_.try_emplace({node.get(), statement});
    if (fresh) {
      auto band = node->band.find(statement);
      if (band == node->band.end() || !band->second.isa_aff())
        throw Unknown{};
      it->second = quasi(band->second.as_aff());
    }
    return it->second;
  }

  LoopTreeRef tree_;
  std::vector<Instances> all_;
  std::map<std::pair<const LoopTree*, std::string>, QuasiAff> values_;
};

} // namespace

bool keeps_matched_order(const Kernel& kernel) {
  auto answer = with_quota(IslEntry::order, [&]() -> Expected<bool> {
    try {
      Judge(kernel).check();
      return true;
    } catch (const Unknown&) {
      return false;
    }
  });
  return answer && *answer;
}

} // namespace nasc
