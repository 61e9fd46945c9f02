// Kahn's algorithm with the file's order as tie break.
#include "frontend/sort.h"

#include <functional>
#include <queue>

namespace nasc {

void sort_nodes(Graph& g) {
  std::vector<int> producer(g.values.size(), -1);
  for (size_t n = 0; n < g.nodes.size(); ++n)
    for (ValueId v : g.nodes[n].outputs)
      if (v >= 0) producer[static_cast<size_t>(v)] = static_cast<int>(n);
  std::vector<std::vector<int>> users(g.nodes.size());
  std::vector<int> missing(g.nodes.size(), 0);
  bool sorted = true;
  for (size_t n = 0; n < g.nodes.size(); ++n)
    for (ValueId v : g.nodes[n].inputs) {
      int p = v < 0 ? -1 : producer[static_cast<size_t>(v)];
      if (p < 0) continue;
      users[static_cast<size_t>(p)].push_back(static_cast<int>(n));
      ++missing[n];
      sorted = sorted && p < static_cast<int>(n);
    }
  if (sorted) return;
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (size_t n = 0; n < g.nodes.size(); ++n)
    if (!missing[n]) ready.push(static_cast<int>(n));
  std::vector<Node> order;
  while (!ready.empty()) {
    size_t n = static_cast<size_t>(ready.top());
    ready.pop();
    order.push_back(std::move(g.nodes[n]));
    missing[n] = -1;
    for (int u : users[n])
      if (--missing[static_cast<size_t>(u)] == 0) ready.push(u);
  }
  if (order.size() < g.nodes.size()) {  // follow producers until a node repeats: that one is on a cycle
    size_t at = 0;
    while (missing[at] <= 0) ++at;
    for (size_t step = 0; step <= g.nodes.size(); ++step)
      for (ValueId v : g.nodes[at].inputs) {
        int p = v < 0 ? -1 : producer[static_cast<size_t>(v)];
        if (p >= 0 && missing[static_cast<size_t>(p)] > 0) {
          at = static_cast<size_t>(p);
          break;
        }
      }
    throw UserError(code::bad_graph, where(g, g.nodes[at]), escaped(g.nodes[at].op) + " is part of a cycle");
  }
  g.nodes = std::move(order);
}

}  // namespace nasc
