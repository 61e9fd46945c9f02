// The adjoint of a Network: one call per call, in reverse, and sums where a value has several readers.
#include <set>
#include <unordered_map>

#include "ir/adjoint.h"
#include "ir/text.h"

namespace nasc {
namespace {
// y = x0 + x1 + ...
Program sum_program(const Tensor& like, size_t terms) {
  std::string index, bounds, tensors, body;
  for (int d = 0; d < like.rank(); ++d) {
    index += text(d ? ", i" : "i", d);
    bounds += text(d ? " and 0 <= i" : " : 0 <= i", d, " < ", like.shape[static_cast<size_t>(d)].text());
  }
  std::string type = text(" : ", name(like.dtype), text(like.shape));
  for (size_t k = 0; k < terms; ++k) {
    tensors += text(" tensor x", k, type, " input\n");
    body += text(k ? " + x" : "x", k, "[", index, "]");
  }
  return parse_program(text("program sum origin \"sum\" {\n", tensors, " tensor y", type, " output\n stmt sum { sum[", index, "]", bounds,
                            " }\n y[", index, "] = ", body, "\n}\n"));
}

// Remembered by the Program as an object, which interned() makes the same for equal ones.
std::shared_ptr<const Program> adjoint_of(const std::shared_ptr<const Program>& p, const std::vector<std::string>& wanted,
                                          const std::vector<std::string>& given) {
  struct Known {
    std::shared_ptr<const Program> of, adjoint;
  };
  thread_local std::unordered_map<std::string, Known> known;
  std::string key = text(p.get());
  for (const auto& w : wanted) key += " " + w;
  for (const auto& g : given) key += " /" + g;
  auto it = known.find(key);
  if (it == known.end()) it = known.emplace(key, Known{p, interned(adjoint(*p, wanted, given))}).first;
  return it->second.adjoint;
}

struct Reverse {
  Appender& into;
  const std::map<int, Call>& again;
  Network& n = into.network;
  std::set<int> varied = {};                          // roots
  std::map<int, std::vector<int>> contributions = {};  // by root, buffers of its shape

  std::map<int, int> computed_again = {};

  const Shape& shape(int buffer) const { return n.buffers[static_cast<size_t>(buffer)].shape; }

  // The sum of all contributions, in the shape of the root.
  int total(int root) {
    std::vector<int>& list = contributions[root];
    if (list.size() > 1) {
      const Buffer like = n.buffers[static_cast<size_t>(root)];
      int sum = into.buffer("d_" + like.name, like.dtype, like.shape);
      std::vector<int> args = list;
      args.push_back(sum);
      into.call(sum_program(like, list.size()), args, "sum");
      list = {sum};
    }
    return list[0];
  }

  int value(int buffer) {
    auto recipe = again.find(buffer);
    if (recipe == again.end()) return buffer;
    auto [it, fresh] = computed_again.emplace(buffer, -1);
    if (fresh) {
      Call c = recipe->second;
      const Buffer like = n.buffers[static_cast<size_t>(buffer)];
      c.args.back() = it->second = into.buffer(like.name + "_again", like.dtype, like.shape);
      n.calls.push_back(std::move(c));
    }
    return it->second;
  }

  void find_varied(size_t calls, const std::vector<int>& wanted) {
    for (int w : wanted) varied.insert(n.root(w));
    for (size_t c = 0; c < calls; ++c) {
      const Program& p = *n.programs[static_cast<size_t>(n.calls[c].program)];
      std::vector<int> bound = Network::bound(p);
      bool depends = false;
      for (size_t k = 0; k < bound.size(); ++k) {
        const Tensor& t = p.tensors[static_cast<size_t>(bound[k])];
        depends |= t.role != Role::output && varied.count(n.root(n.calls[c].args[k]));
      }
      for (size_t k = 0; k < bound.size(); ++k) {
        const Tensor& t = p.tensors[static_cast<size_t>(bound[k])];
        if (depends && t.role == Role::output && is_float(t.dtype)) varied.insert(n.root(n.calls[c].args[k]));
      }
    }
  }

  void reverse_call(const Call& call) {
    std::shared_ptr<const Program> p = n.programs[static_cast<size_t>(call.program)];
    std::vector<int> bound = Network::bound(*p);
    std::vector<std::string> wanted, given;
    std::map<std::string, int> argument;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p->tensors[static_cast<size_t>(bound[k])];
      argument[t.name] = call.args[k];
      int root = n.root(call.args[k]);
      if (t.role == Role::output ? contributions.count(root) : varied.count(root))
        (t.role == Role::output ? given : wanted).push_back(t.name);
    }
    if (given.empty() || wanted.empty()) return;
    std::shared_ptr<const Program> shared = adjoint_of(p, wanted, given);
    const Program& d = *shared;
    std::vector<int> args;
    std::vector<std::pair<int, int>> made;
    for (int b : Network::bound(d)) {
      const Tensor& t = d.tensors[static_cast<size_t>(b)];
      auto value = argument.find(t.name);
      if (value != argument.end()) {
        args.push_back(this->value(value->second));
        continue;
      }
      int of = argument.at(t.name.substr(2));
      if (t.role == Role::input) {
        args.push_back(into.viewed(total(n.root(of)), shape(of)));
      } else {
        int fresh = into.buffer("d_" + n.buffers[static_cast<size_t>(of)].name, t.dtype, t.shape);
        args.push_back(fresh);
        made.push_back({n.root(of), fresh});
      }
    }
    into.call(into.program(shared), args, call.name);
    for (auto [root, fresh] : made) contributions[root].push_back(into.viewed(fresh, shape(root)));
  }
};
}  // namespace

std::vector<int> add_adjoints(Appender& network, int of, int seed, const std::vector<int>& wanted,
                              const std::map<int, Call>& again) {
  Reverse r{network, again};
  Network& n = network.network;
  size_t calls = n.calls.size();
  for (const Buffer& b : n.buffers) NASC_CHECK(!b.part) << b.name << " is a part: adjoints come before joins";
  r.find_varied(calls, wanted);
  r.contributions[n.root(of)] = {network.viewed(seed, n.buffers[static_cast<size_t>(n.root(of))].shape)};
  for (size_t c = calls; c-- > 0;) {
    Call call = n.calls[c];
    r.reverse_call(call);
  }
  std::vector<int> out;
  for (int w : wanted) {
    int root = n.root(w);
    out.push_back(r.contributions.count(root) ? network.viewed(r.total(root), n.buffers[static_cast<size_t>(w)].shape) : -1);
  }
  return out;
}

}  // namespace nasc
