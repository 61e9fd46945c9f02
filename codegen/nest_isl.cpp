// From a schedule tree through isl's AST to a Nest.
#include <algorithm>
#include <map>
#include <optional>

#include "codegen/nest.h"
#include "codegen/nest_text.h"

namespace nasc {
namespace {

struct OpRow {
  isl_ast_expr_op_type isl;
  NestExpr::Op op;
};
// Exact division and the quotients by non-negative dividends are floor divisions; zdiv_r is only compared with zero.
constexpr OpRow kOps[] = {
    {isl_ast_expr_op_and, NestExpr::and_},         {isl_ast_expr_op_and_then, NestExpr::and_},
    {isl_ast_expr_op_or, NestExpr::or_},           {isl_ast_expr_op_or_else, NestExpr::or_},
    {isl_ast_expr_op_max, NestExpr::max},          {isl_ast_expr_op_min, NestExpr::min},
    {isl_ast_expr_op_minus, NestExpr::neg},        {isl_ast_expr_op_add, NestExpr::add},
    {isl_ast_expr_op_sub, NestExpr::sub},          {isl_ast_expr_op_mul, NestExpr::mul},
    {isl_ast_expr_op_div, NestExpr::floordiv},     {isl_ast_expr_op_fdiv_q, NestExpr::floordiv},
    {isl_ast_expr_op_pdiv_q, NestExpr::floordiv},  {isl_ast_expr_op_pdiv_r, NestExpr::mod},
    {isl_ast_expr_op_zdiv_r, NestExpr::mod},       {isl_ast_expr_op_cond, NestExpr::select},
    {isl_ast_expr_op_select, NestExpr::select},    {isl_ast_expr_op_eq, NestExpr::eq},
    {isl_ast_expr_op_le, NestExpr::le},            {isl_ast_expr_op_lt, NestExpr::lt},
    {isl_ast_expr_op_ge, NestExpr::ge},            {isl_ast_expr_op_gt, NestExpr::gt},
};

int64_t integer(const isl::val& v) { return v.num_si(); }

NestExprRef expression(const isl::ast_expr& e) {
  if (e.isa<isl::ast_expr_int>()) return nest_constant(integer(e.as<isl::ast_expr_int>().val()));
  if (e.isa<isl::ast_expr_id>()) return nest_variable(e.as<isl::ast_expr_id>().id().name());
  auto op = e.as<isl::ast_expr_op>();
  auto row = std::find_if(std::begin(kOps), std::end(kOps), [&](const OpRow& r) { return r.isl == op_kind(e); });
  NASC_CHECK(row != std::end(kOps)) << "AST expression " << e.to_C_str();
  std::vector<NestExprRef> args;
  for (unsigned i = 0; i < op.n_arg(); ++i) args.push_back(expression(op.arg(i)));
  bool folds = (row->op == NestExpr::min || row->op == NestExpr::max) && args.size() > 2;
  if (!folds) return nest_op(row->op, std::move(args));
  NestExprRef out = args[0];
  for (size_t i = 1; i < args.size(); ++i) out = nest_op(row->op, {out, args[i]});
  return out;
}

struct Converter {
  int bands = 0;
  std::optional<Mark> pending;  // of the loops directly below; dies at the next mark
  int pending_band = 0;

  NestRef convert(const isl::ast_node& n) {
    if (n.isa<isl::ast_node_mark>()) return mark(n.as<isl::ast_node_mark>());
    if (n.isa<isl::ast_node_for>()) return loop(n.as<isl::ast_node_for>());
    if (n.isa<isl::ast_node_if>()) return branch(n.as<isl::ast_node_if>());
    if (n.isa<isl::ast_node_block>()) {
      auto list = n.as<isl::ast_node_block>().children();
      std::vector<NestRef> children;
      for (unsigned i = 0; i < list.size(); ++i) children.push_back(below(list.at(i)));
      return nest_block(std::move(children));
    }
    return user(n.as<isl::ast_node_user>());
  }

  // A child that may use the pending mark, which stays pending for its siblings.
  NestRef below(const isl::ast_node& n) {
    auto keep = pending;
    int keep_band = pending_band;
    NestRef out = convert(n);
    pending = keep;
    pending_band = keep_band;
    return out;
  }

  static bool holds(const NestRef& n, int band) {
    if (n->kind == NestNode::loop) return n->band == band;
    if (n->kind == NestNode::user) return false;
    return std::any_of(n->children.begin(), n->children.end(), [&](const NestRef& c) { return holds(c, band); });
  }
  // Parts of a parallel band that lost their loop, having one iteration only, get it back: one thread runs them.
  static NestRef with_remainders(NestRef n, const Mark& mark, int band) {
    if (!mark.has(Annotation::parallel) || n->kind != NestNode::block || !holds(n, band)) return n;
    std::vector<NestRef> children;
    for (const auto& c : n->children) {
      if (holds(c, band)) {
        children.push_back(c);
        continue;
      }
      auto loop = std::make_shared<NestNode>();
      loop->kind = NestNode::loop;
      loop->variable = "once";
      loop->lower = loop->upper = nest_constant(0);
      loop->mark = mark;
      loop->band = band;
      loop->children.push_back(c);
      children.push_back(loop);
    }
    return nest_block(std::move(children));
  }

  NestRef mark(const isl::ast_node_mark& n) {
    auto parsed = parse_mark(n.id().name());
    NASC_CHECK(parsed) << parsed.error().text;
    pending.reset();
    if (parsed->kind == Mark::loop) {
      pending = *parsed;
      int band = pending_band = ++bands;
      return with_remainders(convert(n.node()), *parsed, band);
    }
    auto node = std::make_shared<NestNode>();
    node->kind = parsed->kind == Mark::stage ? NestNode::stage : NestNode::barrier;
    node->mark = *parsed;
    if (node->kind == NestNode::stage) {
      node->children.push_back(convert(n.node()));
      return node;
    }
    return nest_block({node, convert(n.node())});
  }

  NestRef loop(const isl::ast_node_for& n) {
    auto node = std::make_shared<NestNode>();
    node->kind = NestNode::loop;
    node->variable = n.iterator().as<isl::ast_expr_id>().id().name();
    node->lower = expression(n.init());
    if (pending) node->mark = *pending;
    node->band = pending ? pending_band : ++bands;
    pending.reset();
    if (n.is_degenerate()) {
      node->upper = node->lower;
    } else {
      node->step = integer(n.inc().as<isl::ast_expr_int>().val());
      auto cond = n.cond().as<isl::ast_expr_op>();
      node->upper = expression(cond.arg(1));
      if (op_kind(n.cond()) == isl_ast_expr_op_lt)
        node->upper = nest_op(NestExpr::sub, {node->upper, nest_constant(1)});
      else
        NASC_CHECK(op_kind(n.cond()) == isl_ast_expr_op_le) << "loop condition " << n.cond().to_C_str();
    }
    node->children.push_back(convert(n.body()));
    return node;
  }

  NestRef branch(const isl::ast_node_if& n) {
    auto node = std::make_shared<NestNode>();
    node->kind = NestNode::if_;
    node->condition = expression(n.cond());
    node->children.push_back(below(n.then_node()));
    if (n.has_else_node()) node->children.push_back(below(n.else_node()));
    return node;
  }

  NestRef user(const isl::ast_node_user& n) {
    auto node = std::make_shared<NestNode>();
    node->kind = NestNode::user;
    auto call = n.expr().as<isl::ast_expr_op>();
    node->statement = call.arg(0).as<isl::ast_expr_id>().id().name();
    for (unsigned i = 1; i < call.n_arg(); ++i) node->args.push_back(expression(call.arg(i)));
    return node;
  }
};

isl::set parameter_context(const Program& program) {
  std::string names, bounds;
  for (const auto& [name, extent] : program.parameters()) {
    names += (names.empty() ? "" : ", ") + name;
    bounds += (bounds.empty() ? ": " : " and ") + name + " >= 0";
  }
  return isl::set(isl_context(), "[" + names + "] -> { " + (bounds.empty() ? ":" : bounds) + " }");
}

}  // namespace

Expected<NestRef> nest_from_schedule(const Kernel& kernel) {
  return with_quota(IslEntry::ast, [&]() -> Expected<NestRef> {
    if (auto nest = nest_of_digits(kernel)) return *nest;
    auto build = isl::ast_build::from_context(parameter_context(kernel.program));
    return Converter{}.convert(build.node_from(kernel.schedule.tree()));
  });
}

}  // namespace nasc
