// From a Network to a scoring network, and its scores.
#include "legality/scoring.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ir/adjoint.h"
#include "ir/points.h"
#include "legality/drawn.h"
#include "legality/scoring_linear.h"
#include "legality/scoring_programs.h"

namespace nasc {
namespace {
constexpr int64_t kExactFloats = int64_t{1} << 24;

[[noreturn]] void unsupported(const Network& n, const std::string& why) {
  throw UserError(code::unsupported_shape, n.name, "cannot be scored: " + why);
}

// Weights that a Program multiplies activations by: positions among its bound tensors, and its multiplications.
struct Products {
  std::vector<size_t> weights;
  int64_t macs = 0;
};
// The reads of a product of two reads and perhaps constants.
std::vector<int> factors(const ExprRef& e) {
  if (e->fn == Fn::read) return {e->index};
  std::vector<int> out;
  if (e->fn != Fn::mul) return e->fn == Fn::constant ? out : std::vector<int>(3, 0);
  for (const ExprRef& a : e->args)
    for (int f : factors(a)) out.push_back(f);
  return out;
}
Products products(const Program& p) {
  Products out;
  std::vector<int> bound = Network::bound(p);
  auto is_weight = [&](const Access& a) { return p.tensor(a.tensor).role == Role::weight && p.tensor(a.tensor).rank() >= 2; };
  for (const Statement& s : p.statements) {
    std::vector<int> two = factors(s.body);
    if (s.combine != Combine::add || two.size() != 2) continue;
    const Access &a = s.reads[static_cast<size_t>(two[0])], &b = s.reads[static_cast<size_t>(two[1])];
    if (is_weight(a) == is_weight(b)) continue;
    const std::string& w = is_weight(a) ? a.tensor : b.tensor;
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[static_cast<size_t>(bound[k])].name == w) out.weights.push_back(k);
    out.macs += Points(s.box, {}).volume();
  }
  return out;
}

bool rectifies(const Program& p) {
  constexpr const char* kNames[] = {"Relu", "Clip", "LeakyRelu", "PRelu", "HardSwish"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](const char* n) { return p.origin == n; });
}

struct Maker {
  Appender into;
  const Network& base;
  const ScoringOptions& options;
  std::vector<ScoredLayer>& layers;
  std::vector<ScoredWeight>& weights;
  std::vector<int64_t>& rectified;
  std::vector<int> replaced = {};    // by buffer of base: what stands for it
  std::vector<int> activations = {};  // by layer
  std::vector<int> codes = {};
  std::set<int> zeroed = {};
  std::map<int, Call> again = {};    // by buffer: normalized values, from what is held anyway
  std::set<size_t> measuring = {};   // calls whose results nobody else reads

  int stands_for(int b) const { return replaced[static_cast<size_t>(b)]; }

  // Later readers of `b` read `by` instead.
  void replace(int b, int by) { replaced[static_cast<size_t>(b)] = by; }

  int out_of(const Call& c) const {
    const Program& p = *base.programs[static_cast<size_t>(c.program)];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[static_cast<size_t>(bound[k])].role == Role::output) return c.args[k];
    throw InternalError("call without output");
  }
  bool is_norm(const Call& c) const { return base.programs[static_cast<size_t>(c.program)]->origin == "BatchNormalization"; }
  bool read_by_norm_only(int b) const {
    int readers = 0, norms = 0;
    for (const Call& c : base.calls)
      for (int a : c.args)
        if (a == b && out_of(c) != b) ++readers, norms += is_norm(c);
    return readers == 1 && norms == 1;
  }
  int norm(int x, const std::string& name) {
    const Shape shape = into.at(x).shape;
    int y = into.buffer(into.at(x).name + "_norm", DType::f32, shape);
    int m = into.buffer("mean", DType::f32, {shape[1]}), r = into.buffer("scale", DType::f32, {shape[1]});
    into.call(into.program(scoring_program("norm", {shape}, 3)), {x, y, m, r}, name);
    again[y] = {into.program(scoring_program("norm-again", {shape, {shape[1]}, {shape[1]}}, 1)), {x, m, r, y}, name};
    return y;
  }

  void add_layer(const Call& c, const Products& found, const std::vector<int>& args, int out) {
    const Program& p = *base.programs[static_cast<size_t>(c.program)];
    const Shape& shape = into.at(out).shape;
    if (shape.size() < 2) unsupported(base, "layer " + c.name + " has no channels");
    ScoredLayer layer{c.name, shape.size() >= 3, shape[1].constant()};
    layer.macs = found.macs / shape[0].constant();
    std::vector<int> bound = Network::bound(p);
    std::set<size_t> mine(found.weights.begin(), found.weights.end());
    for (size_t k = 0; k < bound.size(); ++k) {
      int b = args[k];
      if (into.at(into.network.root(b)).role != Role::weight) continue;
      if (!mine.count(k)) {
        zeroed.insert(into.network.root(b));  // biases
        continue;
      }
      ScoredWeight w;
      w.buffer = into.network.root(b);
      w.layer = c.name;
      w.shape = constants(into.at(b).shape);
      int64_t count = element_count(w.shape), kernel = 1;
      for (size_t d = 2; d < w.shape.size(); ++d) kernel *= w.shape[d];
      int64_t rows = layer.spatial ? w.shape[0] : layer.channels;
      w.fan_in = count / std::max<int64_t>(rows, 1);
      w.fan_out = rows * kernel;
      w.drawn_shape = w.shape;
      layer.parameters += count;
      layer.fan_in = std::max(layer.fan_in, w.fan_in);
      bool known = std::any_of(weights.begin(), weights.end(), [&](const ScoredWeight& x) { return x.buffer == w.buffer; });
      if (!known) weights.push_back(std::move(w));
    }
    layers.push_back(layer);
    activations.push_back(out);
  }

  // All calls of base; returns what stands for its output.
  int copy_calls() {
    for (size_t b = 0; b < into.network.buffers.size(); ++b) {
      replaced.push_back(static_cast<int>(b));
      if (into.network.buffers[b].role == Role::output) into.network.buffers.edit(b).role = Role::temp;
    }
    for (const Call& c : base.calls) {
      std::shared_ptr<const Program> p = interned(*base.programs[static_cast<size_t>(c.program)]);
      int out = out_of(c);
      if (p->origin == "Softmax" && into.network.root(out) == into.network.root(base.outputs[0])) {
        int x = stands_for(c.args[0]);
        return x;
      }
      std::vector<int> args;
      for (int a : c.args) args.push_back(view_of(a));
      if (is_norm(c) && !options.own_weights) {
        replace(out, options.measured == Measured::flow ? args[0] : norm(args[0], c.name));
        continue;
      }
      into.call(into.program(p), args, c.name);
      Products found = products(*p);
      if (!found.weights.empty()) {
        add_layer(c, found, args, out);
        if (options.unit_norm && !options.own_weights && options.measured == Measured::fisher && layers.back().spatial && !read_by_norm_only(out)) replace(out, norm(out, c.name));
      } else if (rectifies(*p) && options.measured == Measured::fisher) {
        codes.push_back(out);
      }
    }
    return view_of(base.outputs[0]);
  }
  // A buffer as base's calls name it: views of replaced buffers are views of what replaced them.
  int view_of(int b) {
    if (replaced[static_cast<size_t>(b)] != b) return replaced[static_cast<size_t>(b)];
    int alias = base.buffers[static_cast<size_t>(b)].alias_of;
    if (alias < 0) return b;
    int source = view_of(alias);
    if (source == alias) return b;
    int view = into.buffer(into.at(b).name, into.at(b).dtype, into.at(b).shape);
    into.network.buffers.edit(static_cast<size_t>(view)).alias_of = source;
    replace(b, view);
    return view;
  }

  void zero_biases() {
    for (int b : zeroed) {
      Buffer& buffer = into.network.buffers.edit(static_cast<size_t>(b));
      buffer.payload = payload_of(std::vector<float>(static_cast<size_t>(element_count(constants(buffer.shape))), 0.f));
    }
  }
  int ones(const char* name, const Shape shape) {  // a copy: buffers move
    int b = into.buffer(name, DType::f32, shape, Role::weight);
    into.network.buffers.edit(static_cast<size_t>(b)).payload =
        payload_of(std::vector<float>(static_cast<size_t>(element_count(constants(shape))), 1.f));
    return b;
  }
  // Each measuring call right behind the last that it waits for: what it reads need not be held longer.
  void measure_early() {
    std::vector<Call>& calls = into.network.calls;
    std::map<int, size_t> written;  // by root
    std::vector<std::pair<size_t, size_t>> order;
    for (size_t c = 0; c < calls.size(); ++c) {
      const Program& p = *into.network.programs[static_cast<size_t>(calls[c].program)];
      std::vector<int> bound = Network::bound(p);
      size_t ready = 0;
      for (size_t k = 0; k < bound.size(); ++k) {
        int root = into.network.root(calls[c].args[k]);
        auto it = written.find(root);
        if (it != written.end()) ready = std::max(ready, it->second);
        if (p.tensors[static_cast<size_t>(bound[k])].role == Role::output) written[root] = c;
      }
      order.emplace_back(measuring.count(c) ? ready : c, c);
    }
    std::sort(order.begin(), order.end());
    std::vector<Call> early;
    for (auto [unused, c] : order) early.push_back(std::move(calls[c]));
    calls = std::move(early);
  }
  int measured(const char* program, const std::vector<int>& inputs, Shape shape) {
    std::vector<Shape> shapes;
    for (int b : inputs) shapes.push_back(into.at(b).shape);
    int out = into.buffer(program, DType::f32, std::move(shape), Role::output);
    std::vector<int> args = inputs;
    args.push_back(out);
    measuring.insert(into.network.calls.size());
    into.call(into.program(scoring_program(program, shapes, 1)), args, program);
    into.network.outputs.push_back(out);
    return out;
  }
};

// Rewrites `elements` and `drawn_shape` from payloads that hold positions of the original's weight.
void find_positions(const Network& base, const ScoringNetwork& original, std::vector<ScoredWeight>& weights) {
  for (ScoredWeight& w : weights) {
    auto of = std::find_if(original.weights().begin(), original.weights().end(), [&](const ScoredWeight& x) { return x.layer == w.layer; });
    const Payload& payload = base.buffers[static_cast<size_t>(w.buffer)].payload;
    size_t count = static_cast<size_t>(element_count(w.shape));
    if (of == original.weights().end() || payload.size != count * sizeof(float)) continue;
    int64_t most = element_count(of->shape);
    std::vector<int32_t> elements(count);
    const float* at = payload.as<float>();
    bool whole = of->shape == w.shape;
    bool valid = true;
    for (size_t i = 0; i < count && valid; ++i) {
      valid = at[i] >= 0 && at[i] < static_cast<float>(most) && at[i] == std::floor(at[i]);
      elements[i] = valid ? static_cast<int32_t>(at[i]) : 0;
      whole &= elements[i] == static_cast<int32_t>(i);
    }
    if (!valid) continue;
    w.drawn_shape = of->shape;
    w.fan_in = of->fan_in;
    w.fan_out = of->fan_out;
    if (!whole) w.elements = std::move(elements);
  }
}
}  // namespace

double Scores::total() const {
  double sum = 0;
  for (double f : fisher) sum += f;
  return sum;
}

Network mark_positions(Network n) {
  for (size_t k = 0; k < n.buffers.size(); ++k) {
    const Buffer& b = n.buffers[k];
    if (b.role != Role::weight || b.dtype != DType::f32 || b.rank() < 2 || !is_static(b.shape)) continue;
    int64_t count = element_count(constants(b.shape));
    if (count > kExactFloats) continue;
    std::vector<float> positions(static_cast<size_t>(count));
    for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<float>(i);
    n.buffers.edit(k).payload = payload_of(positions);
  }
  return n;
}

ScoringNetwork::ScoringNetwork(const Network& base, const ScoringOptions& options, const ScoringNetwork* original) : options_(options) {
  if (base.inputs.size() != 1 || base.outputs.size() != 1) unsupported(base, "it needs one input and one output");
  image_ = base.inputs[0];
  const Shape& image = base.buffers[static_cast<size_t>(image_)].shape;
  if (image.size() < 2 || !is_static(image)) unsupported(base, "its input has no constant batch");
  batch_ = image[0].constant();

  Maker m{Appender(base), base, options_, layers_, weights_, rectified_};
  m.into.network.calls.clear();
  m.into.network.programs.clear();
  m.into.network.outputs.clear();
  m.into = Appender(std::move(m.into.network));
  int logits = m.copy_calls();
  if (!options_.own_weights) m.zero_biases();
  Appender& into = m.into;
  const Shape& out = into.at(logits).shape;
  classes_ = element_count(constants(out)) / std::max<int64_t>(batch_, 1);
  if (out.empty() || !out[0].is(batch_) || classes_ < 2 || layers_.empty()) unsupported(base, "its output is no batch of class scores");
  logits = into.viewed(logits, {batch_, classes_});

  bool flow = options_.measured == Measured::flow;
  int of = logits;
  if (!flow) {
    labels_ = into.buffer("labels", DType::f32, {batch_, classes_}, Role::input);
    into.network.inputs.push_back(labels_);
    of = m.measured("cross-entropy", {logits, labels_}, {1});
  }
  seed_ = m.ones("seed", into.at(of).shape);
  std::vector<int> adjoints = add_adjoints(into, of, seed_, m.activations, m.again);
  for (size_t k = 0; k < layers_.size(); ++k) {
    if (adjoints[k] < 0) unsupported(base, "the loss does not depend on layer " + layers_[k].name);
    m.measured(flow ? "flow" : "fisher", {m.activations[k], adjoints[k]}, {layers_[k].channels});
  }
  for (int b : m.codes) {
    rectified_.push_back(element_count(constants(into.at(b).shape)) / batch_);
    m.measured("codes", {b}, {batch_, batch_});
  }
  if (options_.with_jacobian && !flow) {
    int gradient = add_adjoints(into, logits, m.ones("all_logits", {batch_, classes_}), {image_})[0];
    into.network.buffers.edit(static_cast<size_t>(into.network.root(gradient))).role = Role::output;
    into.network.outputs.push_back(gradient);
  }
  m.measure_early();
  if (original) find_positions(base, *original, weights_);
  network_ = std::make_unique<Network>(into.network);
  prepared_ = std::make_unique<Prepared>(std::move(into.network));
}

std::vector<int64_t> ScoringNetwork::image_shape() const {
  return constants(network_->buffers[static_cast<size_t>(image_)].shape);
}
int64_t ScoringNetwork::macs() const {
  int64_t sum = 0;
  for (const ScoredLayer& l : layers_) sum += l.macs;
  return sum;
}
int64_t ScoringNetwork::parameters() const {
  int64_t sum = 0;
  for (const ScoredLayer& l : layers_) sum += l.parameters;
  return sum;
}

Scores ScoringNetwork::score(uint64_t seed, const Minibatch& data) const {
  return score_with(Drawn(weights_, options_.init, seed).given, data);
}

Scores ScoringNetwork::score_trained(const Minibatch& data) const {
  NASC_CHECK(options_.own_weights) << "a network without weights of its own";
  return scores_of({{image_, &data.images}, {labels_, &data.labels}});
}

Scores ScoringNetwork::score_with(const std::vector<const HostTensor*>& weights, const Minibatch& data) const {
  NASC_CHECK(weights.size() == weights_.size()) << "weights of a scoring network";
  std::map<int, const HostTensor*> bound = {{image_, &data.images}, {labels_, &data.labels}};
  for (size_t k = 0; k < weights.size(); ++k) bound[weights_[k].buffer] = weights[k];
  return scores_of(bound);
}

Scores ScoringNetwork::scores_of(const std::map<int, const HostTensor*>& bound) const {
  std::vector<HostTensor> out = prepared_->run(bound);
  Scores s;
  s.loss = out[0].as<float>()[0];
  for (size_t k = 0; k < layers_.size(); ++k) {
    double sum = 0;
    for (double d : to_doubles(out[1 + k])) sum += d;
    s.fisher.push_back(sum);
  }
  size_t next = 1 + layers_.size();
  size_t n = static_cast<size_t>(batch_);
  std::vector<double> kernel(n * n, 0);
  for (int64_t features : rectified_) {
    std::vector<double> shared = to_doubles(out[next++]);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
        kernel[i * n + j] += static_cast<double>(features) - shared[i * n + i] - shared[j * n + j] + 2 * shared[i * n + j];
  }
  if (!rectified_.empty()) s.naswot = log_abs_det(kernel, n);
  if (options_.with_jacobian) s.jacov = jacobian_score(to_doubles(out[next]), n);
  return s;
}

}  // namespace nasc
