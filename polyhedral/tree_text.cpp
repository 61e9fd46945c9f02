// Flow-style YAML text of a schedule tree.
#include "polyhedral/tree_text.h"

#include <algorithm>
#include <unordered_map>

#include "ir/joined.h"
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

std::string tuple(const Statement& s) {
  std::string out = s.name + "[";
  for (size_t i = 0; i < s.iterators.size(); ++i) out += (i ? ", " : "") + s.iterators[i];
  return out + "]";
}

struct Writer {
  const Program& program;
  std::string parameters;

  std::string braces(const std::string& body) const { return parameters + "{ " + body + " }"; }

  std::string write(const TextNode& n) const {
    auto child = [&]() -> std::string {
      if (n.children.empty() || n.children[0]->kind == TextNode::leaf) return "";
      return ", child: " + write(*n.children[0]);
    };
    switch (n.kind) {
      case TextNode::leaf: return "";
      case TextNode::mark: return "{ mark: \"" + n.text + "\"" + child() + " }";
      case TextNode::band: {
        std::string rows;
        for (const auto& [name, expr] : n.exprs)
          rows += (rows.empty() ? "" : "; ") + tuple(program.statement(name)) + " -> [(" + expr + ")]";
        std::string band = "{ schedule: \"" + parameters + "[{ " + rows + " }]\"";
        if (!n.options.empty()) band += ", options: \"" + n.options + "\"";
        return "{ mark: \"" + n.text + "\", child: " + band + child() + " } }";
      }
      case TextNode::sequence: {
        std::string out = "{ sequence: [";
        for (size_t i = 0; i < n.children.size(); ++i) {
          std::string filter;
          for (const auto& s : n.filters[i]) filter += (filter.empty() ? "" : "; ") + tuple(program.statement(s));
          out += (i ? ", " : " ") + std::string("{ filter: \"") + braces(filter) + "\"";
          if (n.children[i]->kind != TextNode::leaf) out += ", child: " + write(*n.children[i]);
          out += " }";
        }
        return out + " ] }";
      }
    }
    return "";
  }
};
}  // namespace

TextNodeRef tree_leaf() { return std::make_shared<TextNode>(); }
TextNodeRef tree_band(const std::string& mark, std::map<std::string, std::string> exprs, TextNodeRef child,
                  const std::string& options) {
  return std::make_shared<TextNode>(TextNode{TextNode::band, mark, std::move(exprs), options, {std::move(child)}, {}});
}
TextNodeRef tree_mark(const std::string& mark, TextNodeRef child) {
  return std::make_shared<TextNode>(TextNode{TextNode::mark, mark, {}, "", {std::move(child)}, {}});
}
TextNodeRef tree_sequence(std::vector<std::pair<std::vector<std::string>, TextNodeRef>> children) {
  if (children.size() == 1) return children[0].second;
  TextNode n{TextNode::sequence, "", {}, "", {}, {}};
  for (auto& [filter, child] : children) {
    n.filters.push_back(std::move(filter));
    n.children.push_back(std::move(child));
  }
  return std::make_shared<TextNode>(std::move(n));
}

namespace {
// What isl made of equal text before, in this thread: kernels of one kind have the same loops, and isl takes long to
// read.
template <class Value>
const Value& parsed_once(const std::string& line) {
  constexpr size_t kMost = 20'000;
  static thread_local std::unordered_map<std::string, Value> known;
  if (auto it = known.find(line); it != known.end()) return it->second;
  Value value(isl_context(), line);
  check_isl_quota();
  if (known.size() >= kMost) known.clear();
  return known.emplace(line, std::move(value)).first->second;
}

Isolate isolated(const std::string& options) {
  if (!options.empty())
    for (const auto& option : sets(parsed_once<isl::union_set>(options)))
      if (option.is_wrapping()) return option.unwrap().range();
  return {};
}

// The nodes that isl's tree of the same text is read as.
LoopTreeRef nodes(const Writer& w, const TextNode& n, const Names& live) {
  if (n.kind == TextNode::leaf) return leaf(live);
  if (n.kind == TextNode::sequence) {
    TreeParts parts;
    for (size_t k = 0; k < n.children.size(); ++k) {
      Filter filter;
      Names below;
      for (const auto& name : n.filters[k])
        if (live.count(name)) {
          filter.emplace(name, isl::set::universe(w.program.statement(name).domain.space()));
          below.insert(name);
        }
      if (!below.empty()) parts.emplace_back(std::move(filter), nodes(w, *n.children[k], below));
    }
    return sequence(std::move(parts));
  }
  auto mark = parse_mark(n.text);
  NASC_CHECK(mark) << mark.error().text;
  NASC_CHECK((n.kind == TextNode::band) == (mark->kind == Mark::loop)) << "mark " << n.text;
  LoopTreeRef below = n.children.empty() ? leaf(live) : nodes(w, *n.children[0], live);
  if (n.kind == TextNode::mark) return region(*mark, std::move(below));
  Band band;
  for (const auto& name : live) {
    auto expr = n.exprs.find(name);
    NASC_CHECK(expr != n.exprs.end()) << "band " << mark->name << " misses " << name;
    band.emplace(name, parsed_once<isl::pw_aff>(w.braces(tuple(w.program.statement(name)) + " -> [(" + expr->second + ")]")));
  }
  return loop(*mark, std::move(band), std::move(below), isolated(n.options));
}
}  // namespace

std::string whole_tiles(size_t outside, int64_t size, const Extent& extent) {
  if (size == 1 || (extent.is_constant() && extent.constant() % size == 0)) return {};
  std::string outer, parameters = extent.is_affine() ? joined(extent.parameters()) : isl_text(extent);
  for (size_t k = 0; k < outside; ++k) outer += text(k ? ", c" : "c", k);
  return text("[", parameters, "] -> { isolate[[", outer, "] -> [x]] : 0 <= x and ", size, "*x + ", size, " <= ", isl_text(extent), " }");
}

Schedule build_tree(const Program& program, const TextNodeRef& root) {
  std::string names;
  for (const auto& [name, extent] : program.parameters()) names += (names.empty() ? "" : ", ") + name;
  Writer w{program, names.empty() ? "" : "[" + names + "] -> "};
  isl::union_set domain = program.domain();
  std::string body = root->kind == TextNode::leaf ? "" : ", child: " + w.write(*root);
  Names all;
  for (const Statement& s : program.statements) all.insert(s.name);
  return {domain, nodes(w, *root, all), text("{ domain: \"", domain, "\"", body, " }")};
}

}  // namespace nasc
