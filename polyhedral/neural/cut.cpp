// A channel cut carried out on a Module.
#include <algorithm>
#include <cstring>

#include "polyhedral/module_edit.h"
#include "polyhedral/neural/channels.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/roles.h"

namespace nasc {
namespace {

int64_t kept_below(const Kept& kept, int64_t at) {
  return std::count(kept.begin(), kept.begin() + std::min<int64_t>(at, static_cast<int64_t>(kept.size())), true);
}
int64_t number_kept(const Kept& kept) { return kept_below(kept, static_cast<int64_t>(kept.size())); }

isl::set first_values(const Statement& s, int iterator, int64_t below) {
  std::string names, bound;
  for (size_t k = 0; k < s.iterators.size(); ++k) names += (k ? ", i" : "i") + std::to_string(k);
  return isl::set(isl_context(), text("{ ", s.name, "[", names, "] : i", iterator, " < ", below, " }"));
}

// What every tensor of the Program loses, by tensor and dimension.
std::map<std::pair<std::string, int>, Kept> losses(const Program& p, const ProgramRoles& roles,
                                                   const std::vector<std::map<int, Kept>>& statements) {
  std::map<std::pair<std::string, int>, Kept> out;
  for (size_t s = 0; s < p.statements.size(); ++s)
    for (const AccessRoles& a : roles.statements[s].accesses)
      for (size_t d = 0; d < a.dims.size(); ++d) {
        auto values = statements[s].find(a.dims[d].iterator);
        if (!a.dims[d].plain || values == statements[s].end()) continue;
        int64_t extent = p.tensor(a.tensor).shape[d].constant();
        auto it = out.emplace(std::pair{a.tensor, static_cast<int>(d)}, Kept(static_cast<size_t>(extent), true)).first;
        int64_t first = roles.statements[s].ranges[static_cast<size_t>(values->first)]->first + a.dims[d].offset;
        for (size_t v = 0; v < values->second.size(); ++v)
          if (!values->second[v]) it->second[static_cast<size_t>(first) + v] = false;
      }
  return out;
}

Program shrunk(Program p, const ProgramRoles& roles, const std::vector<std::map<int, Kept>>& statements,
               const std::map<std::pair<std::string, int>, Kept>& lost) {
  for (const auto& [key, kept] : lost)
    p.tensor(key.first).shape[static_cast<size_t>(key.second)] = number_kept(kept);
  for (size_t k = 0; k < p.statements.size(); ++k) {
    Statement& s = p.statements[k];
    const StatementRoles& r = roles.statements[k];
    for (const auto& [iterator, values] : statements[k]) {
      isl::set part = first_values(s, iterator, r.ranges[static_cast<size_t>(iterator)]->first + number_kept(values));
      s.domain = with_dim_names(s.domain.intersect(part), s.iterators);
      s.box = with_dim_names(s.box.intersect(part), s.iterators);
    }
    for (size_t a = 0; a < r.accesses.size(); ++a) {
      Access& access = a == 0 ? s.write : s.reads[a - 1];
      for (size_t d = 0; d < r.accesses[a].dims.size(); ++d) {
        const IndexRole& index = r.accesses[a].dims[d];
        auto kept = lost.find({access.tensor, static_cast<int>(d)});
        if (kept == lost.end()) continue;
        int64_t low = index.iterator < 0 ? 0 : r.ranges[static_cast<size_t>(index.iterator)]->first;
        int64_t by = kept_below(kept->second, low + index.offset) - low - index.offset;
        int at = static_cast<int>(d);
        if (by) access.map = access.map.set_at(at, access.map.at(at).add_constant(by));
      }
    }
  }
  return p;
}

// The buffer itself, or a new constant without what is lost.
int constant_buffer(Network& n, int buffer, const std::vector<std::pair<int, Kept>>& lost) {
  Buffer b = n.buffers[static_cast<size_t>(buffer)];
  b.alias_of = -1;
  b.payload = n.buffers[static_cast<size_t>(n.root(buffer))].payload;
  for (const auto& [dim, kept] : lost) {
    b.payload = sliced(b.payload, constants(b.shape), static_cast<size_t>(bytes(b.dtype)), static_cast<size_t>(dim), kept);
    b.shape[static_cast<size_t>(dim)] = number_kept(kept);
  }
  return add_constant(n, std::move(b));
}
}  // namespace

Payload sliced(const Payload& payload, const std::vector<int64_t>& shape, size_t element_bytes, size_t dim,
               const Kept& kept) {
  if (!payload) return {};
  size_t outer = 1, inner = element_bytes;
  for (size_t k = 0; k < dim; ++k) outer *= static_cast<size_t>(shape[k]);
  for (size_t k = dim + 1; k < shape.size(); ++k) inner *= static_cast<size_t>(shape[k]);
  std::vector<std::byte> out(outer * inner * static_cast<size_t>(number_kept(kept)));
  std::byte* to = out.data();
  for (size_t o = 0; o < outer; ++o)
    for (size_t k = 0; k < kept.size(); ++k) {
      if (!kept[k]) continue;
      std::memcpy(to, payload.data + (o * kept.size() + k) * inner, inner);
      to += inner;
    }
  return payload_from(std::move(out));
}

void apply_cut(Module& m, const ChannelCut& cut) {
  Network& n = m.network;
  for (const auto& [key, kept] : cut.buffers)
    n.buffers.edit(static_cast<size_t>(key.first)).shape[static_cast<size_t>(key.second)] = number_kept(kept);
  for (const auto& [c, statements] : cut.calls) {
    std::shared_ptr<const Program> p = n.programs[static_cast<size_t>(n.calls[static_cast<size_t>(c)].program)];
    const ProgramRoles& roles = roles_of(p);
    auto lost = losses(*p, roles, statements);
    std::vector<int> bound = Network::bound(*p);
    for (size_t k = 0; k < bound.size(); ++k) {
      int& arg = n.calls[static_cast<size_t>(c)].args[k];
      const std::string& tensor = p->tensors[static_cast<size_t>(bound[k])].name;
      if (n.buffers[static_cast<size_t>(n.root(arg))].role != Role::weight) continue;
      std::vector<std::pair<int, Kept>> of;
      for (const auto& [key, kept] : lost)
        if (key.first == tensor && number_kept(kept) < static_cast<int64_t>(kept.size())) of.emplace_back(key.second, kept);
      if (!of.empty()) arg = constant_buffer(n, arg, of);
    }
    rebind(m, c, shrunk(*p, roles, statements, lost));
  }
  for (const auto& [c, form] : cut.forms) rewrite_call(m, c, form);
}

}  // namespace nasc
