// Flow-style YAML text of a schedule tree.
#include "polyhedral/tree_text.h"

#include <algorithm>

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

Schedule build_tree(const Program& program, const TextNodeRef& root) {
  std::string names;
  for (const auto& [name, extent] : program.parameters()) names += (names.empty() ? "" : ", ") + name;
  Writer w{program, names.empty() ? "" : "[" + names + "] -> "};
  std::ostringstream domain;
  domain << program.domain();
  std::string body = root->kind == TextNode::leaf ? "" : ", child: " + w.write(*root);
  return {parse_schedule("{ domain: \"" + domain.str() + "\"" + body + " }")};
}

}  // namespace nasc
