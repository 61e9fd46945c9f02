// reorder(order=[co.t, h, w, co.i]) -- put directly nested loops into the given order, outermost first.
//   before  for co.t { for co.i { for h { for w { S } } } }        after  for co.t { for h { for w { for co.i { S } } } }
// Refuses  no-such-loop, ambiguous-loop, not-a-nest.
// Legal    when no dependence is reversed (judged in legality/order).
// Source   composition of interchanges; "reorder" of Halide and TVM.
#include <algorithm>

#include "polyhedral/edit.h"

namespace nasc {
namespace {

Expected<Kernel> apply_reorder(const Kernel& kernel, const Args& a) {
  std::vector<std::string> order = a.words("order");
  LoopTreeRef tree = tree_of(kernel.schedule);
  if (order.empty()) return refuse("not-a-nest", "order is empty");
  std::vector<std::string> names;
  std::string top;
  size_t depth = 0;
  for (const auto& address : order) {
    auto found = find_loops(tree, address);
    if (!found) return std::unexpected(found.error());
    names.push_back(found->front().node()->mark.name);
    if (top.empty() || found->front().nodes.size() < depth) {
      depth = found->front().nodes.size();
      top = address;
    }
  }
  return edit_kernel(kernel, top, [&](const TreePath& path) -> Expected<LoopTreeRef> {
    std::vector<LoopTreeRef> nest;
    LoopTreeRef body = path.node();
    for (; nest.size() < names.size() && body->kind == LoopTree::loop; body = body->children[0]) nest.push_back(body);
    for (size_t k = names.size(); k-- > 0;) {
      auto it = std::find_if(nest.begin(), nest.end(),
                             [&](const LoopTreeRef& n) { return n && n->mark.name == names[k]; });
      if (it == nest.end())
        return refuse("not-a-nest", "loop " + order[k] + " is not one of " + std::to_string(names.size()) +
                                        " directly nested loops from " + top);
      body = with_children(*it, {body});
      *it = nullptr;
    }
    return body;
  });
}

std::vector<Step> choices(const Kernel& kernel) {
  std::vector<Step> out;
  LoopTreeRef tree = tree_of(kernel.schedule);
  for (const auto& p : loop_paths(tree)) {
    std::vector<std::string> order;
    for (TreePath at = p; at.node()->kind == LoopTree::loop && order.size() < 3;
         at.nodes.push_back(at.node()->children[0]), at.at.push_back(0))
      order.insert(order.begin(), address_of(tree, at));
    if (order.size() == 3) out.push_back({"reorder", {{"order", order}}});
  }
  return out;
}

const Registered<Transformation> reorder{{
    .name = "reorder",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loops, "order", "directly nested loops, outermost first"}},
    .doc = "Put directly nested loops into a given order.",
    .refusals = {"no-such-loop", "ambiguous-loop", "not-a-nest"},
    .on_kernel = apply_reorder,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
