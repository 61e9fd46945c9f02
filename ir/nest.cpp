// From isl's sets and functions to loops and strides.
#include "ir/nest.h"
#include "ir/floor.h"

#include <algorithm>
#include <map>

namespace nasc {

int64_t NestRef::step(size_t loop) const {
  int64_t sum = 0;
  for (size_t d = 0; d < strides.size(); ++d) sum += coefficients[d][loop] * strides[d];
  return sum;
}
int64_t NestRef::base() const {
  int64_t sum = 0;
  for (size_t d = 0; d < strides.size(); ++d) sum += constants[d] * strides[d];
  return sum;
}
bool NestRef::uses(size_t loop) const {
  return std::any_of(coefficients.begin(), coefficients.end(), [&](const auto& row) { return row[loop] != 0; });
}
bool NestRef::separable() const {
  for (const auto& row : coefficients)
    if (std::count_if(row.begin(), row.end(), [](int64_t c) { return c != 0; }) > 1) return false;
  return true;
}

int64_t volume(const std::vector<NestLoop>& loops) {
  int64_t n = 1;
  for (const NestLoop& l : loops) n *= l.extent;
  return n;
}

RowWalk::RowWalk(const NestRef& ref, const std::vector<NestLoop>& outer, const NestLoop& inner)
    : ref_(&ref), outer_(outer), inner_(inner), loops_(outer.size()) {
  NASC_CHECK(loops_ <= kLoops && ref.strides.size() <= kGuards) << "a nest of " << loops_ << " loops";
  for (size_t k = 0; k < loops_; ++k) {
    extents_[k] = outer[k].extent;
    steps_[k] = ref.step(outer[k].loop);
  }
  for (size_t d = 0; ref.guarded && d < ref.strides.size(); ++d) {
    shape_[guards_] = ref.shape[d];
    inner_steps_[guards_] = inner.loop < ref.coefficients[d].size() ? ref.coefficients[d][inner.loop] : 0;
    for (size_t k = 0; k < loops_; ++k) guard_steps_[guards_][k] = ref.coefficients[d][outer[k].loop];
    dims_[guards_++] = d;
  }
}

RowWalk::State RowWalk::start(std::vector<int64_t>& point) const {
  for (const NestLoop& l : outer_) point[l.loop] = l.lo;
  if (inner_.loop < point.size()) point[inner_.loop] = inner_.lo;
  State s{ref_->base(), {}};
  for (size_t l = 0; l < point.size(); ++l)
    if (point[l]) s.offset += point[l] * ref_->step(l);
  for (size_t g = 0; g < guards_; ++g) {
    s.index[g] = ref_->constants[dims_[g]];
    for (size_t l = 0; l < point.size(); ++l) s.index[g] += ref_->coefficients[dims_[g]][l] * point[l];
  }
  return s;
}

namespace {
// A loop over `lo + i`, or over blocks of `block` when a floor divides it.
struct Dim {
  int64_t lo = 0, extent = 0, block = 0;
};

// Finds the divisor of every floor; false when a floor is not of one dimension and a constant.
bool find_blocks(const std::vector<IndexFn>& fns, std::vector<Dim>& dims) {
  for (const IndexFn& f : fns) {
    if (f.denominator != 1) return false;
    for (const auto& [coefficient, inner] : f.floors) {
      if (!inner.floors.empty()) return false;
      int used = -1;
      for (size_t d = 0; d < dims.size(); ++d) {
        if (inner.coefficients[d] == 0) continue;
        if (used >= 0 || inner.coefficients[d] != 1) return false;
        used = static_cast<int>(d);
      }
      if (used < 0) return false;
      Dim& dim = dims[static_cast<size_t>(used)];
      int64_t q = inner.denominator;
      if ((dim.lo + inner.constant) % q != 0) return false;
      if (dim.extent <= q) q = dim.extent;
      if (q < 1 || (dim.block && dim.block != q) || dim.extent % q != 0) return false;
      dim.block = q;
    }
  }
  return true;
}

struct Splitter {
  std::vector<Dim> dims;
  std::vector<size_t> loop_of;  // the (outer) loop of each dimension
  size_t loops = 0;

  explicit Splitter(std::vector<Dim> d) : dims(std::move(d)) {
    for (const Dim& dim : dims) {
      loop_of.push_back(loops);
      loops += dim.block ? 2 : 1;
    }
  }
  // Coefficients of the loops, then the constant.
  std::vector<int64_t> row(const IndexFn& f) const {
    std::vector<int64_t> out(loops + 1, 0);
    out[loops] = f.constant;
    for (size_t d = 0; d < dims.size(); ++d) add(out, d, f.coefficients[d]);
    for (const auto& [coefficient, inner] : f.floors) {
      for (size_t d = 0; d < dims.size(); ++d) {
        if (inner.coefficients[d] == 0) continue;
        out[loops] += coefficient * floor_div(dims[d].lo + inner.constant, inner.denominator);
        out[loop_of[d]] += coefficient;
      }
    }
    return out;
  }
  void add(std::vector<int64_t>& out, size_t d, int64_t c) const {
    out[loops] += c * dims[d].lo;
    if (dims[d].block) {
      out[loop_of[d]] += c * dims[d].block;
      out[loop_of[d] + 1] += c;
    } else {
      out[loop_of[d]] += c;
    }
  }
};

bool is_guarded_box(const Program& p, const Statement& s) {
  isl::set inside = s.box;
  auto keep = [&](const Access& a) { inside = inside.intersect(isl::set(extent_set(p.tensor(a.tensor))).preimage(a.map)); };
  keep(s.write);
  for (const Access& a : s.reads) keep(a);
  return inside.is_equal(s.domain);
}
}  // namespace

std::optional<Nest> make_nest(const Program& p, const Statement& s, const std::vector<Strides>& strides) {
  Points box(s.box, {});
  if (!box.is_box()) return std::nullopt;
  bool guarded = !s.box.is_equal(s.domain);
  if (guarded && !is_guarded_box(p, s)) return std::nullopt;
  std::vector<Dim> dims;
  for (auto [lo, hi] : box.bounds()) dims.push_back({lo, hi - lo + 1});
  std::vector<std::vector<IndexFn>> fns = {index_fns(s.write, {})};
  for (const Access& a : s.reads) fns.push_back(index_fns(a, {}));
  for (const auto& list : fns)
    if (!find_blocks(list, dims)) return std::nullopt;

  Splitter split(dims);
  Nest nest;
  for (const Dim& d : dims) {
    if (d.block) nest.extents.push_back(d.extent / d.block);
    nest.extents.push_back(d.block ? d.block : d.extent);
  }
  for (size_t d = 0; d < dims.size(); ++d) {
    std::vector<int64_t> row(split.loops + 1, 0);
    split.add(row, d, 1);
    nest.iterators.push_back(std::move(row));
  }
  auto ref = [&](const Access& a, const std::vector<IndexFn>& list) {
    NestRef r;
    r.tensor = static_cast<int>(&p.tensor(a.tensor) - p.tensors.data());
    r.shape = constants(p.tensor(a.tensor).shape);
    r.strides = strides[static_cast<size_t>(r.tensor)];
    for (size_t d = 0; d < list.size(); ++d) {
      std::vector<int64_t> row = split.row(list[d]);
      r.constants.push_back(row.back());
      row.pop_back();
      int64_t least = r.constants.back(), most = least;
      for (size_t l = 0; l < row.size(); ++l) (row[l] < 0 ? least : most) += row[l] * (nest.extents[l] - 1);
      if (least < 0 || most >= r.shape[d]) r.guarded = true;
      r.coefficients.push_back(std::move(row));
    }
    return r;
  };
  nest.write = ref(s.write, fns[0]);
  for (size_t k = 0; k < s.reads.size(); ++k) nest.reads.push_back(ref(s.reads[k], fns[k + 1]));
  constexpr size_t kMost = 16;  // what RowWalk keeps
  if (nest.extents.size() > kMost) return std::nullopt;
  nest.guarded = nest.write.guarded;
  for (const NestRef& r : nest.reads) nest.guarded |= r.guarded;
  if (nest.guarded && !guarded) return std::nullopt;
  return nest;
}

}  // namespace nasc
