// Agreement is of bytes; a buffer with a layout of its own or a view of another is no plain number.
#include "tools/scalar_values.h"

#include <cstring>
#include <set>

namespace nasc {

std::map<std::string, Payload> scalar_values(const Network& n, size_t program) {
  std::map<std::string, Payload> out;
  std::set<std::string> differ;
  const Program& p = *n.programs[program];
  std::vector<int> bound = Network::bound(p);
  for (const Call& call : n.calls) {
    if (call.program != static_cast<int>(program))
      continue;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p.tensors[static_cast<size_t>(bound[k])];
      const Buffer& b = n.buffers[static_cast<size_t>(call.args[k])];
      if (t.role != Role::weight || t.payload || t.layout)
        continue;
      bool plain = b.role == Role::weight && b.payload && b.alias_of < 0 && !b.layout &&
                   b.payload.size == static_cast<size_t>(bytes(t.dtype));
      auto known = out.find(t.name);
      if (!plain || (known != out.end() &&
                     std::memcmp(known->second.data, b.payload.data, b.payload.size) != 0))
        differ.insert(t.name);
      else if (known == out.end())
        out.emplace(t.name, b.payload);
    }
  }
  for (const std::string& name : differ)
    out.erase(name);
  return out;
}

} // namespace nasc
