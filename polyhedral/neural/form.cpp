// Reading a convolution out of a Program.
#include "polyhedral/neural/form.h"

#include <algorithm>

namespace nasc {

int ConvPiece::loop(const std::string& name) const {
  for (size_t k = 0; k < loops.size(); ++k)
    if (loops[k].name == name) return static_cast<int>(k);
  return -1;
}

int64_t ConvPiece::extent(Axis axis) const {
  int64_t last = 0;
  for (const ConvLoop& l : loops) last += (l.extent - 1) * l.at[axis];
  return last + 1;
}

int64_t ConvPiece::macs() const {
  int64_t all = 1;
  for (const ConvLoop& l : loops) all *= l.extent;
  return all;
}

int64_t ConvForm::macs() const {
  int64_t all = 0;
  for (const ConvPiece& p : pieces) all += p.macs();
  return all;
}

int64_t ConvForm::parameters() const {
  int64_t all = bias ? out[0] : 0;
  for (const ConvPiece& p : pieces) all += p.weights[0] * p.weights[1] * p.weights[2] * p.weights[3];
  return all;
}

std::string weight_name(const ConvForm& form, size_t piece) {
  return form.pieces.size() == 1 ? "W" : text("W", piece);
}

namespace {
// Iterator 0 alone, which counts the images.
bool is_batch(const isl::aff& index) {
  auto a = linear(index);
  if (!a || a->denominator != 1 || a->constant || !a->parameters.empty() || a->coefficients.empty()) return false;
  for (size_t k = 0; k < a->coefficients.size(); ++k)
    if (a->coefficients[k] != (k == 0)) return false;
  return true;
}

Expected<void> take_linear(ConvPiece& piece, const LinearAff& a, Axis axis) {
  if (a.denominator != 1 || !a.parameters.empty() || a.coefficients[0])
    return refuse("not-convolution", "an index is no sum of iterators");
  for (size_t k = 1; k < a.coefficients.size(); ++k) piece.loops[k - 1].at[axis] = a.coefficients[k];
  piece.first[axis] = a.constant;
  return {};
}

Expected<void> take(ConvPiece& piece, const isl::aff& index, Axis axis) {
  auto a = linear(index);
  if (!a) return refuse("not-convolution", "an index has a division");
  return take_linear(piece, *a, axis);
}

// d + D floor(m / q): the channel loop m as groups of q.
Expected<void> take_grouped(ConvPiece& piece, const isl::aff& index) {
  QuasiAff q = quasi(index);
  if (q.linear.denominator != 1 || q.floors.size() != 1)
    return refuse("not-convolution", "a channel index is no sum of iterators and groups");
  auto done = take_linear(piece, q.linear, kCi);
  if (!done) return done;
  const auto& [step, inner] = q.floors[0];
  int at = -1;
  for (size_t k = 0; k < inner.linear.coefficients.size(); ++k)
    if (inner.linear.coefficients[k]) at = at < 0 && inner.linear.coefficients[k] == 1 ? static_cast<int>(k) : -2;
  int64_t rows = inner.linear.denominator;
  if (at < 1 || inner.linear.constant || !inner.floors.empty() || !inner.linear.parameters.empty() ||
      piece.loops[at - 1].extent % rows)
    return refuse("not-convolution", "a channel index is no group of channels");
  ConvLoop group = piece.loops[at - 1];
  group.name = "g";
  group.extent /= rows;
  for (int64_t& s : group.at) s *= rows;
  group.at[kCi] += step;
  piece.loops[at - 1].extent = rows;
  piece.loops.insert(piece.loops.begin() + (at - 1), group);
  return {};
}

std::string role_name(const ConvLoop& l) {
  if (l.at[kCo]) return l.at[kCi] ? "g" : "co";
  if (l.at[kOh]) return "oh";
  if (l.at[kOw]) return "ow";
  if (l.at[kKh]) return "kh";
  if (l.at[kKw]) return "kw";
  return "ci";
}

// Is the sum over all points of a box whose image index lies inside the image?
bool only_padding_cut(const Statement& s, const Access& image, const Tensor& x) {
  if (s.domain.is_equal(s.box)) return true;
  return s.domain.is_equal(s.box.intersect(image.map.as_map().intersect_range(extent_set(x)).domain()));
}

Expected<ConvPiece> read_piece(const Program& p, const Statement& s, bool own_names) {
  auto not_conv = [&](const std::string& why) { return refuse("not-convolution", s.name + " " + why); };
  if (s.combine != Combine::add || !s.reassociable || s.reads.size() != 2 || s.body->fn != Fn::mul ||
      s.body->args[0]->fn != Fn::read || s.body->args[1]->fn != Fn::read || s.body->args[0]->index != 0 ||
      s.body->args[1]->index != 1)
    return not_conv("is no sum of products");
  const Access &image = s.reads[0], &weights = s.reads[1];
  const Tensor &x = p.tensor(image.tensor), &w = p.tensor(weights.tensor), &y = p.tensor(s.write.tensor);
  if (x.rank() != 4 || w.rank() != 4 || y.rank() != 4) return not_conv("has other than two spatial dimensions");
  if (x.role == Role::temp || w.role == Role::temp) return not_conv("has local operands");
  if (!is_batch(s.write.map.at(0)) || !is_batch(image.map.at(0))) return not_conv("does not keep images apart");
  ConvPiece piece;
  for (const auto& together : coupled_dims(s.box))
    if (together.size() > 1) return not_conv("is no box");
  for (size_t k = 1; k < s.iterators.size(); ++k) {
    auto range = constant_range(s.box, static_cast<int>(k));
    if (!range) return refuse("symbolic-extent", s.iterators[k] + " has no constant extent");
    if (range->first != 0) return not_conv("does not start at 0");
    piece.loops.push_back({s.iterators[k], range->second + 1, {}});
  }
  auto all = [&](const Access& a, std::vector<std::pair<int, Axis>> axes) -> Expected<void> {
    for (auto [d, axis] : axes)
      if (auto done = take(piece, a.map.at(d), axis); !done) return done;
    return {};
  };
  if (auto done = all(s.write, {{1, kCo}, {2, kOh}, {3, kOw}}); !done) return std::unexpected(done.error());
  if (auto done = all(weights, {{0, kRow}, {1, kCol}, {2, kKh}, {3, kKw}}); !done) return std::unexpected(done.error());
  if (auto done = all(image, {{2, kIh}, {3, kIw}}); !done) return std::unexpected(done.error());
  isl::aff channel = image.map.at(1);
  auto done = linear(channel) ? take(piece, channel, kCi) : take_grouped(piece, channel);
  if (!done) return std::unexpected(done.error());
  if (!only_padding_cut(s, image, x)) return not_conv("has a domain that is cut");
  for (size_t d = 0; d < 4; ++d) piece.weights[d] = w.shape[d].constant();
  for (ConvLoop& l : piece.loops) {
    bool shared_tap = l.at[kKh] && l.at[kKw];
    if (shared_tap || (l.at[kOh] && l.at[kOw])) return not_conv("has a diagonal loop");
    if (!own_names && l.name != "g") l.name = role_name(l);
  }
  if (!own_names) {
    for (size_t k = 0; k < piece.loops.size(); ++k)
      if (piece.loop(piece.loops[k].name) != static_cast<int>(k))
        return not_conv("has two loops " + piece.loops[k].name);
  }
  return piece;
}

// Y[n, c + .., ..] = T[n, c, floor(h/r), ..]
Expected<void> read_repeat(ConvPiece& piece, const Statement& s) {
  for (int d = 0; d < 2; ++d) {
    QuasiAff q = quasi(s.reads[0].map.at(2 + d));
    piece.repeat[d] = !q.floors.empty() ? q.floors[0].second.linear.denominator : q.linear.denominator;
    if (piece.repeat[d] < 1) return refuse("not-convolution", s.name + " repeats nothing");
  }
  for (int d = 0; d < 3; ++d) {
    auto a = linear(s.write.map.at(1 + d));
    if (!a) return refuse("not-convolution", s.name + " has a division");
    piece.first[kCo + d] = a->constant / (d ? piece.repeat[d - 1] : 1);
  }
  return {};
}

bool numbered(const std::string& name, const char* stem) {
  size_t n = std::string_view(stem).size();
  return name.size() > n && name.starts_with(stem) &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(n), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}
}  // namespace

Expected<ConvForm> conv_form(const Program& p) {
  ConvForm form;
  form.name = p.name;
  form.origin = p.origin;
  std::vector<const Statement*> sums, inits, repeats;
  bool own_names = true;
  for (const Statement& s : p.statements) {
    if (s.is_reduction()) {
      sums.push_back(&s);
      own_names &= numbered(s.name, "mac");
    } else {
      (numbered(s.name, "rep") ? repeats : inits).push_back(&s);
    }
  }
  if (sums.empty() || p.phase != Phase::run) return refuse("not-convolution", p.name + " sums nothing");
  if (inits.size() != sums.size() || (!own_names && sums.size() > 1) || repeats.size() > sums.size())
    return refuse("not-convolution", p.name + " has other statements, too");
  const Tensor *x = nullptr, *y = nullptr;
  for (size_t k = 0; k < sums.size(); ++k) {
    const Statement &s = *sums[k], &init = *inits[k];
    bool zero = init.reads.empty() && init.body->fn == Fn::constant && init.body->number == 0;
    bool bias = init.reads.size() == 1 && init.body->fn == Fn::read && init.reads[0].map.size() == 1;
    if (init.combine != Combine::assign || init.write.tensor != s.write.tensor || (!zero && !bias))
      return refuse("not-convolution", init.name + " is no start of a sum");
    form.bias |= bias;
    auto piece = read_piece(p, s, own_names);
    if (!piece) return std::unexpected(piece.error());
    const Tensor* written = &p.tensor(s.write.tensor);
    for (const Statement* r : repeats)
      if (r->reads.size() == 1 && r->reads[0].tensor == written->name) {
        auto done = read_repeat(*piece, *r);
        if (!done) return std::unexpected(done.error());
        written = &p.tensor(r->write.tensor);
      }
    if (written->role == Role::temp || (y && y != written)) return refuse("not-convolution", "it writes several tensors");
    const Tensor* image = &p.tensor(s.reads[0].tensor);
    if (x && x != image) return refuse("not-convolution", "it reads several images");
    x = image, y = written;
    form.pieces.push_back(std::move(*piece));
  }
  for (int d = 1; d < 4; ++d) {
    if (!x->shape[d].is_constant() || !y->shape[d].is_constant())
      return refuse("symbolic-extent", text(x->shape) + " to " + text(y->shape));
    form.image[d - 1] = x->shape[d].constant();
    form.out[d - 1] = y->shape[d].constant();
  }
  form.batch = x->shape[0];
  form.dtype = x->dtype;
  begin_rewrite(form);
  return form;
}

void begin_rewrite(ConvForm& form) {
  for (size_t k = 0; k < form.pieces.size(); ++k) form.pieces[k].source = static_cast<int>(k);
  form.kept.clear();
}

}  // namespace nasc
