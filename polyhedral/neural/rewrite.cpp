// Rewrites of forms: what is common to all neural transformations.
#include <algorithm>
#include <map>

#include "polyhedral/neural/edit.h"

namespace nasc {
namespace {

// Channels that a piece writes, in no order.
std::vector<int64_t> channels(const ConvPiece& p) {
  std::vector<int64_t> out = {p.first[kCo]};
  for (const ConvLoop& l : p.loops) {
    if (!l.at[kCo]) continue;
    size_t n = out.size();
    for (int64_t k = 1; k < l.extent; ++k)
      for (size_t i = 0; i < n; ++i) out.push_back(out[i] + k * l.at[kCo]);
  }
  return out;
}

// Output channels counted anew without the ones that nobody writes.
Expected<void> renumber(ConvForm& form) {
  std::vector<bool> kept(static_cast<size_t>(form.out[0]));
  int64_t points = 0;
  for (const ConvPiece& p : form.pieces) {
    for (int64_t c : channels(p)) kept[static_cast<size_t>(c)] = true;
    points += static_cast<int64_t>(channels(p).size()) * p.extent(kOh) * p.repeat[0] * p.extent(kOw) * p.repeat[1];
  }
  int64_t left = std::count(kept.begin(), kept.end(), true);
  if (points != left * form.out[1] * form.out[2])
    return refuse("uncovered", "some channels would be written at some places only");
  if (left == form.out[0]) return {};
  auto below = [&](int64_t c) { return std::count(kept.begin(), kept.begin() + c, true); };
  for (ConvPiece& p : form.pieces) {
    std::vector<int64_t> old = channels(p);
    std::map<int64_t, ConvLoop*> by_step;
    for (ConvLoop& l : p.loops)
      if (l.at[kCo] && l.extent > 1) by_step[l.at[kCo]] = &l;
    p.first[kCo] = below(p.first[kCo]);
    int64_t step = 1;
    for (auto [unused, l] : by_step) l->at[kCo] = step, step *= l->extent;
    for (ConvLoop& l : p.loops)
      if (l.at[kCo] && l.extent == 1) l.at[kCo] = step;
    std::vector<int64_t> now = channels(p);
    for (size_t k = 0; k < old.size(); ++k)
      if (below(old[k]) != now[k]) return refuse("uncovered", "the channels of a piece would not lie together");
  }
  for (int64_t c = 0; c < form.out[0]; ++c)
    if (kept[static_cast<size_t>(c)]) form.kept.push_back(c);
  form.out[0] = left;
  return {};
}

constexpr Parameter kLayer{Parameter::word, "layer",
                           "name of the convolution: its call's, or of its output where that is not unique"};
constexpr Parameter kRecipe{Parameter::word, "weights",
                            "sliced: by place out of the given ones (default); init: drawn anew", false};
constexpr const char* kRefusals[] = {"no-such-layer",   "ambiguous-layer", "not-convolution",
                                     "symbolic-extent", "not-constant",    "bad-recipe"};
constexpr const char* kCutRefusals[] = {"pinned",   "tied-channels", "grouped-consumer", "coupled-channels",
                                        "reshaped", "reduced",       "uncovered"};
}  // namespace

Expected<ConvForm> rewritten(const ConvForm& form, const FormRewrite& rewrite, const Args& args) {
  ConvForm start = form;
  begin_rewrite(start);
  auto next = rewrite(std::move(start), args);
  if (!next) return next;
  if (auto done = renumber(*next); !done) return std::unexpected(done.error());
  for (ConvPiece& p : next->pieces) make_dense(p);
  return next;
}

Transformation neural_transformation(const NeuralStep& step) {
  Transformation t{};
  t.name = step.name;
  t.kind = Kind::neural;
  t.parameters = step.parameters;
  t.parameters.insert(t.parameters.begin(), kLayer);
  t.parameters.push_back(kRecipe);
  t.doc = step.doc;
  t.refusals.assign(std::begin(kRefusals), std::end(kRefusals));
  t.refusals.insert(t.refusals.end(), step.refusals.begin(), step.refusals.end());
  if (step.drops_channels) t.refusals.insert(t.refusals.end(), std::begin(kCutRefusals), std::end(kCutRefusals));
  t.on_module = [rewrite = step.rewrite](const Module& m, const Args& a) { return rewrite_layer(m, a, rewrite); };
  return t;
}

Expected<ConvForm> apply_to_form(const ConvForm& form, const Step& step) {
  const NeuralStep* t = find_registered<NeuralStep>(step.transformation);
  if (!t) return refuse("unknown-transformation", "no neural transformation " + step.transformation);
  return rewritten(form, t->rewrite, Args{&step});
}

Expected<size_t> piece_argument(const ConvForm& form, const Args& a) {
  size_t n = form.pieces.size();
  if (!a.has("piece")) {
    if (n == 1) return size_t{0};
    return refuse("ambiguous-piece", text("piece=0 .. ", n - 1));
  }
  int64_t k = a.integer("piece");
  if (k < 0 || k >= static_cast<int64_t>(n)) return refuse("no-such-piece", text("piece ", k, " of ", n));
  return static_cast<size_t>(k);
}

Expected<size_t> loop_argument(const ConvPiece& p, const Args& a, const char* argument) {
  std::string name = a.word(argument);
  if (int k = p.loop(name); k >= 0) return static_cast<size_t>(k);
  std::string all;
  for (const ConvLoop& l : p.loops) all += (all.empty() ? "" : ", ") + l.name;
  return refuse("no-such-loop", "no loop " + name + "; there are " + all);
}

}  // namespace nasc
