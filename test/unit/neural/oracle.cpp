#include "oracle.h"

#include <algorithm>
#include <map>

namespace nasc::test {
namespace {

// A loop as the list of what each of its values adds to: output channel, row, column; input channel; taps.
using Point = std::array<int64_t, 6>;
struct Dim {
  std::string name;
  std::vector<Point> values;
};
struct Part {
  std::vector<Dim> dims;
  Point base{};
  std::array<int64_t, 2> repeat{1, 1};  // rows, columns that show one computed
  int groups = 0;                       // how many loops g there are
};

Point sum(Point a, const Point& b) {
  for (size_t k = 0; k < a.size(); ++k) a[k] += b[k];
  return a;
}
Point minus(Point a, const Point& b) {
  for (size_t k = 0; k < a.size(); ++k) a[k] -= b[k];
  return a;
}

size_t place(const Part& p, const std::string& name) {
  for (size_t k = 0; k < p.dims.size(); ++k)
    if (p.dims[k].name == name) return k;
  throw UserError(code::bad_plan, "oracle", "no loop " + name);
}

// Named after what it moves, also with one value left.
const std::map<std::string, size_t> kAxis = {{"co", 0}, {"oh", 1}, {"ow", 2}, {"ci", 3}, {"kh", 4}, {"kw", 5}};

std::pair<Dim, Dim> stripped(const Dim& d, size_t parts, const std::string& outer, const std::string& inner) {
  size_t size = d.values.size() / parts;
  Dim o{outer, {}}, i{inner, {}};
  for (size_t k = 0; k < parts; ++k) o.values.push_back(minus(d.values[k * size], d.values[0]));
  for (size_t k = 0; k < size; ++k) i.values.push_back(d.values[k]);
  return {o, i};
}

void replace(Part& p, size_t at, const std::pair<Dim, Dim>& two) {
  p.dims[at] = two.second;
  p.dims.insert(p.dims.begin() + static_cast<std::ptrdiff_t>(at), two.first);
}

void tied(Part& p, size_t a, size_t b) {
  for (size_t k = 0; k < p.dims[a].values.size(); ++k) p.dims[a].values[k] = sum(p.dims[a].values[k], p.dims[b].values[k]);
  p.dims.erase(p.dims.begin() + static_cast<std::ptrdiff_t>(b));
}

// The outermost loop whose name says that it runs over `stem` alone.
size_t outermost(const Part& p, const std::string& stem) {
  for (size_t k = 0; k < p.dims.size(); ++k)
    if (p.dims[k].name == stem || p.dims[k].name == stem + "_o" || p.dims[k].name == stem + "_i") return k;
  throw UserError(code::bad_plan, "oracle", "no loop over " + stem);
}

void grouped(Part& p, size_t by) {
  size_t co = outermost(p, "co");
  replace(p, co, stripped(p.dims[co], by, p.groups ? text("g", p.groups + 1) : "g", p.dims[co].name));
  size_t ci = outermost(p, "ci");
  replace(p, ci, stripped(p.dims[ci], by, "tied", p.dims[ci].name));
  tied(p, co, place(p, "tied"));
  ++p.groups;
}

void narrowed(Part& p, size_t at, size_t by) {
  Dim& d = p.dims[at];
  size_t left = d.values.size() / by;
  std::string stem = d.name.substr(0, 2);
  if (stem == "oh" || stem == "ow") {
    std::vector<Point> kept;
    for (size_t k = 0; k < left; ++k) kept.push_back(d.values[k * by]);
    d.values = kept;
    p.repeat[stem == "oh" ? 0 : 1] *= static_cast<int64_t>(by);
  } else {
    size_t first = stem == "kh" || stem == "kw" ? (d.values.size() - left) / 2 : 0;
    d.values = {d.values.begin() + static_cast<std::ptrdiff_t>(first), d.values.begin() + static_cast<std::ptrdiff_t>(first + left)};
  }
}

int64_t number(const Step& s, const char* name) { return std::get<int64_t>(s.args.at(name)); }
std::string word(const Step& s, const char* name) { return std::get<std::string>(s.args.at(name)); }

void carry_out(std::vector<Part>& parts, const Step& s) {
  size_t k = s.args.count("piece") ? static_cast<size_t>(number(s, "piece")) : 0;
  Part& p = parts[k];
  const std::string& t = s.transformation;
  if (t == "group") return grouped(p, static_cast<size_t>(number(s, "by")));
  if (t == "depthwise") return grouped(p, p.dims[outermost(p, "ci")].values.size());
  if (t == "bottleneck")
    return narrowed(p, s.args.count("loop") ? place(p, word(s, "loop")) : 0, static_cast<size_t>(number(s, "by")));
  if (t == "spatial_bottleneck") {
    for (const char* stem : {"oh", "ow"}) {
      size_t innermost = 0;
      for (size_t d = 0; d < p.dims.size(); ++d)
        if (p.dims[d].name == stem || p.dims[d].name == std::string(stem) + "_i") innermost = d;
      narrowed(p, innermost, static_cast<size_t>(number(s, "by")));
    }
    return;
  }
  if (t == "strip_domain") {
    size_t at = place(p, word(s, "loop"));
    std::string name = p.dims[at].name;
    return replace(p, at, stripped(p.dims[at], static_cast<size_t>(number(s, "parts")), name + "_o", name + "_i"));
  }
  if (t == "interchange_domain") return std::swap(p.dims[place(p, word(s, "first"))], p.dims[place(p, word(s, "second"))]);
  if (t == "tie_domain") return tied(p, place(p, word(s, "first")), place(p, word(s, "second")));
  size_t at = place(p, word(s, "loop"));
  const std::vector<Point> values = p.dims[at].values;
  auto range = [&](size_t first, size_t last) {
    return std::vector<Point>(values.begin() + static_cast<std::ptrdiff_t>(first), values.begin() + static_cast<std::ptrdiff_t>(last));
  };
  if (t == "restrict_domain") {
    size_t first = s.args.count("first") ? static_cast<size_t>(number(s, "first")) : 0;
    size_t count = s.args.count("count") ? static_cast<size_t>(number(s, "count")) : values.size() - first;
    p.dims[at].values = range(first, first + count);
    return;
  }
  std::vector<size_t> cuts = {0};
  if (t == "peel_domain") cuts.push_back(static_cast<size_t>(number(s, "count")));
  for (size_t c = 1; t == "split_domain" && c < static_cast<size_t>(number(s, "parts")); ++c)
    cuts.push_back(values.size() / static_cast<size_t>(number(s, "parts")) * c);
  cuts.push_back(values.size());
  std::vector<Part> made_parts;
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    made_parts.push_back(p);
    made_parts.back().dims[at].values = range(cuts[c], cuts[c + 1]);
  }
  parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(k));
  parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(k), made_parts.begin(), made_parts.end());
}

// What a value of a loop adds to the position of the result, of the padded image, of the weight.
struct Move {
  int64_t y = 0, x = 0, w = 0;
};

// Calls at(moves added up) for each point of the loops from `d` on.
template <class At>
void each_point(const std::vector<std::vector<Move>>& loops, size_t d, Move sum, At&& at) {
  if (d == loops.size()) return at(sum);
  for (const Move& m : loops[d]) each_point(loops, d + 1, Move{sum.y + m.y, sum.x + m.x, sum.w + m.w}, at);
}
}  // namespace

Oracle::Oracle(const OneConv& conv, uint64_t seed) : conv_(conv) {
  rows_ = (conv.rows + 2 * conv.pad - conv.kernel) / conv.stride + 1;
  columns_ = (conv.columns + 2 * conv.pad - conv.kernel) / conv.stride + 1;
  Module m = one_conv(conv);
  bias_.resize(static_cast<size_t>(conv.outputs));
  for (const Buffer& b : m.network.buffers) {
    if (b.role != Role::weight) continue;
    const float* from = b.payload.as<float>();
    if (b.rank() == 4) weights_.assign(from, from + b.payload.size / sizeof(float));
    else bias_.assign(from, from + bias_.size());
  }
  HostTensor x = noise({conv.images, conv.channels, conv.rows, conv.columns}, seed);
  int64_t wide = conv.columns + 2 * conv.pad, planes = conv.images * conv.channels;
  image_.resize(static_cast<size_t>(planes * (conv.rows + 2 * conv.pad) * wide));
  for (int64_t p = 0; p < planes; ++p)
    for (int64_t h = 0; h < conv.rows; ++h)
      for (int64_t w = 0; w < conv.columns; ++w)
        image_[static_cast<size_t>((p * (conv.rows + 2 * conv.pad) + h + conv.pad) * wide + w + conv.pad)] =
            static_cast<double>(x.as<float>()[(p * conv.rows + h) * conv.columns + w]);
}

std::vector<double> Oracle::values(const std::vector<Step>& steps) const {
  const OneConv& c = conv_;
  Part whole;
  std::array<int64_t, 6> extents = {c.outputs, rows_, columns_, c.channels, c.kernel, c.kernel};
  for (const char* name : {"co", "oh", "ow", "ci", "kh", "kw"}) {
    size_t axis = kAxis.at(name);
    Dim d{name, {}};
    for (int64_t k = 0; k < extents[axis]; ++k) {
      Point p{};
      p[axis] = k;
      d.values.push_back(p);
    }
    whole.dims.push_back(d);
  }
  std::vector<Part> parts = {whole};
  for (const Step& s : steps) carry_out(parts, s);

  int64_t plane = rows_ * columns_, high = c.rows + 2 * c.pad, wide = c.columns + 2 * c.pad;
  auto moved = [&](const Point& p) {
    auto [co, oh, ow, ci, kh, kw] = p;
    return Move{co * plane + oh * columns_ + ow, (ci * high + oh * c.stride + kh) * wide + ow * c.stride + kw,
                ((co * c.channels + ci) * c.kernel + kh) * c.kernel + kw};
  };
  std::vector<double> sums(static_cast<size_t>(c.images * c.outputs * plane));
  std::vector<bool> channel(static_cast<size_t>(c.outputs));
  for (const Part& p : parts) {
    std::vector<std::vector<Move>> loops, writing;  // `writing`: one point for each place of the result
    Move base = moved(p.base), first = base;
    size_t inner = 0;  // the longest with one weight
    for (const Dim& d : p.dims) {
      std::vector<Move> moves;
      for (const Point& v : d.values) moves.push_back(moved(v));
      auto same = [&](int64_t Move::*of) {
        return std::all_of(moves.begin(), moves.end(), [&](const Move& m) { return m.*of == moves[0].*of; });
      };
      if (!same(&Move::y)) writing.push_back(moves);
      else first.y += moves[0].y;
      bool one_weight = same(&Move::w);
      loops.push_back(std::move(moves));
      if (one_weight && (!inner || loops.back().size() >= loops[inner - 1].size())) inner = loops.size();
    }
    if (inner == 0) loops.push_back({Move{}}), inner = loops.size();
    std::vector<Move> row = loops[inner - 1];
    loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(inner - 1));
    for (int64_t i = 0; i < c.images; ++i) {
      double* y = sums.data() + i * c.outputs * plane;
      const double* x = image_.data() + i * c.channels * high * wide;
      each_point(writing, 0, first, [&](const Move& at) {
        y[at.y] = bias_[static_cast<size_t>(at.y / plane)];
        channel[static_cast<size_t>(at.y / plane)] = true;
      });
      each_point(loops, 0, base, [&](const Move& at) {
        double weight = static_cast<double>(weights_[static_cast<size_t>(at.w + row[0].w)]);
        for (const Move& m : row) y[at.y + m.y] += x[at.x + m.x] * weight;
      });
      // Places that were left out show the computed one before them.
      if (p.repeat[0] * p.repeat[1] > 1)
        each_point(writing, 0, first, [&](const Move& at) {
          for (int64_t r = 0; r < p.repeat[0]; ++r)
            for (int64_t s = 0; s < p.repeat[1]; ++s) y[at.y + r * columns_ + s] = y[at.y];
        });
    }
  }
  std::vector<double> out;
  for (size_t k = 0; k < sums.size(); ++k)
    if (channel[k / static_cast<size_t>(plane) % static_cast<size_t>(c.outputs)]) out.push_back(sums[k]);
  return out;
}

std::vector<double> expected_values(const OneConv& conv, const std::vector<Step>& steps, uint64_t seed) {
  return Oracle(conv, seed).values(steps);
}

}  // namespace nasc::test
