// Enumeration around the analytic choice, and the model that sorts it: arithmetic against traffic between caches.
#include "polyhedral/cost/tile_choice.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "polyhedral/cost/blocking.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/streaming.h"

namespace nasc {
namespace {
constexpr int64_t kChunk = 8, kStep = 4;
constexpr double kClearly = 1.06;  // the model is not better than that
constexpr int64_t kLine = 64;
constexpr size_t kMostTiles = 10, kMost = 32;

int64_t extent_or(const Extent& e, int64_t otherwise) { return e.is_constant() ? e.constant() : otherwise; }

// Elements of the rows between those that two neighbouring outputs of a row read.
int64_t row_stride(const Contraction& c, const Statement& s) {
  int64_t stride = 1;
  if (c.row < 0) return stride;
  auto write = iterators_used(s, s.write);
  for (const Access& r : s.reads)
    for (int k = 0; r.tensor == c.rows_tensor && k < static_cast<int>(r.map.size()); ++k)
      if (std::optional<LinearAff> f = linear(r.map.at(k)); f && f->denominator == 1)
        stride = std::max(stride, f->coefficients[static_cast<size_t>(write[c.row].back())]);
  return stride;
}
}  // namespace

// By shapes alone: the choice comes before some layouts and again after them.
TileSizes tile_sizes(const Contraction& c, const Program& p) {
  TileSizes s;
  constexpr int64_t kSymbolic = 8;
  const Statement& sum = p.statement(c.statement);
  for (int d = 0; d < static_cast<int>(c.group.extents.size()); ++d) {
    int64_t e = std::max<int64_t>(1, extent_or(c.group.extents[d], kSymbolic));
    if (d == c.vector) s.columns = e;
    else if (d == c.row) s.rows = e;
    else if (d == c.line) s.lines = e;
    else s.outer *= static_cast<double>(e);
  }
  for (const auto& name : c.reduction) s.depth *= static_cast<double>(iterator_extent(sum, name).value_or(kSymbolic));
  auto bytes_of = [&](const std::string& tensor) {
    double out = bytes(p.tensor(tensor).dtype);
    for (const Extent& e : p.tensor(tensor).shape) out *= static_cast<double>(extent_or(e, kSymbolic));
    return out;
  };
  s.matrix_bytes = bytes_of(c.matrix_tensor);
  s.rows_bytes = bytes_of(c.rows_tensor);
  for (int d : shared_dimensions(c, sum)) s.products *= static_cast<double>(extent_or(c.group.extents[d], kSymbolic));
  double read = s.depth * s.outer * static_cast<double>(s.rows * s.lines * bytes(p.tensor(c.rows_tensor).dtype));
  s.touched_bytes = std::min(s.rows_bytes, read * static_cast<double>(std::min<int64_t>(2, row_stride(c, sum))));
  s.period = c.period;
  if (!c.reduction.empty()) s.first = iterator_extent(sum, c.reduction[0]).value_or(1);
  return s;
}
namespace {

double up(double a, double b) { return std::ceil(a / b); }

// Cycles per step of all rows and lines for so many vectors; partial tiles cost what their rows cost.
double plane_cycles(const TileChoice& t, const TileSizes& s, int64_t vectors, const Target& target) {
  auto lines_of = [&](int64_t lines) {
    auto step = [&](int64_t rows) { return step_cycles(target, (rows + s.period - 1) / s.period * lines, vectors); };
    double cycles = static_cast<double>(s.rows / t.rows) * step(t.rows);
    return s.rows % t.rows ? cycles + step(s.rows % t.rows) : cycles;
  };
  double cycles = static_cast<double>(s.lines / t.lines) * lines_of(t.lines);
  return s.lines % t.lines ? cycles + lines_of(s.lines % t.lines) : cycles;
}

}  // namespace

double arithmetic_cycles(const TileChoice& t, const TileSizes& s, int64_t lanes, const Target& target) {
  int64_t vectors = (s.columns + lanes - 1) / lanes;
  double plane = static_cast<double>(vectors / t.vectors) * plane_cycles(t, s, t.vectors, target);
  if (vectors % t.vectors) plane += plane_cycles(t, s, vectors % t.vectors, target);
  return s.outer * s.depth * plane;
}

namespace {
// Cycles of what one product reads from beyond the first cache.
double traffic_cycles(const TileChoice& choice, const TileSizes& s, int64_t lanes, const Target& t) {
  double width = static_cast<double>(choice.vectors * lanes), columns = static_cast<double>(s.columns);
  double blocks = std::max(1.0, up(columns, width));
  double strips = s.outer / s.products * up(static_cast<double>(s.lines), static_cast<double>(choice.lines));
  double tiles = up(static_cast<double>(s.rows), static_cast<double>(choice.rows));  // of a strip of lines
  double matrix = s.matrix_bytes / s.products, rows = s.rows_bytes / s.products;
  double panel = matrix / std::max(1.0, columns / width), strip = rows / strips, tile = strip / tiles;
  double l1 = static_cast<double>(t.l1_bytes) * 0.75;
  double first = matrix / t.memory_rate + rows / t.l3_rate;
  if (choice.matrix_outer) {
    double out = first + (blocks - 1) * rows / t.read_rate(rows + panel);
    // In blocks of the sum each panel is read once; they need a copy of its points.
    double points = s.outer * static_cast<double>(s.lines * s.rows) * width;
    bool blocks_fit = s.products == 1 && points * kFloatBytes <= kMostCopy;
    if (panel + tile <= l1 || blocks_fit) return out;
    return out + (strips * tiles - 1) * matrix / t.read_rate(panel + tile);
  }
  double out = first;
  if (matrix + tile > l1) out += (strips - 1) * matrix / t.read_rate(matrix + strip);
  if (panel + tile > l1) out += strips * (tiles - 1) * matrix / t.read_rate(matrix);
  return panel + strip > l1 ? out + (blocks - 1) * rows / t.read_rate(panel + strip) : out;
}

// Cycles of the register tiles over all rows and columns and of their traffic, between those of one core and those of
// all, whose shares differ by whole tiles.
double predicted(const TileChoice& choice, const TileSizes& s, int64_t lanes, const Target& t) {
  double arithmetic = arithmetic_cycles(choice, s, lanes, t), traffic = s.products * traffic_cycles(choice, s, lanes, t);
  constexpr double kOverlap = 0.25;  // what does not hide behind the longer of the two
  double cycles = std::max(arithmetic, traffic) + kOverlap * std::min(arithmetic, traffic);
  // The next panel of the matrix is fetched ahead while the rows pass one, in time if they are not many.
  double passes = s.outer * up(static_cast<double>(s.lines), static_cast<double>(choice.lines)) *
                  up(static_cast<double>(s.rows), static_cast<double>(choice.rows));
  if (!choice.matrix_outer || passes > kFetchedPasses) cycles += s.matrix_bytes / t.memory_rate;
  double columns = up(static_cast<double>(s.columns), static_cast<double>(lanes));
  double tiles = std::max(1.0, columns / static_cast<double>(choice.vectors));
  double strips = s.outer * up(static_cast<double>(s.lines), static_cast<double>(choice.lines));
  if ((!choice.matrix_outer || tiles <= 1) && strips >= 2 && !choice.serial) tiles = strips;
  constexpr double kPartial = 0.005;  // its code is longer
  double partial = (s.rows % choice.rows > 0) + (s.lines % choice.lines > 0) + (choice.lines > 1) +
                   (static_cast<int64_t>(columns) % choice.vectors > 0);
  return cycles * (1 + uneven(tiles, std::max(1, t.cores))) / 2 * (1 + kPartial * partial);
}
}  // namespace

std::vector<int> shared_dimensions(const Contraction& c, const Statement& s) {
  std::vector<int> out;
  auto write = iterators_used(s, s.write);
  for (int d = 0; d < static_cast<int>(write.size()); ++d) {
    if (d == c.vector || d == c.row || write[d].empty() || c.group.extents[d].is(1)) continue;
    auto used = [&](const Access& r) {
      for (const auto& dim : iterators_used(s, r))
        if (std::count(dim.begin(), dim.end(), write[d].back())) return true;
      return false;
    };
    if (used(s.reads[0]) && used(s.reads[1])) out.push_back(d);
  }
  return out;
}

std::string text(const TileChoice& t, const Contraction& c) {
  return text("rows=", t.rows, t.lines > 1 ? text(" lines=", t.lines) : "", " vectors=", t.vectors, " outer=", t.serial ? "serial" : t.matrix_outer ? "matrix" : "rows",
              t.parallel >= 0 ? " parallel=" + c.group.names[t.parallel] : "", t.column_tiles || t.line_tiles ? text(" together=", t.column_tiles, "x", t.line_tiles, " block=", t.block) : "", " chunk=", t.chunk, " step=", t.step);
}

std::vector<TileChoice> tile_choices(const Contraction& c, const Program& p, const Target& target, int64_t block) {
  int element = bytes(p.tensor(c.matrix_tensor).dtype);
  for (const auto& t : p.tensors) element = std::max(element, bytes(t.dtype));
  int64_t lanes = target.lanes(element);
  const Extent& columns = c.group.extents[c.vector];
  int64_t width = extent_or(columns, 8);
  if (lanes < 2 || (c.grain > 0 && c.grain % lanes != 0)) return {};
  int64_t rows = c.row >= 0 ? extent_or(c.group.extents[c.row], 8) : 1;
  TileSizes sizes = tile_sizes(c, p);
  // A constant matrix lies as its tiles want it; of others, and of many small products, only the tile is chosen here.
  bool packed = p.tensor(c.matrix_tensor).role == Role::weight && block == 0 && sizes.products == 1;
  // A packed matrix is padded to whole vectors, and a tile may have fewer vectors than the others.
  bool padded = packed && c.grain == 0 && columns.is_constant();
  constexpr int64_t kLeastRows = 4;  // that share a vector filled in part; else sums have lanes of their own
  bool narrow = padded && p.phase == Phase::run && rows >= kLeastRows;
  if (width < lanes && !narrow) return {};
  int64_t vectors = ((c.grain > 0 ? c.grain : width) + (padded ? lanes - 1 : 0)) / lanes;
  // Rows from beyond the second cache are fetched line by line, and come in more streams when several are in use.
  // Of unknown numbers: whole tiles and single rows of single lines.
  bool counted = c.line < 0 || (c.group.extents[c.line].is_constant() && (c.row < 0 || c.group.extents[c.row].is_constant()));
  bool lines = packed && counted && c.line >= 0 && c.period == 1 && sizes.rows_bytes <= static_cast<double>(target.l2_bytes) / 2;

  TileChoice base;
  RegisterTile tile = register_tile(target, rows, vectors, padded && width % lanes != 0);
  base.rows = tile.rows;
  base.vectors = tile.vectors;
  if (block > 0 && block % lanes == 0) base.vectors = block / lanes;
  auto in_step = [&](int64_t r) { return r % c.period == 0 || r >= rows; };
  while (base.rows > 1 && (!fits_registers(target, base.rows, base.vectors) || !in_step(base.rows))) --base.rows;
  // Weights that stay in half of the second-level cache are reread per row of outputs; larger ones are streamed once.
  base.matrix_outer = !(sizes.matrix_bytes > 0 && sizes.matrix_bytes <= static_cast<double>(target.l2_bytes) / 2);
  // A chunk is what a channel-blocked image has side by side, and not too short.
  base.chunk = sizes.first % lanes ? kChunk : std::max(kChunk, lanes);
  base.step = kStep;

  auto priced = [&](TileChoice t) {
    t.cycles = predicted(t, sizes, lanes, target);
    return t;
  };
  std::vector<TileChoice> others;
  for (int64_t v = 1; v <= std::min<int64_t>(8, vectors); ++v)
    for (int64_t l = 1; l <= (lines ? std::min<int64_t>(sizes.lines, 4) : 1); ++l)
      for (int64_t r = 1; r <= std::min<int64_t>(rows, 28); ++r) {
        if ((vectors % v && !padded) || !in_step(r) || !fits_registers(target, r * l, v) || (block > 0 && v != base.vectors)) continue;
        // One partial dimension at most; of several lines whole cache lines are read.
        if (l > 1 && (r * lanes * element % kLine || (rows % r && sizes.lines % l))) continue;
        TileChoice t = base;
        t.rows = r;
        t.lines = l;
        t.vectors = v;
        others.push_back(priced(t));
      }
  auto by_time = [](const TileChoice& a, const TileChoice& b) { return a.cycles < b.cycles; };
  std::stable_sort(others.begin(), others.end(), by_time);
  if (packed && !others.empty()) {  // the other order, where the best tile is clearly faster
    std::vector<TileChoice> turned = others;
    for (TileChoice& t : turned) t.matrix_outer = !t.matrix_outer, t = priced(t);
    std::stable_sort(turned.begin(), turned.end(), by_time);
    if (turned[0].cycles * kClearly < others[0].cycles && vectors > turned[0].vectors) {
      others = std::move(turned);
      base.matrix_outer = !base.matrix_outer;
    }
  }
  if (packed && !others.empty() && others[0].cycles * kClearly < priced(base).cycles) base = others[0];
  // A matrix of one tile of vectors that comes from memory: rows that share its reads wait for each of them.
  std::vector<TileChoice> serial;
  for (TileChoice t : others)
    if (packed && t.vectors == vectors && t.lines == 1 && sizes.first > base.chunk) {
      t.matrix_outer = t.serial = true;
      serial.push_back(priced(t));
    }
  std::stable_sort(serial.begin(), serial.end(), by_time);
  bool alone = !serial.empty() && serial[0].cycles * kClearly < std::min(others[0].cycles, priced(base).cycles);
  if (alone) base = serial[0];
  std::optional<TileChoice> together = packed && !alone && counted ? together_choice(base, others, sizes, lanes, target) : std::nullopt;
  if (together) std::swap(base, *together);
  if (others.size() > kMostTiles) others.resize(kMostTiles);
  // A chunk of all taps has to be a block of the sum that the first cache holds.
  double chunk_bytes = static_cast<double>(base.vectors * lanes * base.chunk) * kFloatBytes * sizes.depth / static_cast<double>(sizes.first);
  if (chunk_bytes > kPanelShare * static_cast<double>(target.l1_bytes)) base.chunk = kChunk;
  // Loops around few multiply-adds cost more than longer code.
  constexpr int64_t kIteration = 64;
  if (base.rows * base.lines * base.vectors * base.step < kIteration && base.chunk > 2 * base.step) base.step *= 2;
  std::vector<TileChoice> out = {priced(base)};
  if (together) others.push_back(priced(*together));
  for (size_t k = others.size(); k-- > 0;) {  // the other order of the best tiles
    TileChoice t = others[k];
    if (t.together() || t.serial) continue;
    t.matrix_outer = !t.matrix_outer;
    if (k < 4) others.push_back(priced(t));
  }
  for (auto [chunk, step] : {std::pair<int64_t, int64_t>{8, 1}, {8, 2}, {16, 4}, {16, 8}, {32, 4}}) {
    TileChoice t = base;
    t.chunk = chunk;
    t.step = step;
    others.push_back(priced(t));
    others.back().cycles *= 1.01;  // the model does not tell them apart
  }
  for (int d = 0; !base.together() && !base.serial && target.cores > 1 && d < static_cast<int>(c.group.extents.size()); ++d) {
    if (extent_or(c.group.extents[d], 2) < 2) continue;
    TileChoice t = base;
    t.parallel = d;
    others.push_back(priced(t));
    others.back().cycles *= 1.02;
  }
  std::stable_sort(others.begin(), others.end(), by_time);
  std::set<std::string> known = {text(out[0], c)};
  for (const TileChoice& t : others)
    if (out.size() < kMost && known.insert(text(t, c)).second) out.push_back(t);
  return out;
}

}  // namespace nasc
