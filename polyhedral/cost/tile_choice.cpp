// Enumeration around the analytic choice, and the model that sorts it: arithmetic against traffic between caches.
#include "polyhedral/cost/tile_choice.h"

#include <algorithm>
#include <set>

#include "polyhedral/cost/register_tile.h"

namespace nasc {
namespace {
constexpr int64_t kChunk = 8, kStep = 4;
constexpr double kNear = 24, kMiddle = 12, kFar = 6;  // bytes per cycle from the second, the last cache, memory
constexpr size_t kMostTiles = 10, kMost = 32;

double rate(double bytes, const Target& t) {
  if (bytes <= static_cast<double>(t.l2_bytes) * 0.6) return kNear;
  return bytes <= static_cast<double>(t.l3_bytes) * 0.6 ? kMiddle : kFar;
}

struct Sizes {
  double outer = 1;  // points of the dimensions besides rows and vectors
  int64_t rows = 1, columns = 1;
  double depth = 1;  // terms of each sum
  double matrix_bytes = 0, rows_bytes = 0;
};

int64_t extent_or(const Extent& e, int64_t otherwise) { return e.is_constant() ? e.constant() : otherwise; }

Sizes sizes_of(const Contraction& c, const Program& p) {
  Sizes s;
  constexpr int64_t kSymbolic = 8;
  const Statement& sum = p.statement(c.statement);
  for (int d = 0; d < static_cast<int>(c.group.extents.size()); ++d) {
    int64_t e = std::max<int64_t>(1, extent_or(c.group.extents[d], kSymbolic));
    if (d == c.vector) s.columns = e;
    else if (d == c.row) s.rows = e;
    else s.outer *= static_cast<double>(e);
  }
  for (const auto& name : c.reduction) s.depth *= static_cast<double>(iterator_extent(sum, name).value_or(kSymbolic));
  auto bytes_of = [&](const std::string& tensor) {
    Extent e = storage_bytes(p.tensor(tensor));
    return static_cast<double>(extent_or(e, 0));
  };
  s.matrix_bytes = bytes_of(c.matrix_tensor);
  s.rows_bytes = bytes_of(c.rows_tensor);
  return s;
}

// Cycles of the register tiles over all rows and columns, and of what they read from beyond the first cache.
double predicted(const TileChoice& choice, const Sizes& s, double products, int64_t lanes, const Target& t) {
  double blocks = static_cast<double>(s.columns) / static_cast<double>(choice.vectors * lanes);
  double arithmetic = s.outer * s.depth * blocks * rows_cycles(s.rows, choice.rows, choice.vectors);
  double row_tiles = s.outer / products * static_cast<double>((s.rows + choice.rows - 1) / choice.rows);
  double matrix = s.matrix_bytes / products, rows = s.rows_bytes / products;  // of one product
  double panel = matrix / std::max(1.0, blocks), strip = rows / std::max(1.0, row_tiles);
  double l1 = static_cast<double>(t.l1_bytes) * 0.75;
  double traffic = 0;
  if (choice.matrix_outer) {
    traffic += matrix / kFar + blocks * rows / rate(rows + panel, t);
    if (panel + strip > l1) traffic += row_tiles * matrix / rate(panel + strip, t);
  } else {
    traffic += rows / kMiddle + row_tiles * matrix / rate(matrix, t);
    if (panel + strip > l1) traffic += blocks * rows / rate(panel + strip, t);
  }
  traffic *= products;
  constexpr double kOverlap = 0.25;  // what does not hide behind the longer of the two
  return std::max(arithmetic, traffic) + kOverlap * std::min(arithmetic, traffic);
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
  return text("rows=", t.rows, " vectors=", t.vectors, " outer=", t.matrix_outer ? "matrix" : "rows",
              t.parallel >= 0 ? " parallel=" + c.group.names[t.parallel] : "", " chunk=", t.chunk, " step=", t.step);
}

std::vector<TileChoice> tile_choices(const Contraction& c, const Program& p, const Target& target, int64_t block) {
  int element = bytes(p.tensor(c.matrix_tensor).dtype);
  for (const auto& t : p.tensors) element = std::max(element, bytes(t.dtype));
  int64_t lanes = target.lanes(element);
  const Extent& columns = c.group.extents[c.vector];
  int64_t width = extent_or(columns, 8);
  if (lanes < 2 || width < lanes || (c.grain > 0 && c.grain % lanes != 0)) return {};
  int64_t vectors = (c.grain > 0 ? c.grain : width) / lanes;
  int64_t rows = c.row >= 0 ? extent_or(c.group.extents[c.row], 8) : 1;
  Sizes sizes = sizes_of(c, p);
  const Statement& s = p.statement(c.statement);
  double products = 1;
  for (int d : shared_dimensions(c, s)) products *= static_cast<double>(extent_or(c.group.extents[d], 8));

  TileChoice base;
  RegisterTile tile = register_tile(target, rows, vectors);
  base.rows = tile.rows;
  base.vectors = tile.vectors;
  if (block > 0 && block % lanes == 0) base.vectors = block / lanes;
  while (base.rows > 1 && !fits_registers(target, base.rows, base.vectors)) --base.rows;
  // Weights that stay in half of the second-level cache are reread per row of outputs; larger ones are streamed once.
  base.matrix_outer = !(sizes.matrix_bytes > 0 && sizes.matrix_bytes <= static_cast<double>(target.l2_bytes) / 2);
  base.chunk = kChunk;
  base.step = kStep;

  auto priced = [&](TileChoice t) {
    t.cycles = predicted(t, sizes, products, lanes, target);
    return t;
  };
  std::vector<TileChoice> others;
  for (int64_t v = 1; v <= 8; ++v)
    for (int64_t r = 1; r <= std::min<int64_t>(rows, 28); ++r) {
      if ((vectors % v && v > 1) || !fits_registers(target, r, v) || (block > 0 && v != base.vectors)) continue;
      TileChoice t = base;
      t.rows = r;
      t.vectors = v;
      others.push_back(priced(t));
    }
  auto by_time = [](const TileChoice& a, const TileChoice& b) { return a.cycles < b.cycles; };
  std::stable_sort(others.begin(), others.end(), by_time);
  if (others.size() > kMostTiles) others.resize(kMostTiles);
  std::vector<TileChoice> out = {priced(base)};
  for (size_t k = others.size(); k-- > 0;) {  // the other order of the best tiles
    TileChoice t = others[k];
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
  for (int d = 0; target.cores > 1 && d < static_cast<int>(c.group.extents.size()); ++d) {
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
