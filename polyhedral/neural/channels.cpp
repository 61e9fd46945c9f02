// The fixpoint over plain indices.
#include "polyhedral/neural/channels.h"

#include <algorithm>
#include <deque>
#include <set>

#include "polyhedral/neural/roles.h"

namespace nasc {
namespace {

int64_t number_kept(const Kept& kept) { return std::count(kept.begin(), kept.end(), true); }

struct Cutter {
  const Network& n;
  int origin;
  ChannelCut cut;
  std::deque<std::pair<int, int>> todo;  // (buffer, dimension) that changed
  std::optional<Refusal> refusal;

  bool refused(const char* code, const std::string& why) {
    if (!refusal) refusal = Refusal{code, why};
    return false;
  }

  // Notes what a buffer loses, and its views with it.
  bool lose(int buffer, int dim, const Kept& kept) {
    const Buffer& b = n.buffers[buffer];
    auto it = cut.buffers.emplace(std::pair{buffer, dim}, Kept(kept.size(), true)).first;
    bool grown = false;
    for (size_t k = 0; k < kept.size(); ++k)
      if (!kept[k] && it->second[k]) it->second[k] = false, grown = true;
    if (!grown) return true;
    Kept now = it->second;
    if (std::count(n.inputs.begin(), n.inputs.end(), buffer) || std::count(n.outputs.begin(), n.outputs.end(), buffer))
      return refused("pinned", "it reaches " + b.name + ", which the caller owns");
    todo.emplace_back(buffer, dim);
    for (size_t o = 0; o < n.buffers.size(); ++o)
      if (n.buffers[o].alias_of == buffer && !through_view(buffer, dim, now, static_cast<int>(o))) return false;
    if (b.alias_of >= 0 && !through_view(buffer, dim, now, b.alias_of)) return false;
    return true;
  }

  // Dimension `dim` of `from` is, in the row-major memory of both, one dimension of `to` or the outer part of one.
  bool through_view(int from, int dim, const Kept& kept, int to) {
    const Shape &a = n.buffers[from].shape, &b = n.buffers[to].shape;
    auto inner = [](const Shape& s, int d) {
      Extent e = 1;
      for (size_t k = static_cast<size_t>(d) + 1; k < s.size(); ++k) e = e * s[k];
      return e;
    };
    Extent size = inner(a, dim);
    std::string names = n.buffers[from].name + " as " + n.buffers[to].name;
    if (!size.is_constant() || n.buffers[from].part || n.buffers[to].part) return refused("reshaped", names);
    for (int d = 0; d < static_cast<int>(b.size()); ++d) {
      Extent other = inner(b, d);
      if (!other.is_constant() || !b[d].is_constant()) continue;
      int64_t in = size.constant(), out = other.constant(), extent = b[d].constant();
      if (extent == 1 && !(a[dim].is(1))) continue;
      if (out == 0 || in % out) continue;
      int64_t block = in / out;  // indices of `to` per index of `from`
      if (extent != block * static_cast<int64_t>(kept.size())) {
        // `to` is finer outside: an index of it holds whole blocks only when it is this very dimension.
        if (in == out && extent < static_cast<int64_t>(kept.size())) return refused("reshaped", names);
        continue;
      }
      Kept wide(static_cast<size_t>(extent));
      for (size_t k = 0; k < wide.size(); ++k) wide[k] = kept[k / static_cast<size_t>(block)];
      return lose(to, d, wide);
    }
    // The other way: an index of `from` inside of one of `to`, `kept` being whole blocks.
    for (int d = 0; d < static_cast<int>(b.size()); ++d) {
      Extent other = inner(b, d);
      if (!other.is_constant() || !b[d].is_constant()) continue;
      int64_t in = size.constant(), out = other.constant(), extent = b[d].constant();
      if (in == 0 || out % in || extent == 1) continue;
      int64_t block = out / in;
      if (extent * block != static_cast<int64_t>(kept.size())) continue;
      Kept narrow(static_cast<size_t>(extent));
      for (size_t k = 0; k < kept.size(); ++k) {
        size_t i = k / static_cast<size_t>(block);
        if (k % static_cast<size_t>(block) == 0) narrow[i] = kept[k];
        else if (narrow[i] != kept[k]) return refused("reshaped", names);
      }
      return lose(to, d, narrow);
    }
    return refused("reshaped", names);
  }

  // A consumer that reads channels by more than one loop: groups become smaller.
  bool regroup(int call, const Kept& kept) {
    const std::string& who = n.calls[call].name;
    int64_t left = number_kept(kept), all = static_cast<int64_t>(kept.size());
    if (!std::all_of(kept.begin(), kept.begin() + left, [](bool k) { return k; }) || all % left)
      return refused("grouped-consumer", who + " would lose channels of some groups only");
    auto form = conv_form(*n.programs[n.calls[call].program]);
    if (!form) return refused("coupled-channels", who + " reads channels by no plain index");
    int64_t by = all / left;
    for (ConvPiece& p : form->pieces) {
      ConvLoop* innermost = nullptr;
      for (ConvLoop& l : p.loops)
        if (l.at[kCi] && l.extent > 1 && (!innermost || l.at[kCi] < innermost->at[kCi])) innermost = &l;
      if (!innermost || p.first[kCi] || p.extent(kCi) != all || innermost->at[kCo] || innermost->extent % by)
        return refused("grouped-consumer", text(who, ": its channels in groups are not divided by ", by));
      for (ConvLoop& l : p.loops) {
        if (&l == innermost || !l.at[kCi]) continue;
        if (l.at[kCi] % by) return refused("grouped-consumer", text(who, ": steps of ", l.at[kCi], " by ", by));
        l.at[kCi] /= by;
      }
      innermost->extent /= by;
      make_dense(p);
    }
    form->image[0] = left;
    cut.forms.insert_or_assign(call, std::move(*form));
    return true;
  }

  bool visit(int call, int buffer, int dim) {
    const Program& p = *n.programs[n.calls[call].program];
    const ProgramRoles& roles = roles_of(n.programs[n.calls[call].program]);
    std::vector<int> bound = Network::bound(p);
    std::set<std::string> tensors;
    for (size_t k = 0; k < bound.size(); ++k)
      if (n.calls[call].args[k] == buffer) tensors.insert(p.tensors[bound[k]].name);
    auto buffer_of = [&](const std::string& tensor) {
      for (size_t k = 0; k < bound.size(); ++k)
        if (p.tensors[bound[k]].name == tensor) return n.calls[call].args[k];
      return -1;
    };
    if (cut.forms.count(call)) return refused("grouped-consumer", n.calls[call].name + " is reached twice");
    const Kept& kept = cut.buffers.at({buffer, dim});
    std::map<std::pair<std::string, int>, Kept> locals;
    for (const std::string& t : tensors) locals[{t, dim}] = kept;
    auto& statements = cut.calls[call];
    statements.resize(p.statements.size());
    // Until nothing changes: tensors to iterators, iterators to tensors.
    for (bool grown = true; grown;) {
      grown = false;
      for (size_t s = 0; s < p.statements.size(); ++s) {
        const StatementRoles& r = roles.statements[s];
        for (const AccessRoles& a : r.accesses)
          for (int d = 0; d < static_cast<int>(a.dims.size()); ++d) {
            auto it = locals.find({a.tensor, d});
            if (it == locals.end()) continue;
            const IndexRole& index = a.dims[static_cast<size_t>(d)];
            if (!index.plain) {
              if (tensors.count(a.tensor) && a.is_read && d == 1 && d == dim && conv_form(p)) {
                cut.calls.erase(call);
                return regroup(call, kept);
              }
              return refused("coupled-channels", n.calls[call].name + " reaches " + a.tensor + " by no plain index");
            }
            if (index.iterator < 0) {
              if (!it->second[static_cast<size_t>(index.offset)])
                return refused("coupled-channels", n.calls[call].name + " needs one channel of " + a.tensor);
              continue;
            }
            auto range = r.ranges[static_cast<size_t>(index.iterator)];
            if (!range) return refused("coupled-channels", n.calls[call].name + " has a symbolic extent");
            Kept values(static_cast<size_t>(range->second - range->first + 1), true);
            auto entry = statements[s].emplace(index.iterator, values).first;
            bool changed = false;
            for (size_t v = 0; v < values.size(); ++v) {
              bool stays = it->second[static_cast<size_t>(range->first + static_cast<int64_t>(v) + index.offset)];
              if (!stays && entry->second[v]) entry->second[v] = false, changed = true;
            }
            grown |= changed;
            if (number_kept(entry->second) == static_cast<int64_t>(values.size())) continue;
            if (!allowed(call, p.statements[s], r, index.iterator)) return false;
          }
        for (const auto& [iterator, values] : statements[s]) {
          if (number_kept(values) == static_cast<int64_t>(values.size())) continue;
          auto range = *r.ranges[static_cast<size_t>(iterator)];
          for (const AccessRoles& a : r.accesses)
            for (int d = 0; d < static_cast<int>(a.dims.size()); ++d) {
              const IndexRole& index = a.dims[static_cast<size_t>(d)];
              if (!index.plain && std::count(index.iterators.begin(), index.iterators.end(), iterator))
                return refused("coupled-channels", n.calls[call].name + " reaches " + a.tensor + " by no plain index");
              if (!index.plain || index.iterator != iterator) continue;
              const Extent& extent = p.tensor(a.tensor).shape[static_cast<size_t>(d)];
              if (!extent.is_constant()) return refused("coupled-channels", a.tensor + " has a symbolic extent");
              auto it = locals.emplace(std::pair{a.tensor, d}, Kept(static_cast<size_t>(extent.constant()), true)).first;
              for (size_t v = 0; v < values.size(); ++v) {
                auto at = it->second.begin() + (range.first + static_cast<int64_t>(v) + index.offset);
                if (!values[v] && *at) *at = false, grown = true;
              }
            }
        }
      }
    }
    for (const auto& [key, k] : locals) {
      int b = buffer_of(key.first);  // constants and local tensors belong to the call alone
      if (b < 0 || n.buffers[n.root(b)].role == Role::weight) continue;
      if (!lose(b, key.second, k)) return false;
    }
    return true;
  }

  bool allowed(int call, const Statement& s, const StatementRoles& r, int iterator) {
    bool written = false, weighs = false, image = false;
    for (const AccessRoles& a : r.accesses)
      for (const IndexRole& index : a.dims) {
        if (!std::count(index.iterators.begin(), index.iterators.end(), iterator)) continue;
        if (!a.is_read) written = true;
        else if (a.is_weight) weighs = true;
        else image = true;
      }
    const std::string& who = n.calls[call].name;
    if (std::count(r.coupled.begin(), r.coupled.end(), iterator) || r.in_body.count(iterator))
      return refused("coupled-channels", who + " computes with the channel's number");
    if (!written && s.is_reduction() && !weighs)
      return refused("reduced", who + " combines channels without weights");
    if (!written && !s.is_reduction()) return refused("coupled-channels", who + " selects channels");
    if (written && weighs && !image && s.is_reduction())
      return refused("tied-channels", who + " writes the same channels as " + n.calls[origin].name);
    return true;
  }

  Expected<ChannelCut> run(const Kept& kept) {
    const Call& call = n.calls[origin];
    const Program& p = *n.programs[call.program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[bound[k]].role == Role::output && !lose(call.args[k], 1, kept)) return std::unexpected(*refusal);
    while (!todo.empty()) {
      auto [buffer, dim] = todo.front();
      todo.pop_front();
      for (size_t c = 0; c < n.calls.size(); ++c) {
        if (static_cast<int>(c) == origin || !std::count(n.calls[c].args.begin(), n.calls[c].args.end(), buffer)) continue;
        if (!visit(static_cast<int>(c), buffer, dim)) return std::unexpected(*refusal);
      }
    }
    return std::move(cut);
  }
};
}  // namespace

Expected<ChannelCut> cut_channels(const Network& n, int call, const Kept& kept) {
  return Cutter{n, call, {}, {}, {}}.run(kept);
}

}  // namespace nasc
