// Counting by boxes.
#include "polyhedral/neural/counts.h"

#include <set>

namespace nasc {
namespace {

bool sums_products(const Statement& s) {
  return s.combine == Combine::add && s.reads.size() == 2 && s.body->fn == Fn::mul;
}

int64_t elements(const Buffer& b) {
  int64_t n = 1;
  for (const Extent& e : b.shape) n *= e.is_constant() ? e.constant() : 1;
  return n;
}
}  // namespace

int64_t count_macs(const Program& p) {
  int64_t all = 0;
  for (const Statement& s : p.statements) {
    if (!sums_products(s)) continue;
    int64_t points = 1;
    for (int d = 0; d < dims(s.box); ++d)
      if (auto range = constant_range(s.box, d)) points *= range->second - range->first + 1;
    all += points;
  }
  return all;
}

std::vector<LayerCounts> count_layers(const Network& n) {
  std::vector<LayerCounts> out;
  std::set<int> counted;
  std::vector<int64_t> macs(n.programs.size(), -1);
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Call& call = n.calls[c];
    const Program& p = *n.programs[call.program];
    if (p.phase != Phase::run) continue;
    if (macs[call.program] < 0) macs[call.program] = count_macs(p);
    if (!macs[call.program]) continue;
    LayerCounts layer{static_cast<int>(c), call.name, p.origin, macs[call.program], 0};
    bool constant = false;
    for (int b : call.args) {
      const Buffer& buffer = n.buffers[n.root(b)];
      if (buffer.role != Role::weight || !is_float(buffer.dtype)) continue;
      constant = true;
      if (counted.insert(n.root(b)).second) layer.parameters += elements(buffer);
    }
    if (constant) out.push_back(layer);
  }
  return out;
}

NetworkCounts count_network(const Network& n) {
  NetworkCounts out;
  for (const LayerCounts& layer : count_layers(n)) out.macs += layer.macs;
  std::set<int> counted;
  for (const Call& call : n.calls)
    for (int b : call.args) {
      const Buffer& buffer = n.buffers[n.root(b)];
      if (buffer.role == Role::weight && is_float(buffer.dtype) && counted.insert(n.root(b)).second)
        out.parameters += elements(buffer);
    }
  return out;
}

}  // namespace nasc
