// Builders and C-like text of loop nests.
#include "codegen/nest.h"

#include "codegen/nest_text.h"

namespace nasc {

NestExprRef nest_constant(int64_t value) {
  auto e = std::make_shared<NestExpr>();
  e->op = NestExpr::constant;
  e->value = value;
  return e;
}
NestExprRef nest_variable(const std::string& name) {
  auto e = std::make_shared<NestExpr>();
  e->op = NestExpr::variable;
  e->name = name;
  return e;
}
NestExprRef nest_op(NestExpr::Op op, std::vector<NestExprRef> args) {
  auto e = std::make_shared<NestExpr>();
  e->op = op;
  e->args = std::move(args);
  return e;
}
NestRef nest_block(std::vector<NestRef> children) {
  if (children.size() == 1) return children[0];
  auto node = std::make_shared<NestNode>();
  node->kind = NestNode::block;
  node->children = std::move(children);
  return node;
}

namespace {
constexpr const char* kInfix[] = {"", "", " + ", " - ", " * ", "-", "min", "max", "floord", "mod",
                                  "select", " == ", " < ", " <= ", " > ", " >= ", " && ", " || ", "!"};

}  // namespace

std::string text(const NestExprRef& e) {
  if (e->op == NestExpr::constant) return std::to_string(e->value);
  if (e->op == NestExpr::variable) return e->name;
  const char* name = kInfix[e->op];
  if (name[0] == ' ') return "(" + text(e->args[0]) + name + text(e->args[1]) + ")";
  std::string out = std::string(name) + "(";
  for (size_t i = 0; i < e->args.size(); ++i) out += (i ? ", " : "") + text(e->args[i]);
  return out + ")";
}

namespace {
void print(const NestRef& n, int depth, std::string& out) {
  std::string pad(2 * depth, ' ');
  auto inner = [&](size_t k) { print(n->children[k], depth + 1, out); };
  switch (n->kind) {
    case NestNode::block:
      for (const auto& c : n->children) print(c, depth, out);
      return;
    case NestNode::loop:
      out += pad + "for (" + n->variable + " = " + text(n->lower) + "; " + n->variable + " <= " + text(n->upper) +
             "; " + n->variable + " += " + std::to_string(n->step) + ")";
      if (!n->mark.name.empty()) out += "  // " + nasc::text(n->mark);
      if (n->lanes) out += " of " + std::to_string(n->lanes);
      out += "\n";
      return inner(0);
    case NestNode::if_:
      out += pad + "if (" + text(n->condition) + ")\n";
      inner(0);
      if (n->children.size() > 1) {
        out += pad + "else\n";
        inner(1);
      }
      return;
    case NestNode::user:
      out += pad + n->statement + "(";
      for (size_t i = 0; i < n->args.size(); ++i) out += (i ? ", " : "") + text(n->args[i]);
      out += ");\n";
      return;
    case NestNode::stage:
      out += pad + "// " + nasc::text(n->mark) + "\n";
      return inner(0);
    case NestNode::barrier:
      out += pad + "// barrier\n";
  }
}
}  // namespace

std::string text(const NestRef& nest) {
  std::string out;
  print(nest, 0, out);
  return out;
}

}  // namespace nasc
