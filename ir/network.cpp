// Invariants of a Network.
#include "ir/network.h"

#include <set>

namespace nasc {

int Network::root(int buffer) const {
  while (buffers[buffer].alias_of >= 0) buffer = buffers[buffer].alias_of;
  return buffer;
}

std::vector<int> Network::bound(const Program& program) {
  std::vector<int> out;
  for (size_t k = 0; k < program.tensors.size(); ++k)
    if (program.tensors[k].role != Role::temp) out.push_back(static_cast<int>(k));
  return out;
}

void verify(const Network& n) {
  for (const auto& p : n.programs) verify(*p);
  std::set<int> written;
  for (size_t b = 0; b < n.buffers.size(); ++b)
    if (n.buffers[b].role == Role::input || n.buffers[b].role == Role::weight) written.insert(static_cast<int>(b));
  for (const auto& call : n.calls) {
    const Program& p = *n.programs[call.program];
    std::vector<int> bound = Network::bound(p);
    NASC_CHECK(bound.size() == call.args.size()) << call.name << ": arguments of " << p.name;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p.tensors[bound[k]];
      const Buffer& b = n.buffers[call.args[k]];
      NASC_CHECK(t.dtype == b.dtype && t.shape == b.shape && layout_of(t) == layout_of(b))
          << call.name << ": " << t.name << " " << name(t.dtype) << text(t.shape) << " bound to " << b.name << " "
          << name(b.dtype) << text(b.shape);
      int root = n.root(call.args[k]);
      if (t.role == Role::output) NASC_CHECK(written.insert(root).second) << call.name << ": " << b.name << " is written twice";
      else NASC_CHECK(written.count(root)) << call.name << ": " << b.name << " is read before it is written";
    }
  }
  for (int out : n.outputs) NASC_CHECK(written.count(n.root(out))) << "output " << n.buffers[out].name << " is never written";
}

}  // namespace nasc
