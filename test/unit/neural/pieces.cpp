#include "pieces.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "frontend/export.h"
#include "frontend/lower.h"
#include "frontend/onnx.h"
#include "frontend/patch.h"
#include "graph_values.h"
#include "ir/execute.h"
#include "ir/hash.h"
#include "ir/interpret.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/patch.h"
#include "polyhedral/neural/weights.h"

namespace nasc::test {
namespace {
constexpr double kNearFloats = 1e-5;  // the interpreter rounds each of some hundred sums

Shape shape_of_weights(const ConvPiece& p) { return shape_of({p.weights.begin(), p.weights.end()}); }

// Everything that the piece's statements are written from.
std::string literal(const ConvPiece& p) {
  std::ostringstream out;
  for (const ConvLoop& l : p.loops) {
    out << l.name << " " << l.extent << ":";
    for (int64_t a : l.at) out << a << ",";
  }
  for (int64_t f : p.first) out << f << ",";
  for (int64_t w : p.weights) out << w << "x";
  out << p.repeat[0] << "x" << p.repeat[1];
  return out.str();
}

// The piece as if one step had made it of the whole convolution: its weights by where it reads and writes.
ConvForm alone(const ConvForm& form, size_t k, const OneConv& conv) {
  ConvForm out = form;
  out.pieces = {form.pieces[k]};
  ConvPiece& p = out.pieces[0];
  p.source = 0;
  auto taken = [&](const Steps& s) {
    return std::array<int64_t, 4>{s[kCo], s[kCi], s[kIh] - conv.stride * p.repeat[0] * s[kOh],
                                  s[kIw] - conv.stride * p.repeat[1] * s[kOw]};
  };
  p.taken.clear();
  for (const ConvLoop& l : p.loops) p.taken.push_back(taken(l.at));
  p.taken_first = taken(p.first);
  p.taken_first[2] += conv.pad, p.taken_first[3] += conv.pad;
  return out;
}

// Positions of the result [outputs, rows, columns] that the piece writes.
std::vector<int32_t> positions(const ConvForm& form, const ConvPiece& p) {
  auto [unused, rows, columns] = form.out;
  std::vector<int32_t> out = {
      static_cast<int32_t>((p.first[kCo] * rows + p.first[kOh] * p.repeat[0]) * columns + p.first[kOw] * p.repeat[1])};
  auto along = [&](int64_t extent, int64_t step) {
    size_t n = out.size();
    for (int64_t k = 1; k < extent; ++k)
      for (size_t i = 0; i < n; ++i) out.push_back(out[i] + static_cast<int32_t>(k * step));
  };
  for (const ConvLoop& l : p.loops)
    if (l.writes()) along(l.extent, (l.at[kCo] * rows + l.at[kOh] * p.repeat[0]) * columns + l.at[kOw] * p.repeat[1]);
  along(p.repeat[0], columns);
  along(p.repeat[1], 1);
  return out;
}

uint64_t hash_of(const Payload& p) { return hash_bytes(p.data, p.size); }

std::vector<double> executed(const Network& n, const HostTensor& image, bool blas) {
  return to_doubles(execute(n, {image}, {.in_double = true, .use_blas = blas})[0]);
}

// The one Program of the Network in the interpreter, on its own float type.
std::vector<double> interpreted(const Network& n, const HostTensor& image) {
  const Call& call = n.calls.at(0);
  const Program& p = *n.programs[static_cast<size_t>(call.program)];
  Bindings bound;
  std::vector<int> args = Network::bound(p);
  for (size_t k = 0; k < args.size(); ++k) {
    const Tensor& t = p.tensors[static_cast<size_t>(args[k])];
    const Buffer& b = n.buffers[static_cast<size_t>(call.args[k])];
    if (t.role == Role::input) bound[t.name] = image;
    if (t.role == Role::weight) bound[t.name] = host_tensor(b.dtype, constants(b.shape), b.payload);
  }
  interpret(p, bound);
  for (const Tensor& t : p.tensors)
    if (t.role == Role::output) return to_doubles(bound.at(t.name));
  throw InternalError("no output");
}
}  // namespace

PlanChecker::PlanChecker(const OneConv& conv, KnownPieces& known)
    : conv_(conv), known_(known), graph_(graph_of(one_conv_model(conv))), module_(one_conv(conv)), oracle_(conv) {
  auto form = conv_form(*module_.network.programs.at(0));
  NASC_CHECK(form) << form.error().text;
  form_ = std::move(*form);
  image_ = to_doubles(noise({conv.images, conv.channels, conv.rows, conv.columns}, 1));
}

std::shared_ptr<const PieceValues> PlanChecker::values_of(const ConvForm& form, size_t k) const {
  std::string key = literal(form.pieces[k]);
  {
    std::lock_guard hold(known_.mutex);
    if (auto it = known_.by_text.find(key); it != known_.by_text.end()) return it->second;
  }
  ConvForm one = alone(form, k, conv_);
  Module m = module_;
  rewrite_call(m, 0, one);
  drop_unused(m);
  auto out = std::make_shared<PieceValues>();
  for (const Buffer& b : m.network.buffers)
    if (b.role == Role::weight && b.rank() == 4 && b.shape == shape_of_weights(one.pieces[0])) out->weights = hash_of(b.payload);
  HostTensor image = noise({conv_.images, conv_.channels, conv_.rows, conv_.columns}, 1);
  std::vector<double> all = executed(m.network, image, true);
  for (int32_t at : positions(form, form.pieces[k])) out->values.emplace_back(at, all.at(static_cast<size_t>(at)));
  auto patch = graph_patch(module_.network, m.network);
  if (!patch) throw InternalError(patch.error().code + ": " + patch.error().text);
  out->exported = patch->layers.at(0).parts;
  std::lock_guard hold(known_.mutex);
  return known_.by_text.try_emplace(std::move(key), std::move(out)).first->second;
}

Errors PlanChecker::check(const std::vector<Step>& steps) const {
  std::vector<double> expected = oracle_.values(steps);
  const Network& n = module_.network;
  Weighed at{form_, {}};
  for (const Buffer& b : n.buffers)
    if (b.role == Role::weight && b.rank() == 4) at.weights.push_back(b.payload);
  for (const Step& s : steps) {
    auto next = apply_to_form(at.form, s);
    if (!next) throw InternalError(next.error().code + ": " + next.error().text);
    std::vector<Payload> weights;
    for (const ConvPiece& p : next->pieces)
      weights.push_back(taken_weights(at.weights.at(static_cast<size_t>(p.source)),
                                      shape_of_weights(at.form.pieces[static_cast<size_t>(p.source)]), sizeof(float), p));
    at = {std::move(*next), std::move(weights)};
  }
  GraphPatch patch;
  patch.layers.push_back({n.buffers[static_cast<size_t>(n.calls[0].args.back())].name, {}});
  std::vector<double> now(expected.size(), std::nan(""));
  for (size_t k = 0; k < at.form.pieces.size(); ++k) {
    std::shared_ptr<const PieceValues> piece = values_of(at.form, k);
    NASC_CHECK(piece->weights == hash_of(at.weights[k])) << "piece " << k << " has weights of another place";
    for (auto [where, value] : piece->values) {
      NASC_CHECK(std::isnan(now.at(static_cast<size_t>(where)))) << "two pieces write " << where;
      now[static_cast<size_t>(where)] = value;
    }
    auto& parts = patch.layers[0].parts;
    parts.insert(parts.end(), piece->exported.begin(), piece->exported.end());
  }
  NASC_CHECK(std::none_of(now.begin(), now.end(), [](double v) { return std::isnan(v); })) << "a place that no piece writes";
  Graph back = read_onnx(file_bytes(export_onnx(patched(graph_, patch))), "test.onnx");
  std::vector<double> exported = graph_values(back, {conv_.images, conv_.channels, conv_.rows, conv_.columns}, image_);
  return {distance(now, expected), distance(exported, expected)};
}

double PlanChecker::check_whole(const std::vector<Step>& steps, bool slow, std::string* model) const {
  std::vector<double> expected = oracle_.values(steps);
  Module m = module_;
  for (const Step& s : steps) {
    auto next = apply(m, s);
    if (!next) throw InternalError(next.error().code + ": " + next.error().text);
    m = std::move(*next);
  }
  HostTensor image = noise({conv_.images, conv_.channels, conv_.rows, conv_.columns}, 1);
  double worst = std::max(distance(executed(m.network, image, false), expected), distance(executed(m.network, image, true), expected));
  if (slow) NASC_CHECK(distance(interpreted(m.network, image), expected) < kNearFloats) << "in the interpreter";
  if (!steps.empty()) {
    auto separated = apply(m, parse_step("separate(layer=conv)"));
    if (!separated) throw InternalError(separated.error().code + ": " + separated.error().text);
    worst = std::max(worst, distance(executed(separated->network, image, false), expected));
  }
  auto patch = graph_patch(module_.network, m.network);
  if (!patch) throw InternalError(patch.error().code + ": " + patch.error().text);
  std::string bytes = export_onnx(patched(graph_, *patch));
  worst = std::max(worst, distance(executed(lower(graph_of(bytes)), image, false), expected));
  if (model) *model = std::move(bytes);
  return worst;
}

}  // namespace nasc::test
