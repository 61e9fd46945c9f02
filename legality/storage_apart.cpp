// Folded storage read off the loop tree: loops around all accesses that count parts of the element.
#include <algorithm>
#include <map>
#include <set>

#include "ir/isl_box.h"
#include "legality/storage.h"
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

struct NotPlain {}; // isl is asked

constexpr int64_t kMost = 1 << 16; // values of one index that are looked at one by one

bool is_zero(const Statement& s, size_t iterator) {
  auto box = plain_box(s.box);
  return box && (*box)[iterator] == std::pair<int64_t, int64_t>(0, 0);
}

// The iterator that an index is, but for those that are 0 everywhere; nullopt for other functions.
std::optional<int> plain_iterator(const QuasiAff& f, const Statement& s) {
  if (!f.floors.empty() || !f.linear.parameters.empty() || f.linear.constant ||
      f.linear.denominator != 1)
    return std::nullopt;
  std::optional<int> out;
  for (size_t i = 0; i < f.linear.coefficients.size(); ++i) {
    if (!f.linear.coefficients[i] || is_zero(s, i))
      continue;
    if (out || f.linear.coefficients[i] != 1)
      return std::nullopt;
    out = static_cast<int>(i);
  }
  return out;
}

void collect_iterators(const QuasiAff& f, std::set<int>& used) {
  if (!f.linear.parameters.empty())
    throw NotPlain{};
  for (size_t i = 0; i < f.linear.coefficients.size(); ++i)
    if (f.linear.coefficients[i])
      used.insert(static_cast<int>(i));
  for (const auto& [unused, inner] : f.floors)
    collect_iterators(inner, used);
}

// The values of a loop as a function of one index of the element; of none: dim -1, one value. Where the extent is not known,
// the coefficient and the constant of an affine function, which takes no value twice.
struct Count {
  int dim = -1;
  std::vector<int64_t> values;
  friend bool operator==(const Count&, const Count&) = default;
};

class Lifetimes {
public:
  Lifetimes(const Kernel& kernel, const Tensor& t) : t_(t), counts_(t.shape.size()) {
    for (const Extent& e : t.shape)
      if (e.is_constant() && e.constant() > kMost)
        throw NotPlain{};
    for (const Statement& s : kernel.program.statements) {
      auto take = [&](const Access& a) {
        if (a.tensor != t.name)
          return;
        std::map<int, int> index = dims_of(a, s);
        auto [known, fresh] = dims_.try_emplace(s.name, index);
        if (!fresh && known->second != index)
          throw NotPlain{};
      };
      take(s.write);
      for (const Access& r : s.reads)
        take(r);
    }
    if (dims_.empty())
      return;
    for (LoopTreeRef node = kernel.schedule.loop_tree(); node;)
      node = below(*node);
  }

  // Two elements of one place differ in a value of some loop around all that touches them: they
  // live one after the other. Places, loops and the tensor are products over its dimensions.
  bool apart() const {
    Layout l = layout_of(t_);
    for (int d = 0; d < t_.rank(); ++d) {
      if (l.halo[static_cast<size_t>(d)] != std::pair<int64_t, int64_t>(0, 0))
        return false;
      if (!t_.shape[static_cast<size_t>(d)].is_constant()) {
        if (counts_[static_cast<size_t>(d)].empty())
          return false;
        continue;
      }
      std::set<std::vector<int64_t>> seen;
      int64_t extent = t_.shape[static_cast<size_t>(d)].constant();
      for (int64_t x = 0; x < extent; ++x) {
        std::vector<int64_t> at;
        for (const LayoutDim& p : l.dims)
          if (p.dim == d)
            at.push_back(p.mod > 0 ? x / p.div % p.mod : x / p.div);
        for (const auto& values : counts_[static_cast<size_t>(d)])
          at.push_back(values[static_cast<size_t>(x)]);
        if (!seen.insert(std::move(at)).second)
          return false;
      }
    }
    return true;
  }

private:
  // Iterator -> dimension of the tensor that it walks; dimensions of one element are 0 anyway.
  std::map<int, int> dims_of(const Access& a, const Statement& s) const {
    std::map<int, int> out;
    for (int d = 0; d < t_.rank(); ++d) {
      if (t_.shape[static_cast<size_t>(d)].is(1))
        continue;
      auto iterator = plain_iterator(quasi(a.map.at(d)), s);
      if (!iterator || !out.emplace(*iterator, d).second)
        throw NotPlain{};
    }
    return out;
  }

  // The value of the loop is one of the element alone, the same for all statements; nullopt else.
  std::optional<Count> count(const LoopTree& loop) const {
    std::optional<Count> out;
    for (const auto& [statement, dims] : dims_) {
      const isl::pw_aff& band = loop.band.at(statement);
      if (!band.isa_aff())
        return std::nullopt;
      QuasiAff f = quasi(band.as_aff());
      std::set<int> used;
      collect_iterators(f, used);
      Count c;
      int iterator = used.empty() ? -1 : *used.begin();
      if (used.size() > 1 || (iterator >= 0 && !dims.count(iterator)))
        return std::nullopt;
      if (iterator >= 0)
        c.dim = dims.at(iterator);
      const Extent extent = c.dim < 0 ? Extent(1) : t_.shape[static_cast<size_t>(c.dim)];
      if (!extent.is_constant()) {
        if (!f.floors.empty() || f.linear.denominator != 1)
          return std::nullopt;
        c.values = {f.linear.coefficients[static_cast<size_t>(iterator)], f.linear.constant};
      }
      for (int64_t x = 0; extent.is_constant() && x < extent.constant(); ++x)
        c.values.push_back(value_at(f, iterator, x));
      if (out && !(*out == c))
        return std::nullopt;
      out = std::move(c);
    }
    return out;
  }

  // The node that everything that touches the tensor is below of, counted; null when there is none.
  LoopTreeRef below(const LoopTree& node) {
    if (node.kind == LoopTree::leaf)
      return nullptr;
    if (node.kind == LoopTree::loop) {
      std::optional<Count> c = count(node);
      if (!c)
        return nullptr;
      if (c->dim >= 0)
        counts_[static_cast<size_t>(c->dim)].push_back(std::move(c->values));
    }
    if (node.kind != LoopTree::sequence)
      return node.children[0];
    LoopTreeRef out;
    for (size_t k = 0; k < node.children.size(); ++k) {
      auto here = [&](const auto& s) { return node.filters[k].count(s.first) > 0; };
      if (std::none_of(dims_.begin(), dims_.end(), here))
        continue;
      if (out)
        return nullptr; // some are in another part
      out = node.children[k];
    }
    return out;
  }

  const Tensor& t_;
  std::map<std::string, std::map<int, int>> dims_;        // by statement that touches the tensor
  std::vector<std::vector<std::vector<int64_t>>> counts_; // by dimension: values of loops
};
} // namespace

bool surely_apart(const Kernel& kernel, const Tensor& tensor) {
  auto answer = with_quota(IslEntry::order, [&]() -> Expected<bool> {
    try {
      return Lifetimes(kernel, tensor).apart();
    } catch (const NotPlain&) {
      return false;
    }
  });
  return answer && *answer;
}

} // namespace nasc
