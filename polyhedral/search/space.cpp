// Binding to layers, counting, hashing.
#include "polyhedral/search/space.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "ir/hash.h"


namespace nasc {
namespace {
constexpr size_t kMaxNodes = 1'000'000;

std::string class_of(const SpaceLayer& layer) {
  std::string out = layer.op;
  for (const auto& [name, value] : layer.attributes)
    if (name != "index" && name != "lanes")
      out += text(" ", name, "=", value);
  return out;
}

std::string head(const SpaceValue& v) {
  if (v.kind == SpaceValue::list)
    return v.items.empty() ? "keep" : head(v.items[0]) + "+";
  return v.kind == SpaceValue::choice ? name(v.choices[0].pick) : v.text;
}

struct Builder {
  Space& space;
  int group;
  const SpaceLayer* layer; // none in a section
  bool inner = false;

  int add(const Choice& c, const std::string& path) {
    if (space.nodes.size() >= kMaxNodes)
      throw UserError(code::limit, "space", "more than a million decisions");
    int id = static_cast<int>(space.nodes.size());
    SpaceNode node;
    node.choice = &c, node.path = path, node.group = group, node.inner = inner;
    for (size_t i = 0; i < c.candidates.size(); ++i) {
      bool allowed = true;
      for (const Condition& when : c.candidates[i].when)
        allowed &= layer && holds(when, *layer);
      if (allowed)
        node.options.push_back(static_cast<int>(i));
    }
    space.nodes.push_back(std::move(node));
    std::vector<int> options = space.nodes[id].options;
    bool subset = space.nodes[id].is_subset();
    size_t slots = subset ? options.size() : static_cast<size_t>(std::max(c.k, 1));
    std::vector<std::vector<std::vector<int>>> below(space.nodes[id].is_range() ? 0 : slots);
    for (size_t s = 0; s < below.size(); ++s)
      for (size_t o = 0; o < options.size(); ++o) {
        below[s].emplace_back();
        if (subset && o != s)
          continue;
        const SpaceValue& v = c.candidates[options[o]];
        std::string slot = slots > 1 && !subset ? text("[", s, "]") : "";
        walk(v, path + slot + ":" + head(v), below[s].back());
      }
    space.nodes[id].below = std::move(below);
    return id;
  }

  void walk(const SpaceValue& v, const std::string& path, std::vector<int>& ids) {
    if (v.kind == SpaceValue::choice)
      ids.push_back(add(v.choices[0], path));
    for (size_t i = 0; i < v.items.size(); ++i)
      walk(v.items[i], path + "." + (v.kind == SpaceValue::call ? v.names[i] : std::to_string(i)),
           ids);
    for (const SpacePoint& p : v.points)
      point(p, path + "/" + p.name, ids);
  }

  void point(const SpacePoint& p, const std::string& path, std::vector<int>& ids) {
    bool outer = inner;
    inner |= p.inner;
    walk(p.value, path, ids);
    inner = outer;
  }
};

// A choice that no candidate is left for.
void check_options(const Space& space) {
  for (const SpaceNode& n : space.nodes) {
    const SpaceGroup& g = space.groups[n.group];
    bool few = !n.is_range() && !n.is_subset() &&
               n.options.size() < (n.choice->distinct ? static_cast<size_t>(n.choice->k) : 1);
    if (few)
      throw UserError(code::bad_text, text(g.block->file, ":", g.block->line),
                      text("no candidate of ", n.path, " holds for its layer; add keep"));
  }
}

double options_ways(const Space& space, int id);
double below_ways(const Space& space, const std::vector<int>& ids) {
  double ways = 1;
  for (int id : ids)
    ways *= options_ways(space, id);
  return ways;
}
// Numbers of Dnas below a node. Distinct and sorted picks are counted exactly while the candidates
// have no sub-spaces of unequal size, which is a symmetric function; else by elementary sums.
double options_ways(const Space& space, int id) {
  const SpaceNode& n = space.nodes[id];
  if (n.is_range())
    return n.count();
  double result = 1;
  if (n.is_subset()) {
    for (size_t i = 0; i < n.options.size(); ++i)
      result *= 1 + below_ways(space, n.below[i][i]);
    return result;
  }
  std::vector<double> ways;
  for (const auto& ids : n.below[0])
    ways.push_back(below_ways(space, ids));
  size_t k = static_cast<size_t>(n.choice->k);
  // sums[j]: over choices of j candidates, elementary (distinct) or complete (with repetition).
  std::vector<double> sums(k + 1, 0);
  sums[0] = 1;
  double factorial = 1;
  for (size_t j = 2; j <= k; ++j)
    factorial *= static_cast<double>(j);
  for (double w : ways) {
    if (n.choice->distinct)
      for (size_t j = k; j > 0; --j)
        sums[j] += sums[j - 1] * w;
    else
      for (size_t j = 1; j <= k; ++j)
        sums[j] += sums[j - 1] * w;
  }
  if (n.choice->sorted || k == 1)
    return sums[k];
  if (n.choice->distinct)
    return sums[k] * factorial;
  double sum = 0;
  for (double w : ways)
    sum += w;
  return std::pow(sum, static_cast<double>(k));
}

// `$ci` needs a layer that has ci; all layers of a group that shares decisions.
void check_attributes(const SpaceGroup& g, const SpaceValue& v) {
  const auto& known = layer_attributes();
  bool attribute = v.kind == SpaceValue::reference &&
                   std::find(known.begin(), known.end(), v.text) != known.end() &&
                   std::none_of(g.block->points.begin(), g.block->points.end(),
                                [&](const SpacePoint& p) { return p.name == v.text; });
  for (const SpaceLayer& layer : g.layers)
    if (attribute && !layer.attribute(v.text))
      throw UserError(code::bad_text, text(g.block->file, ":", g.block->line),
                      text(layer.name, " has no attribute ", v.text));
  for (const SpaceValue& item : v.items)
    check_attributes(g, item);
  for (const Choice& c : v.choices)
    for (const SpaceValue& candidate : c.candidates)
      check_attributes(g, candidate);
  for (const SpacePoint& p : v.points)
    check_attributes(g, p.value);
}

void add_group(Space& space, SpaceGroup group) {
  int id = static_cast<int>(space.groups.size());
  space.groups.push_back(std::move(group));
  const SpaceGroup& g = space.groups.back();
  Builder builder{space, id, g.layers.empty() ? nullptr : &g.layers[0], false};
  std::vector<int> roots;
  for (const SpacePoint& p : g.block->points) {
    check_attributes(g, p.value);
    builder.point(p, g.where + "/" + p.name, roots);
  }
  space.groups[id].roots = std::move(roots);
}

void bind_block(Space& space, const SpaceBlock& block, const std::vector<SpaceLayer>& layers) {
  if (!block.section.empty())
    return add_group(space, {block.section, true, &block, {}, {}});
  std::vector<std::vector<SpaceLayer>> sets;
  std::map<std::string, size_t> known;
  for (const SpaceLayer& layer : layers) {
    if (!matches(block.selector, layer))
      continue;
    std::string key = block.per == Per::layer   ? layer.name
                      : block.per == Per::klass ? class_of(layer)
                                                : "";
    auto [at, is_new] = known.emplace(key, sets.size());
    if (is_new)
      sets.emplace_back();
    sets[at->second].push_back(layer);
  }
  if (sets.empty() && !block.optional)
    throw UserError(code::bad_text, text(block.file, ":", block.line),
                    text("on ", text(block.selector), " matches none of ", layers.size(),
                         " layers; `optional on` allows that"));
  for (auto& set : sets) {
    std::string where = set[0].name;
    add_group(space, {std::move(where), false, &block, std::move(set), {}});
  }
}
} // namespace

size_t SpaceNode::arity() const {
  return is_range() ? 1 : is_subset() ? options.size() : static_cast<size_t>(choice->k);
}
double SpaceNode::count() const {
  if (choice->pick == Pick::floatv)
    return choice->low == choice->high ? 1 : std::numeric_limits<double>::infinity();
  return choice->pick == Pick::intv ? choice->high - choice->low + 1
         : is_subset()              ? 2
                                    : static_cast<double>(options.size());
}

std::vector<int> Space::roots() const {
  std::vector<int> out;
  for (const SpaceGroup& g : groups)
    out.insert(out.end(), g.roots.begin(), g.roots.end());
  return out;
}
Space alone(const Space& space, size_t group) {
  Space one = space;
  for (size_t g = 0; g < one.groups.size(); ++g)
    if (g != group)
      one.groups[g].roots.clear();
  return one;
}

double Space::size() const { return below_ways(*this, roots()); }

uint64_t Space::hash() const {
  std::string all = text(*source);
  for (const SpaceGroup& g : groups)
    for (const SpaceLayer& layer : g.layers)
      all += layer.name + " " + class_of(layer) + "\n";
  return hash_bytes(all.data(), all.size());
}

Space bound_space(SpaceText source, const std::vector<SpaceLayer>& layers) {
  Space out;
  out.source = std::make_shared<const SpaceText>(std::move(source));
  for (const SpaceBlock& block : out.source->blocks)
    bind_block(out, block, layers);
  check_options(out);
  if (out.nodes.empty())
    throw UserError(code::bad_text,
                    out.source->blocks.empty() ? "space" : out.source->blocks[0].file,
                    text("the space has no choices for this model of ", layers.size(), " layers"));
  return out;
}

std::string describe(const Space& space) {
  std::string out;
  for (const SpaceNode& n : space.nodes) {
    out += (n.inner ? "inner " : "") + n.path + " " + name(n.choice->pick);
    if (n.is_range())
      out += text("(", n.choice->low, ", ", n.choice->high, ")");
    else
      out += text(" of ", n.options.size());
    out += "\n";
  }
  return out;
}

} // namespace nasc
