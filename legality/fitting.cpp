// Conjugate gradients on one layer after another.
#include "legality/fitting.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "ir/adjoint.h"
#include "ir/append.h"
#include "ir/prepared.h"

namespace nasc {
namespace {
using Tensors = std::vector<HostTensor>;

double dot(const HostTensor& a, const HostTensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.count(); ++i) sum += static_cast<double>(a.as<float>()[i]) * static_cast<double>(b.as<float>()[i]);
  return sum;
}
double dot(const Tensors& a, const Tensors& b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum += dot(a[k], b[k]);
  return sum;
}
// to += factor * by
void add(HostTensor& to, double factor, const HostTensor& by) {
  for (int64_t i = 0; i < to.count(); ++i) to.as<float>()[i] += static_cast<float>(factor) * by.as<float>()[i];
}

// A Network run from call to call on several minibatches: what later calls read is kept.
struct Walk {
  const Network& n;
  std::vector<std::map<int, HostTensor>> live = {};  // by minibatch, root
  size_t at = 0;                                     // calls before it have run

  Walk(const Network& network, const std::vector<Minibatch>& data) : n(network) {
    for (const Minibatch& m : data) live.push_back({{n.root(n.inputs[0]), m.images}});
  }
  bool is_output(const Call& c, size_t k) const {
    const Program& p = *n.programs[static_cast<size_t>(c.program)];
    return p.tensors[static_cast<size_t>(Network::bound(p)[k])].role == Role::output;
  }
  std::set<int> touched(size_t first, size_t last, bool written) const {
    std::set<int> out;
    for (size_t c = first; c < last; ++c)
      for (size_t k = 0; k < n.calls[c].args.size(); ++k)
        if (is_output(n.calls[c], k) == written) out.insert(n.root(n.calls[c].args[k]));
    return out;
  }
  void advance(size_t to, int keep = -1) {
    std::set<int> written = touched(at, to, true), later = touched(to, n.calls.size(), false);
    if (to == at) return;
    later.insert(keep);
    Network part = n;
    part.calls.assign(n.calls.begin() + static_cast<int64_t>(at), n.calls.begin() + static_cast<int64_t>(to));
    part.inputs.clear();
    part.outputs.clear();
    for (int r : touched(at, to, false))
      if (live[0].count(r)) part.inputs.push_back(r), part.buffers.edit(static_cast<size_t>(r)).role = Role::input;
    for (int r : written) {
      part.buffers.edit(static_cast<size_t>(r)).role = later.count(r) ? Role::output : Role::temp;
      if (later.count(r)) part.outputs.push_back(r);
    }
    Prepared prepared(part);
    for (auto& values : live) {
      std::map<int, const HostTensor*> bound;
      for (int i : part.inputs) bound[i] = &values.at(i);
      Tensors out = prepared.run(bound);
      for (size_t k = 0; k < out.size(); ++k) values[part.outputs[k]] = std::move(out[k]);
      std::erase_if(values, [&](const auto& v) { return !later.count(v.first); });
    }
    at = to;
  }
};

// One call as a function of its weights, linear in them, and the adjoint of that function.
struct Layer {
  std::vector<int> given = {}, weights = {};  // buffers here, of what the call reads
  std::vector<size_t> given_at = {}, weights_at = {};  // arguments of the call
  size_t out_at = 0;
  int out = -1, seed = -1;
  std::unique_ptr<Prepared> forward, adjoint;

  Layer(const Network& n, const Call& call) {
    const std::shared_ptr<const Program>& p = n.programs[static_cast<size_t>(call.program)];
    std::vector<int> bound = Network::bound(*p), args;
    Appender into{Network{}};
    into.network.name = call.name;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p->tensors[static_cast<size_t>(bound[k])];
      bool written = t.role == Role::output, weight = n.buffers[static_cast<size_t>(n.root(call.args[k]))].role == Role::weight;
      int b = into.buffer(t.name, t.dtype, n.buffers[static_cast<size_t>(call.args[k])].shape, written ? Role::output : Role::input);
      args.push_back(b);
      if (written) {
        out = b, out_at = k;
        continue;
      }
      into.network.inputs.push_back(b);
      (weight ? weights : given).push_back(b);
      (weight ? weights_at : given_at).push_back(k);
    }
    into.call(into.program(p), args, call.name);
    into.network.outputs = {out};
    forward = std::make_unique<Prepared>(into.network);
    seed = into.buffer("seed", DType::f32, into.at(out).shape, Role::input);
    into.network.inputs.push_back(seed);
    std::vector<int> gradients = add_adjoints(into, out, seed, weights);
    into.network.outputs.clear();
    for (int g : gradients) {
      into.network.buffers.edit(static_cast<size_t>(into.network.root(g))).role = Role::output;
      into.network.outputs.push_back(g);
    }
    bool read = std::any_of(into.network.calls.begin() + 1, into.network.calls.end(), [&](const Call& c) {
      return std::any_of(c.args.begin(), c.args.end(), [&](int a) { return into.network.root(a) == out; });
    });
    if (!read) into.network.calls.erase(into.network.calls.begin());
    adjoint = std::make_unique<Prepared>(std::move(into.network));
  }
  HostTensor value(const Tensors& x, const Tensors& w) const { return std::move(forward->run(bound(x, w))[0]); }
  Tensors gradient(const Tensors& x, const Tensors& w, const HostTensor& of) const {
    std::map<int, const HostTensor*> b = bound(x, w);
    b[seed] = &of;
    return adjoint->run(b);
  }
  std::map<int, const HostTensor*> bound(const Tensors& x, const Tensors& w) const {
    std::map<int, const HostTensor*> b;
    for (size_t k = 0; k < given.size(); ++k) b[given[k]] = &x[k];
    for (size_t k = 0; k < weights.size(); ++k) b[weights[k]] = &w[k];
    return b;
  }
};

// CGLS: w nearer to the least sum over minibatches of |target - layer(x, w)|^2. Gives the relative errors before and after.
std::pair<double, double> improve(const Layer& layer, const std::vector<Tensors>& x, const Tensors& target, Tensors& w, int iterations) {
  auto gradient = [&](const Tensors& residual) {
    Tensors sum;
    for (size_t m = 0; m < x.size(); ++m) {
      Tensors g = layer.gradient(x[m], w, residual[m]);
      if (m == 0) sum = std::move(g);
      else
        for (size_t k = 0; k < g.size(); ++k) add(sum[k], 1, g[k]);
    }
    return sum;
  };
  Tensors residual = target;
  for (size_t m = 0; m < x.size(); ++m) add(residual[m], -1, layer.value(x[m], w));
  double scale = dot(target, target), first = dot(residual, residual), last = first;
  Tensors s = gradient(residual), p = s;
  double gamma = dot(s, s);
  for (int i = 0; i < iterations && gamma > 0 && last > 1e-12 * scale; ++i) {
    Tensors q;
    for (const Tensors& given : x) q.push_back(layer.value(given, p));
    double delta = dot(q, q);
    if (!(delta > 0) || !std::isfinite(delta)) break;
    double alpha = gamma / delta;
    for (size_t k = 0; k < w.size(); ++k) add(w[k], alpha, p[k]);
    for (size_t m = 0; m < q.size(); ++m) add(residual[m], -alpha, q[m]);
    last = dot(residual, residual);
    s = gradient(residual);
    double next = dot(s, s);
    for (size_t k = 0; k < p.size(); ++k)
      for (int64_t j = 0; j < p[k].count(); ++j) p[k].as<float>()[j] = s[k].as<float>()[j] + static_cast<float>(next / gamma) * p[k].as<float>()[j];
    gamma = next;
  }
  return {first / std::max(scale, 1e-30), last / std::max(scale, 1e-30)};
}

bool is_linear(const Layer& layer, const Tensors& x, const Tensors& w) {
  Tensors none;
  for (const HostTensor& t : w) none.push_back(zeros(DType::f32, t.shape));
  HostTensor y = layer.value(x, none);
  return dot(y, y) == 0;
}
}  // namespace

Fit fitted_weights(const Network& original, const Network& candidate, const std::vector<Minibatch>& data, int iterations) {
  Fit fit{candidate};
  if (data.empty()) return fit;
  std::map<std::string, std::vector<size_t>> named;
  for (size_t c = 0; c < original.calls.size(); ++c) named[original.calls[c].name].push_back(c);
  std::map<int, int> readers;  // of roots
  for (const Call& c : candidate.calls)
    for (int a : c.args) ++readers[candidate.root(a)];
  Network& n = fit.network;
  Walk before(original, data), after(n, data);
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Call& call = n.calls[c];
    auto it = named.find(call.name);
    if (it == named.end() || it->second.size() != 1) continue;
    const Call& was = original.calls[it->second[0]];
    const auto &p = n.programs[static_cast<size_t>(call.program)], &q = original.programs[static_cast<size_t>(was.program)];
    if (interned(*p) == interned(*q)) continue;
    bool own = true, any = false;
    for (int a : call.args) {
      const Buffer& b = n.buffers[static_cast<size_t>(n.root(a))];
      if (b.role != Role::weight) continue;
      any = true;
      own &= readers[n.root(a)] == 1 && b.payload && b.dtype == DType::f32;
    }
    if (!any || !own) continue;
    std::unique_ptr<Layer> layer;
    try {
      layer = std::make_unique<Layer>(n, call);
    } catch (const UserError&) {
      continue;  // no adjoint: it keeps its weights
    }
    int out = n.root(call.args[layer->out_at]), target_out = -1;
    for (size_t k = 0; k < was.args.size(); ++k)
      if (before.is_output(was, k)) target_out = original.root(was.args[k]);
    if (target_out < 0 || n.buffers[static_cast<size_t>(out)].shape != original.buffers[static_cast<size_t>(target_out)].shape) continue;
    if (it->second[0] < before.at) continue;  // another order of calls
    after.advance(c);
    before.advance(it->second[0] + 1, target_out);
    std::vector<Tensors> x;
    Tensors targets, w;
    for (size_t m = 0; m < data.size(); ++m) {
      targets.push_back(before.live[m].at(target_out));
      Tensors given;
      for (size_t k : layer->given_at) {
        given.push_back(after.live[m].at(n.root(call.args[k])));
        given.back().shape = constants(n.buffers[static_cast<size_t>(call.args[k])].shape);  // perhaps a view
      }
      x.push_back(std::move(given));
    }
    for (size_t k : layer->weights_at) {
      const Buffer& b = n.buffers[static_cast<size_t>(call.args[k])];
      w.push_back(host_tensor(DType::f32, constants(b.shape), n.buffers[static_cast<size_t>(n.root(call.args[k]))].payload));
    }
    if (!is_linear(*layer, x[0], w)) continue;
    auto [first, last] = improve(*layer, x, targets, w, iterations);
    if (!(last <= first)) continue;
    for (size_t k = 0; k < w.size(); ++k)
      n.buffers.edit(static_cast<size_t>(n.root(call.args[layer->weights_at[k]]))).payload = payload_from(std::move(w[k].bytes));
    ++fit.layers;
    fit.before += first;
    fit.after += last;
  }
  if (fit.layers) fit.before /= fit.layers, fit.after /= fit.layers;
  return fit;
}

}  // namespace nasc
