// Recognition of contractions from accesses alone.
#include "polyhedral/cost/contraction.h"

#include <algorithm>
#include <numeric>

namespace nasc {

std::vector<std::vector<int>> iterators_used(const Statement& s, const Access& access) {
  std::vector<std::vector<int>> out;
  for (int k = 0; k < static_cast<int>(access.map.size()); ++k) {
    std::vector<int> used;
    isl::aff a = access.map.at(k);
    for (int i = 0; i < static_cast<int>(s.iterators.size()); ++i)
      if (involves(a, i)) used.push_back(i);
    out.push_back(used);
  }
  return out;
}

namespace {
// 0 when the value does not depend on the iterator, g when it changes only every g values of it.
int64_t grain_of(const QuasiAff& f, int iterator) {
  int64_t grain = 0;
  auto note = [&](int64_t g) { grain = grain == 0 ? g : std::gcd(grain, g); };
  int64_t c = f.linear.coefficients[iterator], d = f.linear.denominator;
  if (c != 0) note(std::max<int64_t>(1, d / std::gcd(c, d)));
  for (const auto& [coefficient, inner] : f.floors)
    if (coefficient != 0)
      if (int64_t g = grain_of(inner, iterator)) note(g);
  return grain;
}

int64_t grain_of(const Access& access, int iterator) {
  int64_t grain = 0;
  for (int k = 0; k < static_cast<int>(access.map.size()); ++k)
    if (int64_t g = grain_of(quasi(access.map.at(k)), iterator)) grain = grain == 0 ? g : std::gcd(grain, g);
  return grain;
}
}  // namespace

std::optional<int64_t> iterator_extent(const Statement& s, const std::string& iterator) {
  int i = s.iterator(iterator);
  NASC_CHECK(i >= 0) << s.name << " has no iterator " << iterator;
  auto range = analysed([&] { return constant_range(s.box, i); }, std::nullopt);
  if (!range) return std::nullopt;
  return range->second - range->first + 1;
}

std::optional<Extent> loop_extent(const Program& p, const Statement& s, const std::string& iterator) {
  if (auto known = iterator_extent(s, iterator)) return Extent(*known);
  auto walked = [&](const Access& a) -> std::optional<Extent> {
    for (int d = 0; d < static_cast<int>(a.map.size()); ++d)
      if (auto index = linear(a.map.at(d)); index && index_text(*index, s) == iterator)
        return p.tensor(a.tensor).shape[static_cast<size_t>(d)];
    return std::nullopt;
  };
  if (auto written = walked(s.write)) return written;
  for (const Access& r : s.reads)
    if (auto read = walked(r)) return read;
  return std::nullopt;
}

// Quotients of the row and a reduction that the rows are indexed by.
static void note_steps(Contraction& c, const Statement& s, int row) {
  constexpr int64_t kMost = 64;  // taps whose code is written out, though few of them have terms for one row
  for (const Access& r : s.reads)
    for (int k = 0; k < static_cast<int>(r.map.size()); ++k)
      for (const auto& [by, inner] : quasi(r.map.at(k)).floors) {
        if (r.tensor != c.rows_tensor || !inner.floors.empty() || !inner.linear.coefficients[row]) continue;
        for (const std::string& name : c.reduction) {
          if (!inner.linear.coefficients[s.iterator(name)] || iterator_extent(s, name).value_or(kMost + 1) > kMost) continue;
          c.period = std::lcm(c.period, int64_t{inner.linear.denominator});
          if (!std::count(c.taps.begin(), c.taps.end(), name)) c.taps.push_back(name);
        }
      }
}

constexpr int64_t kLeastGrain = 4;  // a narrower group fills no vector

static std::optional<Contraction> recognised(const Program& program) {
  auto group = group_of(program);
  if (!group) return std::nullopt;
  const GroupMember* member = group->reduction();
  if (!member) return std::nullopt;
  const Statement& s = program.statement(member->statement);
  if (s.combine != Combine::add || s.reads.size() != 2 || s.body->fn != Fn::mul) return std::nullopt;
  for (const auto& a : s.body->args)
    if (a->fn != Fn::read) return std::nullopt;

  auto write = iterators_used(s, s.write);
  std::vector<std::vector<std::vector<int>>> used = {iterators_used(s, s.reads[0]), iterators_used(s, s.reads[1])};
  auto varies = [&](int operand, int iterator) {
    return std::any_of(used[operand].begin(), used[operand].end(), [&](const std::vector<int>& dim) {
      return std::find(dim.begin(), dim.end(), iterator) != dim.end();
    });
  };
  Contraction best;
  int64_t best_weight = 0;
  for (int operand = 0; operand < 2; ++operand) {
    // The last dimension but `taken` that only the other operand varies along, if it is not tiny.
    auto row_of = [&](int vector, int taken) {
      int row = -1;
      int64_t row_extent = 1;
      for (int r = static_cast<int>(write.size()); r-- > 0;) {
        if (r == vector || r == taken || write[r].empty() || !varies(1 - operand, write[r].back()) || varies(operand, write[r].back())) continue;
        int64_t e = iterator_extent(s, s.iterators[write[r].back()]).value_or(2);
        if (row < 0 || (row_extent < 4 && e > row_extent)) row = r, row_extent = e;
      }
      return row;
    };
    for (int d = 0; d < static_cast<int>(write.size()); ++d) {
      if (write[d].empty()) continue;
      int iterator = write[d].back();
      int64_t grain = grain_of(s.reads[1 - operand], iterator);
      std::optional<int64_t> known = iterator_extent(s, s.iterators[iterator]);
      if (known && grain >= *known) grain = 0;  // one group
      if (!varies(operand, iterator) || (grain > 0 && grain < kLeastGrain)) continue;
      const Tensor& matrix = program.tensor(s.reads[operand].tensor);
      int64_t extent = known.value_or(1);
      // A constant matrix can be packed so that the vector dimension is contiguous; else prefer a dimension that is:
      // lanes gathered one by one cost more than a vector that is not full.
      bool contiguous = !used[operand].empty() && !used[operand].back().empty() && used[operand].back().back() == iterator;
      constexpr int64_t kLeast = 5;  // of a few constant columns: with many rows they are still faster than gathered lanes
      int64_t weight = matrix.role == Role::weight ? 16 * std::clamp<int64_t>(extent, kLeast, 64) : (contiguous ? 8 : 1) * std::min<int64_t>(extent, 64);
      if (weight <= best_weight) continue;
      int row = row_of(d, -1);
      // Windows over each channel: lanes would gather, and no row reads an element again.
      if (row < 0 && matrix.role != Role::weight && !contiguous) continue;
      best_weight = weight;
      best.statement = s.name;
      best.matrix_tensor = s.reads[operand].tensor;
      best.rows_tensor = s.reads[1 - operand].tensor;
      best.matrix_dims = used[operand];
      best.matrix_vector = -1;
      for (int k = 0; k < static_cast<int>(used[operand].size()); ++k)
        if (std::count(used[operand][k].begin(), used[operand][k].end(), iterator)) best.matrix_vector = k;
      best.vector = d;
      best.grain = grain;
      best.row = row;
      best.line = row < 0 ? -1 : row_of(d, row);
    }
  }
  if (best_weight == 0) return std::nullopt;
  best.reduction = member->reduction;
  if (best.row >= 0) note_steps(best, s, write[best.row].back());
  best.group = std::move(*group);
  return best;
}

std::optional<Contraction> find_contraction(const Program& program) {
  return analysed([&] { return recognised(program); }, std::nullopt);
}

}  // namespace nasc
