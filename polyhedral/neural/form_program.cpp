// A convolution written as a Program, and dense indices after a rewrite.
#include <algorithm>

#include "ir/text.h"
#include "polyhedral/neural/form.h"

namespace nasc {
namespace {

std::string sum_text(const ConvPiece& p, Axis axis, int64_t first) {
  std::string out;
  auto add = [&](int64_t c, const std::string& factor) {
    if (!c) return;
    out += out.empty() ? (c < 0 ? "-" : "") : c < 0 ? " - " : " + ";
    int64_t size = c < 0 ? -c : c;
    out += factor.empty() ? std::to_string(size) : size == 1 ? factor : text(size, "*", factor);
  };
  for (const ConvLoop& l : p.loops) add(l.at[axis], l.name);
  add(first, "");
  return out.empty() ? "0" : out;
}

// 0 <= n < N and 0 <= co < 64 and ..
std::string box_text(const std::vector<std::pair<std::string, std::string>>& bounds) {
  std::string out;
  for (const auto& [name, extent] : bounds) out += (out.empty() ? "0 <= " : " and 0 <= ") + name + " < " + extent;
  return out;
}

std::string tuple(const std::string& name, const std::vector<std::pair<std::string, std::string>>& bounds) {
  std::string out;
  for (const auto& b : bounds) out += (out.empty() ? "" : ", ") + b.first;
  return name + "[" + out + "]";
}

struct Writer {
  const ConvForm& f;
  std::string batch, parameters, type;
  std::ostringstream out;

  explicit Writer(const ConvForm& form) : f(form), batch(form.batch.text()), type(name(form.dtype)) {
    for (const auto& p : form.batch.parameters()) parameters += (parameters.empty() ? "" : ", ") + p;
    if (!parameters.empty()) parameters = "[" + parameters + "] -> ";
  }

  void tensor(const std::string& name, const std::string& shape, const char* role) {
    out << "  tensor " << name << " : " << type << "[" << shape << "] " << role << "\n";
  }

  std::string plane(const std::array<int64_t, 3>& s) { return text(batch, ", ", s[0], ", ", s[1], ", ", s[2]); }
  static std::array<int64_t, 3> part(const ConvPiece& p) { return {p.extent(kCo), p.extent(kOh), p.extent(kOw)}; }
  static bool repeats(const ConvPiece& p) { return p.repeat[0] * p.repeat[1] > 1; }

  void tensors() {
    tensor("X", plane(f.image), "input");
    for (size_t k = 0; k < f.pieces.size(); ++k) {
      const auto& w = f.pieces[k].weights;
      tensor(weight_name(f, k), text(w[0], ", ", w[1], ", ", w[2], ", ", w[3]), "weight");
    }
    if (f.bias) tensor("B", text(f.out[0]), "weight");
    tensor("Y", plane(f.out), "output");
    for (size_t k = 0; k < f.pieces.size(); ++k)
      if (repeats(f.pieces[k])) tensor(text("T", k), plane(part(f.pieces[k])), "temp");
  }

  void statement(const std::string& name, const std::vector<std::pair<std::string, std::string>>& bounds,
                 const std::string& cut, const std::string& body) {
    std::string set = "{ " + tuple(name, bounds) + " : " + box_text(bounds);
    out << "  stmt " << name << " " << parameters << set << cut << " }\n";
    if (!cut.empty()) out << "    box " << parameters << set << " }\n";
    out << "    " << body << "\n";
  }

  void piece(size_t k) {
    const ConvPiece& p = f.pieces[k];
    bool local = repeats(p);
    std::string y = local ? text("T", k) : "Y";
    auto at = [&](Axis a) { return local ? 0 : p.first[a]; };
    auto shifted = [](const char* name, int64_t by) { return by ? text(name, " + ", by) : std::string(name); };
    auto extents = part(p);
    statement(text("init", k),
              {{"n", batch}, {"co", text(extents[0])}, {"oh", text(extents[1])}, {"ow", text(extents[2])}}, "",
              y + "[n, " + shifted("co", at(kCo)) + ", " + shifted("oh", at(kOh)) + ", " + shifted("ow", at(kOw)) +
                  "] = " + (f.bias ? "B[" + shifted("co", p.first[kCo]) + "]" : "0"));
    std::vector<std::pair<std::string, std::string>> bounds = {{"n", batch}};
    for (const ConvLoop& l : p.loops) bounds.emplace_back(l.name, text(l.extent));
    std::string row = sum_text(p, kIh, p.first[kIh]), column = sum_text(p, kIw, p.first[kIw]), cut;
    auto inside = [&](Axis axis, const std::string& index, int64_t extent) {
      if (p.first[axis] < 0 || p.first[axis] + p.extent(axis) > extent)
        cut += text(" and 0 <= ", index, " < ", extent);
    };
    inside(kIh, row, f.image[1]);
    inside(kIw, column, f.image[2]);
    auto list = [&](std::vector<std::pair<Axis, int64_t>> axes) {
      std::string s;
      for (auto [axis, first] : axes) s += (s.empty() ? "" : ", ") + sum_text(p, axis, first);
      return s;
    };
    statement(text("mac", k), bounds, cut,
              y + "[n, " + list({{kCo, at(kCo)}, {kOh, at(kOh)}, {kOw, at(kOw)}}) + "] += X[n, " +
                  sum_text(p, kCi, p.first[kCi]) + ", " + row + ", " + column + "] * " + weight_name(f, k) + "[" +
                  list({{kRow, p.first[kRow]}, {kCol, p.first[kCol]}, {kKh, p.first[kKh]}, {kKw, p.first[kKw]}}) + "]");
    if (!local) return;
    int64_t r = p.repeat[0], q = p.repeat[1];
    statement(text("rep", k),
              {{"n", batch}, {"co", text(extents[0])}, {"oh", text(extents[1] * r)}, {"ow", text(extents[2] * q)}}, "",
              "Y[n, " + shifted("co", p.first[kCo]) + ", " + shifted("oh", p.first[kOh] * r) + ", " +
                  shifted("ow", p.first[kOw] * q) + "] = " + y + "[n, co, " +
                  (r > 1 ? text("floor(oh/", r, ")") : "oh") + ", " + (q > 1 ? text("floor(ow/", q, ")") : "ow") + "]");
  }
};
}  // namespace

Program program_of(const ConvForm& form) {
  Writer w(form);
  w.out << "program " << form.name << " origin \"" << form.origin << "\" {\n";
  w.tensors();
  for (size_t k = 0; k < form.pieces.size(); ++k) w.piece(k);
  w.out << "}\n";
  return parse_program(w.out.str(), "neural");
}

void make_dense(ConvPiece& p) {
  p.taken.clear();
  for (const ConvLoop& l : p.loops) p.taken.push_back({l.at[kRow], l.at[kCol], l.at[kKh], l.at[kKw]});
  p.taken_first = {p.first[kRow], p.first[kCol], p.first[kKh], p.first[kKw]};
  for (Axis a : {kRow, kCol, kKh, kKw}) {
    p.first[a] = 0;
    for (ConvLoop& l : p.loops) l.at[a] = 0;
  }
  // Each loop counts in one of the four dimensions; smaller steps run faster.
  std::vector<size_t> order(p.loops.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::array<int64_t, 4> sizes{1, 1, 1, 1};
  auto count = [&](Axis dim, auto&& belongs, auto&& key) {
    std::vector<size_t> of;
    for (size_t k : order)
      if (belongs(k)) of.push_back(k);
    std::stable_sort(of.begin(), of.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
    for (size_t k : of) {
      p.loops[k].at[dim] = sizes[dim - kRow];
      sizes[dim - kRow] *= p.loops[k].extent;
    }
  };
  auto tap = [&](size_t k) { return p.taken[k][2] != 0 || p.taken[k][3] != 0; };
  count(kRow, [&](size_t k) { return p.loops[k].at[kCo] != 0; }, [&](size_t k) { return p.loops[k].at[kCo]; });
  count(kCol, [&](size_t k) { return !p.loops[k].at[kCo] && p.loops[k].at[kCi] && !tap(k); },
        [&](size_t k) { return p.loops[k].at[kCi]; });
  count(kKh, [&](size_t k) { return !p.loops[k].at[kCo] && p.taken[k][2] != 0; }, [&](size_t k) { return p.taken[k][2]; });
  count(kKw, [&](size_t k) { return !p.loops[k].at[kCo] && p.taken[k][3] != 0; }, [&](size_t k) { return p.taken[k][3]; });
  p.weights = sizes;
}

}  // namespace nasc
