// Two calls as one: which buffer is between them, and what the merged Program is bound to.
#include "polyhedral/transforms/call_pair.h"

#include <algorithm>
#include <set>

#include "polyhedral/module_edit.h"

namespace nasc {
namespace {
constexpr size_t kMaxStatements = 16;

// A name like `wanted` that is not in `taken`.
std::string unused(const std::string& wanted, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int k = 1; !taken.insert(name).second; ++k) name = text(wanted, "_", k);
  return name;
}

// Names of the consumer's tensors and statements in the merged Program.
std::map<std::string, std::string> names_in_merged(const Program& p, const Program& q,
                                                   const std::vector<std::pair<std::string, std::string>>& same) {
  std::set<std::string> taken;
  for (const Tensor& t : p.tensors) taken.insert(t.name);
  for (const Statement& s : p.statements) taken.insert(s.name);
  std::map<std::string, std::string> names(same.begin(), same.end());
  for (const Tensor& t : q.tensors)
    if (!names.count(t.name)) names[t.name] = unused(t.name, taken);
  for (const Statement& s : q.statements) names[s.name] = unused(s.name, taken);
  return names;
}

Expected<CallPair> call_pair(const Module& module, int64_t first, int64_t second) {
  const Network& n = module.network;
  if (first < 0 || second <= first || second >= static_cast<int64_t>(n.calls.size()))
    return refuse("no-such-call", text("calls ", first, " and ", second, " of ", n.calls.size()));
  const Call &producer = n.calls[first], &consumer = n.calls[second];
  const Program &p = *n.programs[producer.program], &q = *n.programs[consumer.program];
  if (p.phase != q.phase) return refuse("phase-differs", text(p.name, " runs at ", name(p.phase)));
  if (p.statements.size() + q.statements.size() > kMaxStatements)
    return refuse("too-many-statements", text(p.statements.size() + q.statements.size(), " > ", kMaxStatements));

  std::vector<int> p_bound = Network::bound(p), q_bound = Network::bound(q);
  CallPair out{first, second, -1, {}, {}, {}};
  for (size_t k = 0; k < p_bound.size(); ++k) {
    if (p.tensors[p_bound[k]].role != Role::output) continue;
    if (std::find(consumer.args.begin(), consumer.args.end(), producer.args[k]) == consumer.args.end()) continue;
    out.shared = producer.args[k];
    out.inner = p.tensors[p_bound[k]].name;
  }
  const int shared = out.shared;
  if (shared < 0) return refuse("not-producer", text("call ", second, " does not read what call ", first, " writes"));
  bool is_output = std::any_of(n.outputs.begin(), n.outputs.end(), [&](int b) { return n.root(b) == n.root(shared); });
  std::vector<int> users = calls_of(n, shared);
  if (is_output || n.buffers[shared].alias_of >= 0 || users != std::vector<int>{static_cast<int>(first), static_cast<int>(second)} ||
      std::any_of(n.buffers.begin(), n.buffers.end(), [&](const Buffer& b) { return b.alias_of == shared; }))
    return refuse("used-elsewhere", n.buffers[shared].name + " has other users");

  // Which arguments of the consumer the producer has, too.
  std::vector<std::pair<std::string, std::string>> same;  // names of one buffer in the consumer and in the producer
  for (size_t k = 0; k < q_bound.size(); ++k) {
    const Tensor& t = q.tensors[q_bound[k]];
    auto at = std::find(producer.args.begin(), producer.args.end(), consumer.args[k]);
    if (t.role == Role::output || at == producer.args.end()) continue;
    same.emplace_back(t.name, p.tensors[p_bound[at - producer.args.begin()]].name);
    out.key += text(" ", same.back().first, "=", same.back().second);
  }
  out.key += " " + out.inner;
  out.names = names_in_merged(p, q, same);
  return out;
}

// One call in place of both.
Module with_merged(const Module& module, const CallPair& pair, const ProgramRef& merged) {
  const Network& n = module.network;
  const Call &producer = n.calls[pair.first], &consumer = n.calls[pair.second];
  const Program &p = *n.programs[producer.program], &q = *n.programs[consumer.program];
  std::vector<int> p_bound = Network::bound(p), q_bound = Network::bound(q);
  std::map<std::string, int> buffer_of;
  for (size_t k = 0; k < p_bound.size(); ++k) buffer_of[p.tensors[p_bound[k]].name] = producer.args[k];
  for (size_t k = 0; k < q_bound.size(); ++k) buffer_of[pair.names.at(q.tensors[q_bound[k]].name)] = consumer.args[k];
  Call call{0, {}, producer.name + "+" + consumer.name};
  for (const Tensor& t : merged->tensors)
    if (t.role != Role::temp) call.args.push_back(buffer_of.at(t.name));

  Module out = module;
  out.network.calls[pair.second] = call;
  rebind(out, static_cast<int>(pair.second), merged);
  out.network.calls.erase(out.network.calls.begin() + pair.first);
  drop_unused(out);
  return out;
}
}  // namespace

Expected<Module> merge_calls(const Module& module, const Args& args, const std::string& how, const MergeCalls& merge) {
  auto pair = call_pair(module, args.integer("first"), args.integer("second"));
  if (!pair) return std::unexpected(pair.error());
  const Network& n = module.network;
  const ProgramRef p = n.programs[n.calls[pair->first].program], q = n.programs[n.calls[pair->second].program];
  auto merged = remembered({p, q}, how + pair->key, [&]() { return merge(*p, *q, *pair); });
  if (!merged) return std::unexpected(merged.error());
  return with_merged(module, *pair, *merged);
}

}  // namespace nasc
