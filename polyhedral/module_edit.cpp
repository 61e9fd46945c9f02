// Program sharing, renaming and domain recutting.
#include "polyhedral/module_edit.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "ir/isl_box.h"
#include "ir/text.h"

namespace nasc {
namespace {

// Text of a shared Program, computed once per object.
const std::string& key_of(const std::shared_ptr<const Program>& program) {
  struct Entry {
    std::weak_ptr<const Program> alive;
    std::string key;
  };
  static thread_local std::unordered_map<const Program*, Entry> cache;
  Entry& e = cache[program.get()];
  if (e.alive.lock() != program) {
    std::string key = canonical_text(*program);
    check_isl_quota();  // else it may be a part of the text
    e = {program, std::move(key)};
  }
  return e.key;
}
}  // namespace

void rebind(Module& module, int call, Program program) {
  rebind(module, call, std::make_shared<const Program>(std::move(program)));
}

void rebind(Module& module, int call, std::shared_ptr<const Program> fresh) {
  const std::string& key = key_of(fresh);
  auto& programs = module.network.programs;
  for (size_t k = 0; k < programs.size(); ++k)
    if (key_of(programs[k]) == key) {
      module.network.calls[call].program = static_cast<int>(k);
      return;
    }
  module.network.calls[call].program = static_cast<int>(programs.size());
  module.schedules.push_back(textual_schedule(*fresh));
  programs.push_back(std::move(fresh));
}

void drop_unused(Module& module) {
  Network& n = module.network;
  std::vector<bool> used(n.programs.size());
  for (const Call& call : n.calls) used[call.program] = true;
  std::set<std::string> names;
  std::vector<std::shared_ptr<const Program>> named = n.programs;
  for (size_t k = 0; k < named.size(); ++k) {  // in the order of their making: names that exist stay
    if (!used[k]) continue;
    const std::string& name = named[k]->name;
    if (names.insert(name).second) continue;
    std::string base = name.substr(0, name.find("_v"));
    Program copy = *named[k];
    for (int count = 2; !names.insert(copy.name = text(base, "_v", count)).second; ++count) {
    }
    named[k] = std::make_shared<const Program>(std::move(copy));
  }
  std::vector<int> place(n.programs.size(), -1);
  std::vector<std::shared_ptr<const Program>> programs;
  std::vector<Schedule> schedules;
  for (size_t k = 0; k < named.size(); ++k) {
    if (!used[k]) continue;
    place[k] = static_cast<int>(programs.size());
    programs.push_back(named[k]);
    schedules.push_back(module.schedules[k]);
  }
  for (Call& call : n.calls) call.program = place[call.program];
  n.programs = std::move(programs);
  module.schedules = std::move(schedules);
}

std::vector<int> calls_of(const Network& n, int buffer) {
  std::vector<int> out;
  for (size_t c = 0; c < n.calls.size(); ++c)
    if (std::any_of(n.calls[c].args.begin(), n.calls[c].args.end(),
                    [&](int b) { return n.root(b) == n.root(buffer); }))
      out.push_back(static_cast<int>(c));
  return out;
}

int find_buffer(const Network& n, const std::string& name) {
  for (size_t b = 0; b < n.buffers.size(); ++b)
    if (n.buffers[b].name == name) return static_cast<int>(b);
  return -1;
}

std::string unused_buffer_name(const Network& n, const std::string& wanted) {
  std::string name = wanted;
  for (int k = 1; find_buffer(n, name) >= 0; ++k) name = text(wanted, k);
  return name;
}

Program with_names(Program p, const std::map<std::string, std::string>& names) {
  auto name = [&](const std::string& old) {
    auto it = names.find(old);
    return it == names.end() ? old : it->second;
  };
  for (Tensor& t : p.tensors) t.name = name(t.name);
  for (Statement& s : p.statements) {
    std::string to = name(s.name);
    auto move = [&](Access& a) {
      a.tensor = name(a.tensor);
      a.map = renamed(a.map, to, a.tensor);
    };
    move(s.write);
    for (Access& r : s.reads) move(r);
    s.name = to;
    s.domain = renamed(s.domain, to);
    s.box = renamed(s.box, to);
  }
  return p;
}

void recut_domains(Program& p) {
  for (Statement& s : p.statements) {
    if (same(s.domain, s.box)) continue;
    bool product = s.combine == Combine::add && s.body->fn == Fn::mul;
    isl::set domain = s.box;
    auto keep = [&](const Access& a, bool halo) {
      const Tensor& t = p.tensor(a.tensor);
      domain = domain.intersect(a.map.as_map().intersect_range(halo ? storage_set(t) : extent_set(t)).domain());
    };
    keep(s.write, false);
    for (size_t r = 0; r < s.reads.size(); ++r) {
      bool factor = product && std::any_of(s.body->args.begin(), s.body->args.end(), [&](const ExprRef& e) {
                      return e->fn == Fn::read && e->index == static_cast<int>(r);
                    });
      keep(s.reads[r], factor);
    }
    s.domain = domain;
  }
}

}  // namespace nasc
