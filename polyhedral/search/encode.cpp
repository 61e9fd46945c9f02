// The decisions that give the wanted values: templates are matched with the literal values.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "polyhedral/search/decode.h"

namespace nasc {
namespace {
using Values = std::vector<std::pair<std::string, std::string>>;

SpaceValue literal(const std::string& text) {
  return parse_space("on * { v = " + text + " }", "value").blocks[0].points[0].value;
}

class Matcher {
public:
  Matcher(const Space& space, const Values& wanted)
      : space_(space), wanted_(wanted.begin(), wanted.end()) {}

  bool points(const std::vector<SpacePoint>& points, const std::string& prefix,
              const std::vector<int>*& ids, std::vector<double>& out) {
    return std::all_of(points.begin(), points.end(), [&](const SpacePoint& p) {
      auto found = wanted_.find(prefix + p.name);
      return found != wanted_.end() &&
             match(p.value, literal(found->second), found->first, ids, out);
    });
  }

private:
  // `ids`: the nodes of the choices still to come at this level; advanced past those of v.
  bool match(const SpaceValue& v, const SpaceValue& wanted, const std::string& path,
             const std::vector<int>*& ids, std::vector<double>& out) {
    bool equal = true;
    if (v.kind == SpaceValue::choice) {
      int id = (*ids)[next_++];
      equal = choose(space_.nodes[id], wanted, path, out);
    } else if (v.kind != SpaceValue::reference) { // what a reference gives follows from its point
      equal = v.kind == wanted.kind && v.text == wanted.text && v.names == wanted.names &&
              v.items.size() == wanted.items.size();
      for (size_t i = 0; equal && i < v.items.size(); ++i)
        equal = match(v.items[i], wanted.items[i], path, ids, out);
    }
    return equal && (v.points.empty() || points(v.points, path + "/", ids, out));
  }

  bool choose(const SpaceNode& n, const SpaceValue& wanted, const std::string& path,
              std::vector<double>& out) {
    std::vector<double> own, rest;
    if (n.is_range()) {
      double value = 0;
      auto [end, error] =
          std::from_chars(wanted.text.data(), wanted.text.data() + wanted.text.size(), value);
      bool fits = wanted.kind == SpaceValue::word && error == std::errc() &&
                  value >= n.choice->low && value <= n.choice->high &&
                  (n.choice->pick == Pick::floatv || value == std::floor(value));
      own.push_back(value);
      out.insert(out.end(), own.begin(), own.end());
      return fits;
    }
    bool many = n.choice->pick != Pick::oneof;
    if (many && wanted.kind != SpaceValue::list)
      return false;
    std::vector<SpaceValue> items = many ? wanted.items : std::vector<SpaceValue>{wanted};
    if (!n.is_subset() && items.size() != n.arity())
      return false;
    own.assign(n.is_subset() ? n.arity() : 0, 0);
    size_t from = 0;
    for (size_t s = 0; s < items.size(); ++s) {
      // Slots are numbered by position, also those of a subset.
      std::string at =
          many ? text(path, ".", n.is_subset() ? subset_slot(n, items[s], from) : s) : path;
      int found = candidate(n, s, items[s], at, own, from, rest);
      if (found < 0)
        return false;
      if (n.is_subset())
        own[static_cast<size_t>(found)] = 1, from = static_cast<size_t>(found) + 1;
      else
        own.push_back(n.options[static_cast<size_t>(found)]);
    }
    out.insert(out.end(), own.begin(), own.end());
    out.insert(out.end(), rest.begin(), rest.end());
    return true;
  }

  // A subset's sub-spaces have paths by candidate: the first that can be meant.
  size_t subset_slot(const SpaceNode& n, const SpaceValue& wanted, size_t from) const {
    for (size_t o = from; o < n.options.size(); ++o)
      if (n.choice->candidates[static_cast<size_t>(n.options[o])].text == wanted.text)
        return o;
    return from;
  }

  // Position of the first option that matches; appends what is below it.
  int candidate(const SpaceNode& n, size_t slot, const SpaceValue& wanted, const std::string& path,
                const std::vector<double>& own, size_t from, std::vector<double>& rest) {
    for (size_t o = from; o < n.options.size(); ++o) {
      double index = n.options[o];
      if (!n.is_subset() && n.choice->distinct &&
          std::find(own.begin(), own.end(), index) != own.end())
        continue;
      if (!n.is_subset() && n.choice->sorted && !own.empty() && index < own.back())
        continue;
      size_t outer = next_;
      next_ = 0;
      const std::vector<int>* ids = &n.below[n.is_subset() ? o : slot][o];
      std::vector<double> below_values;
      bool found =
          match(n.choice->candidates[static_cast<size_t>(index)], wanted, path, ids, below_values);
      next_ = outer;
      if (found) {
        rest.insert(rest.end(), below_values.begin(), below_values.end());
        return static_cast<int>(o);
      }
    }
    return -1;
  }

  const Space& space_;
  std::map<std::string, std::string> wanted_;

public:
  size_t next_ = 0;
};
} // namespace

std::optional<Dna> encode(const Space& space, const Values& values) {
  Matcher matcher(space, values);
  Dna out;
  for (const SpaceGroup& g : space.groups) {
    const std::vector<int>* ids = &g.roots;
    matcher.next_ = 0;
    if (!matcher.points(g.block->points, g.where + "/", ids, out.values))
      return {};
  }
  if (invalid(space, out))
    return {};
  return out;
}

} // namespace nasc
