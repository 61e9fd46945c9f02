// Winograd's matrices by the Toom-Cook construction, and the Programs that apply them separably.
#include "polyhedral/transforms/winograd_programs.h"

#include "ir/text.h"
#include "polyhedral/module_edit.h"

namespace nasc {
namespace {
using Matrix = std::vector<std::vector<double>>;

// The finite points by m: the error grows with the spread of their powers, and pairs of opposite
// points leave zeros in the matrices.
std::vector<double> points(int64_t m) {
  static const std::map<int64_t, std::vector<double>> kPoints = {
      {2, {0, 1, -1}}, {3, {0, 0.75, -0.75, 2}}, {4, {0, 0.75, -0.75, 1.5, -1.5}}};
  return kPoints.at(m);
}

// Coefficients of the product of (x - p) over the points but `skipped`.
std::vector<double> polynomial(const std::vector<double>& p, size_t skipped) {
  std::vector<double> out = {1};
  for (size_t l = 0; l < p.size(); ++l) {
    if (l == skipped)
      continue;
    out.push_back(0);
    for (size_t k = out.size() - 1; k > 0; --k)
      out[k] = out[k - 1] - p[l] * out[k];
    out[0] *= -p[l];
  }
  return out;
}

Matrix input_matrix(int64_t m) {
  std::vector<double> p = points(m);
  Matrix out;
  for (size_t j = 0; j <= p.size(); ++j) {
    out.push_back(polynomial(p, j));
    out.back().resize(p.size() + 1);
  }
  return out;
}

Matrix filter_matrix(int64_t m) {
  std::vector<double> p = points(m);
  Matrix out;
  for (size_t j = 0; j < p.size(); ++j) {
    double scale = 1;
    for (size_t l = 0; l < p.size(); ++l)
      if (l != j)
        scale *= p[j] - p[l];
    out.push_back({1 / scale, p[j] / scale, p[j] * p[j] / scale});
  }
  out.push_back({0, 0, 1});
  return out;
}

// [m][tile]
Matrix output_matrix(int64_t m) {
  std::vector<double> p = points(m);
  Matrix out;
  for (int64_t i = 0; i < m; ++i) {
    std::vector<double> row;
    for (double x : p) {
      double power = 1;
      for (int64_t k = 0; k < i; ++k)
        power *= x;
      row.push_back(power);
    }
    row.push_back(i == m - 1 ? 1 : 0);
    out.push_back(row);
  }
  return out;
}

template <class T> Payload payload_of_matrix(const Matrix& matrix) {
  std::vector<T> values;
  for (const auto& row : matrix)
    values.insert(values.end(), row.begin(), row.end());
  return payload_of(values);
}

// `text` with each $name replaced.
std::string filled(std::string source, const std::map<std::string, std::string>& values) {
  std::string out;
  for (size_t k = 0; k < source.size(); ++k) {
    if (source[k] != '$') {
      out += source[k];
      continue;
    }
    size_t end = k + 1;
    while (end < source.size() && std::isalnum(static_cast<unsigned char>(source[end])))
      ++end;
    out += values.at(source.substr(k + 1, end - k - 1));
    k = end - 1;
  }
  return out;
}

// The first row of a tile's outputs.
std::string row(const WinogradShape& w) {
  return (w.block ? text(w.m * w.block, "*", kBlockLoop, " + ") : "") + text(w.m, "*y");
}

std::map<std::string, std::string> numbers(const WinogradShape& w) {
  auto minus = [](int64_t v) { return v < 0 ? text("+ ", -v) : text("- ", v); };
  bool apart = w.by_image();
  return {{"N", isl_text(w.images)},  {"M", text(w.out[1])},       {"H", text(w.out[2])},
          {"given", isl_parameters({w.images})},
          {"images", apart ? text(w.images.text(), ", ") : ""},
          {"image", apart ? "n," : ""},
          {"each", apart ? text("0 <= n < ", isl_text(w.images), " and") : ""},
          {"tile", text(apart ? "" : text(w.tiles(0) * w.tiles(1), "*n + "), w.tiles(1), "*y + x")},
          {"W", text(w.out[3])},      {"C", text(w.channels)},     {"IC", text(w.channels * w.groups)},
          {"group", w.groups > 1 ? text(" + ", w.channels, "*floor(m/", w.rows(), ")") : ""},
          {"first", w.first ? text(" + ", w.first) : ""},
          {"e", text(w.tile())},
          {"s", text(w.m)},           {"TY", text(w.block ? w.block : w.tiles(0))},
          {"TX", text(w.tiles(1))},   {"T", text(w.block_tiles())},
          {"top", minus(w.before[0])}, {"left", minus(w.before[1])},
          {"block", w.block ? text(kBlockLoop, ",") : ""},
          {"blocks", w.block ? text("0 <= ", kBlockLoop, " < ", w.tiles(0) / w.block, " and") : ""},
          {"count", w.block ? text(w.tiles(0) / w.block, ", ") : ""},
          {"row", row(w)}};
}

Tensor bound_as(Tensor t, const std::string& name, Role role) {
  t.name = name;
  t.role = role;
  return t;
}

constexpr const char* kFilter = R"(program winograd_filter origin "Conv" {
  tensor W : f32[$M, $C, 3, 3] weight
  tensor G : f64[$e, 3] weight
  tensor T : f64[$C, $M, $e, 3] temp
  tensor Z : f64[$C, $M, $e, $e] temp
  tensor U : f32[$e, $e, $C, $M] output
  stmt t0 { t0[d, m, s, x] : 0 <= d < $C and 0 <= m < $M and 0 <= s < 3 and 0 <= x < $e }
    T[d, m, x, s] = 0
  stmt t1 { t1[d, m, s, x, k] : 0 <= d < $C and 0 <= m < $M and 0 <= s < 3 and 0 <= x < $e and 0 <= k < 3 }
    T[d, m, x, s] += f64(W[m, d, k, s]) * G[x, k]
  stmt z0 { z0[d, m, i, j] : 0 <= d < $C and 0 <= m < $M and 0 <= i < $e and 0 <= j < $e }
    Z[d, m, i, j] = 0
  stmt z1 { z1[d, m, i, j, k] : 0 <= d < $C and 0 <= m < $M and 0 <= i < $e and 0 <= j < $e and 0 <= k < 3 }
    Z[d, m, i, j] += T[d, m, i, k] * G[j, k]
  stmt u { u[d, m, i, j] : 0 <= d < $C and 0 <= m < $M and 0 <= i < $e and 0 <= j < $e }
    U[i, j, d, m] = f32(Z[d, m, i, j])
})";

constexpr const char* kInput = R"(program winograd_input origin "Conv" {
  tensor X : f32[$N, $XC, $IH, $IW] input
  tensor B : f32[$e, $e] weight
  tensor T : f32[$count$N, $TY, $TX, $IC, $e, $e] temp
  tensor Z : f32[$count$N, $TY, $TX, $IC, $e, $e] temp
  tensor V : f32[$count$images$e, $e, $T, $IC] output
  stmt t0 $given{ t0[$block n, y, x, d, s, r] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= d < $IC and 0 <= s < $e and 0 <= r < $e }
    T[$block n, y, x, d, r, s] = 0
  stmt t1 $given{ t1[$block n, y, x, d, s, r, k] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= d < $IC and 0 <= s < $e and 0 <= r < $e and 0 <= k < $e and 0 <= $row + k $top < $IH and 0 <= $s*x + s $left < $IW }
    box $given{ t1[$block n, y, x, d, s, r, k] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= d < $IC and 0 <= s < $e and 0 <= r < $e and 0 <= k < $e }
    T[$block n, y, x, d, r, s] += X[n, d$first, $row + k $top, $s*x + s $left] * B[r, k]
  stmt z0 $given{ z0[$block n, y, x, d, i, j] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= d < $IC and 0 <= i < $e and 0 <= j < $e }
    Z[$block n, y, x, d, i, j] = 0
  stmt z1 $given{ z1[$block n, y, x, d, i, j, k] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= d < $IC and 0 <= i < $e and 0 <= j < $e and 0 <= k < $e }
    Z[$block n, y, x, d, i, j] += T[$block n, y, x, d, i, k] * B[j, k]
  stmt v $given{ v[$block n, y, x, d, i, j] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= d < $IC and 0 <= i < $e and 0 <= j < $e }
    V[$block $image i, j, $tile, d] = Z[$block n, y, x, d, i, j]
})";

constexpr const char* kProduct = R"(program winograd_product origin "Conv" {
  tensor U : f32[$e, $e, $C, $M] input
  tensor V : f32[$count$images$e, $e, $T, $IC] input
  tensor P : f32[$count$images$e, $e, $T, $M] output
  stmt p0 $given{ p0[$block $image i, j, t, m] : $blocks $each 0 <= i < $e and 0 <= j < $e and 0 <= t < $T and 0 <= m < $M }
    P[$block $image i, j, t, m] = 0
  stmt p1 $given{ p1[$block $image i, j, t, m, d] : $blocks $each 0 <= i < $e and 0 <= j < $e and 0 <= t < $T and 0 <= m < $M and 0 <= d < $C }
    P[$block $image i, j, t, m] += V[$block $image i, j, t, d$group] * U[i, j, d, m]
})";

// The statements that replace the sum; Y stands for the convolution's result.
constexpr const char* kOutput = R"(program winograd_output origin "Conv" {
  tensor winograd_p : f32[$count$images$e, $e, $T, $M] input
  tensor winograd_a : f32[$s, $e] weight
  tensor winograd_t : f32[$count$N, $TY, $TX, $M, $s, $e] temp
  tensor winograd_y : f32[$N, $M, $H, $W] output
  stmt winograd_t0 $given{ winograd_t0[$block n, y, x, m, j, i] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= m < $M and 0 <= j < $e and 0 <= i < $s }
    winograd_t[$block n, y, x, m, i, j] = 0
  stmt winograd_t1 $given{ winograd_t1[$block n, y, x, m, j, i, k] : $blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= m < $M and 0 <= j < $e and 0 <= i < $s and 0 <= k < $e }
    winograd_t[$block n, y, x, m, i, j] += winograd_p[$block $image k, j, $tile, m] * winograd_a[i, k]
  stmt winograd_y0 $given{ winograd_y0[$block n, y, x, m, p, q] : $pixels }
    winograd_y[n, m, $row + p, $s*x + q] = 0
  stmt winograd_y1 $given{ winograd_y1[$block n, y, x, m, p, q, k] : $pixels and 0 <= k < $e }
    winograd_y[n, m, $row + p, $s*x + q] += winograd_t[$block n, y, x, m, p, k] * winograd_a[q, k]
})";

std::string pixels(const WinogradShape& w) {
  std::string out = "$blocks 0 <= n < $N and 0 <= y < $TY and 0 <= x < $TX and 0 <= m < $M and 0 <= p < $s "
                    "and 0 <= q < $s";
  if (w.out[2] % w.m)
    out += " and $row + p < $H";
  if (w.out[3] % w.m)
    out += " and $s*x + q < $W";
  return filled(out, numbers(w));
}

// A pointwise statement over n, m, rows, columns as one over tiles.
Statement over_tiles(const Statement& s, const WinogradShape& w) {
  isl::ctx c = isl_context();
  std::vector<std::string> iterators = {"n", "y", "x", "m", "p", "q"};
  if (w.block)
    iterators.insert(iterators.begin(), kBlockLoop);
  std::string at = s.name + (w.block ? text("[", kBlockLoop, ", ") : "[") + "n, y, x, m, p, q]",
              to = s.name + "[n, m, " + row(w) + text(" + p, ", w.m, "*x + q]");
  isl::multi_aff places(c, isl_parameters({w.images}) + "{ " + at + " -> " + to + " }");
  isl::set domain(c, isl_parameters({w.images}) + "{ " + at + " : " + pixels(w) + " }");
  auto moved = [&](const Access& a) { return Access{a.tensor, a.map.pullback(places)}; };
  Statement out(s.name, iterators, domain, moved(s.write));
  for (const Access& r : s.reads)
    out.reads.push_back(moved(r));
  out.body = s.body;
  return out;
}

bool read_elsewhere(const Program& conv, const WinogradShape& w, const std::string& tensor) {
  for (size_t k = 0; k < conv.statements.size(); ++k)
    for (const Access& r : conv.statements[k].reads)
      if (k != w.sum && r.tensor == tensor)
        return true;
  return false;
}
} // namespace

Program filter_program(const Program&, const WinogradShape& w) {
  Program p = parse_program(filled(kFilter, numbers(w)));
  p.phase = Phase::create;
  p.tensor("G").payload = payload_of_matrix<double>(filter_matrix(w.m));
  return p;
}

Program input_program(const Program& conv, const WinogradShape& w) {
  const Tensor& x = conv.tensor(w.image);
  auto values = numbers(w);
  values["XC"] = text(x.shape[1].constant()), values["IH"] = text(x.shape[2].constant()), values["IW"] = text(x.shape[3].constant());
  Program p = parse_program(filled(kInput, values));
  p.tensor("B").payload = payload_of_matrix<float>(input_matrix(w.m));
  p.tensor("X") = bound_as(x, "X", x.role);
  recut_domains(p);
  return p;
}

Program product_program(const WinogradShape& w) {
  return parse_program(filled(kProduct, numbers(w)));
}

Program output_program(const Program& conv, const WinogradShape& w) {
  auto values = numbers(w);
  values["pixels"] = pixels(w);
  Program made = parse_program(filled(kOutput, values));
  made.tensor(kOutputMatrix).payload = payload_of_matrix<float>(output_matrix(w.m));
  // The sum goes to a local tensor, which a result that is bound is copied from.
  bool is_bound = conv.tensor(w.output).role != Role::temp;
  const std::string local = is_bound ? "winograd_y" : w.output;
  Program tiles = with_names(made, {{"winograd_y", local}});

  Program out;
  out.name = "winograd_output";
  out.origin = conv.origin;
  for (const Tensor& t : conv.tensors)
    if ((t.name != w.image && t.name != w.filter) || read_elsewhere(conv, w, t.name))
      out.tensors.push_back(t);
  for (const Tensor& t : tiles.tensors)
    if (t.name != w.output)
      out.tensors.push_back(t);
  out.tensor(local).role = Role::temp;
  out.statements = {tiles.statement("winograd_t0"), tiles.statement("winograd_t1")};
  auto add = [&](const Statement& s) {
    Statement moved = over_tiles(s, w);
    auto to_local = [&](Access& a) {
      if (a.tensor == w.output)
        a = {local, renamed_range(a.map, local)};
    };
    to_local(moved.write);
    for (Access& r : moved.reads)
      to_local(r);
    out.statements.push_back(std::move(moved));
  };
  for (size_t k = 0; k < w.sum; ++k)
    add(conv.statements[k]);
  out.statements.push_back(tiles.statement("winograd_y1"));
  for (size_t k = w.sum + 1; k < conv.statements.size(); ++k)
    add(conv.statements[k]);
  if (is_bound) {
    Statement copy = tiles.statement("winograd_y0");
    copy.write = {w.output, renamed_range(copy.write.map, w.output)};
    copy.reads = {{local, renamed_range(copy.write.map, local)}};
    copy.body = read(0, DType::f32);
    out.statements.push_back(std::move(copy));
  }
  return out;
}

Program blocks_program(const Program& conv, const WinogradShape& w, int64_t lanes, const std::array<int64_t, 4>& pads) {
  const std::map<std::string, std::string> names = {
      {"X", w.image},         {"B", kInputMatrix},    {"T", "winograd_xt"},  {"Z", "winograd_xz"},
      {"V", kTransformed},    {"U", kFilters},        {"P", kProducts},      {"t0", "winograd_x0"},
      {"t1", "winograd_x1"},  {"z0", "winograd_z0"},  {"z1", "winograd_z1"}, {"v", "winograd_v0"},
      {"p0", "winograd_p0"},  {"p1", "winograd_p1"}};
  Program out = output_program(conv, w);
  std::vector<Statement> last = std::move(out.statements);
  out.name = "winograd_blocks";
  out.statements.clear();
  for (const Program& part : {with_names(input_program(conv, w), names), with_names(product_program(w), names)}) {
    for (const Tensor& t : part.tensors)
      if (!out.find_tensor(t.name))
        out.tensors.push_back(t);
    out.statements.insert(out.statements.end(), part.statements.begin(), part.statements.end());
  }
  out.statements.insert(out.statements.end(), last.begin(), last.end());
  // Without the dimensions of blocks and images; [.., i, j, d / lanes, t, d % lanes].
  for (const char* name : {kTransformed, kProducts}) {
    bool products = name == std::string(kProducts);
    Tensor& t = out.tensor(name);
    t.role = Role::temp;
    int64_t side = lanes ? lanes : products ? w.out[1] : w.channels * w.groups;
    // Logical dimensions: block, images when by_image(), i, j, t, d.
    const int shared = w.by_image() ? 2 : 1, i = shared, j = i + 1, tile = j + 1, d = tile + 1;
    Layout l;
    for (int k = 0; k < shared; ++k)
      l.dims.push_back({k, 1, 1});
    l.dims.insert(l.dims.end(), {{i, 1, 0}, {j, 1, 0}, {d, side, 0}, {tile, 1, 0}, {d, 1, side}});
    l.halo.resize(static_cast<size_t>(d) + 1);
    l.pad.resize(l.dims.size());
    l.pad[l.dims.size() - 3] = pads[products ? 2 : 0], l.pad[l.dims.size() - 2] = pads[products ? 3 : 1];
    t.layout = std::move(l);
  }
  return out;
}

} // namespace nasc
