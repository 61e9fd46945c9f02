#include "oracle.h"

#include <catch2/catch.hpp>
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
  FAIL("no loop " << name);
  return 0;
}

// Named after what it moves, also with one value left.
std::map<std::string, size_t> kAxis = {{"co", 0}, {"oh", 1}, {"ow", 2}, {"ci", 3}, {"kh", 4}, {"kw", 5}};

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
  FAIL("no loop over " << stem);
  return 0;
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
}  // namespace

std::vector<double> expected_values(const OneConv& c, const std::vector<Step>& steps, uint64_t seed) {
  Module m = one_conv(c);
  const Network& n = m.network;
  const Buffer *w = nullptr, *b = nullptr;
  for (const Buffer& buffer : n.buffers) {
    if (buffer.role != Role::weight) continue;
    (buffer.rank() == 4 ? w : b) = &buffer;
  }
  HostTensor x = noise({c.images, c.channels, c.rows, c.columns}, seed);
  int64_t rows = (c.rows + 2 * c.pad - c.kernel) / c.stride + 1, columns = (c.columns + 2 * c.pad - c.kernel) / c.stride + 1;
  Part whole;
  std::array<int64_t, 6> extents = {c.outputs, rows, columns, c.channels, c.kernel, c.kernel};
  for (const char* name : {"co", "oh", "ow", "ci", "kh", "kw"}) {
    Dim d{name, {}};
    for (int64_t k = 0; k < extents[kAxis[name]]; ++k) {
      Point p{};
      p[kAxis[name]] = k;
      d.values.push_back(p);
    }
    whole.dims.push_back(d);
  }
  std::vector<Part> parts = {whole};
  for (const Step& s : steps) carry_out(parts, s);

  std::vector<double> sums(static_cast<size_t>(c.images * c.outputs * rows * columns));
  std::vector<bool> written(sums.size()), channel(static_cast<size_t>(c.outputs));
  auto at = [&](int64_t i, int64_t co, int64_t oh, int64_t ow) {
    return static_cast<size_t>(((i * c.outputs + co) * rows + oh) * columns + ow);
  };
  for (const Part& p : parts) {
    std::vector<Point> points = {p.base};
    for (const Dim& d : p.dims) {
      std::vector<Point> more;
      for (const Point& q : points)
        for (const Point& v : d.values) more.push_back(sum(q, v));
      points = std::move(more);
    }
    for (const Point& q : points) {
      auto [co, oh, ow, ci, kh, kw] = q;
      channel[static_cast<size_t>(co)] = true;
      for (int64_t i = 0; i < c.images; ++i) {
        size_t y = at(i, co, oh, ow);
        if (!written[y]) written[y] = true, sums[y] = b ? static_cast<double>(b->payload.as<float>()[co]) : 0;
        int64_t ih = oh * c.stride + kh - c.pad, iw = ow * c.stride + kw - c.pad;
        if (ih < 0 || ih >= c.rows || iw < 0 || iw >= c.columns) continue;
        sums[y] += static_cast<double>(x.as<float>()[((i * c.channels + ci) * c.rows + ih) * c.columns + iw]) *
                   static_cast<double>(w->payload.as<float>()[((co * c.channels + ci) * c.kernel + kh) * c.kernel + kw]);
      }
    }
    // Places that were left out show the computed one before them.
    for (int64_t i = 0; i < c.images && p.repeat[0] * p.repeat[1] > 1; ++i)
      for (const Point& q : points)
        for (int64_t r = 0; r < p.repeat[0]; ++r)
          for (int64_t s = 0; s < p.repeat[1]; ++s) {
            sums[at(i, q[0], q[1] + r, q[2] + s)] = sums[at(i, q[0], q[1], q[2])];
            written[at(i, q[0], q[1] + r, q[2] + s)] = true;
          }
  }
  std::vector<double> out;
  for (int64_t i = 0; i < c.images; ++i)
    for (int64_t co = 0; co < c.outputs; ++co)
      for (int64_t p = 0; p < rows * columns; ++p)
        if (channel[static_cast<size_t>(co)]) out.push_back(sums[at(i, co, p / columns, p % columns)]);
  return out;
}

}  // namespace nasc::test
