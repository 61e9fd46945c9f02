// Finding long sums, and their two statements.
#include "frontend/long_sums.h"

#include <cmath>

#include "ir/joined.h"
#include "ir/selection.h"

namespace nasc {
namespace {
constexpr int64_t kLong = 1024;

// The extents of the iterators that are summed over, by position; empty when they are symbolic.
std::vector<std::pair<int, int64_t>> summed(const Statement& s) {
  std::vector<std::pair<int, int64_t>> out;
  for (int i = 0; i < static_cast<int>(s.iterators.size()); ++i) {
    bool written = false;
    for (unsigned d = 0; d < s.write.map.size(); ++d) written |= involves(s.write.map.at(static_cast<int>(d)), i);
    if (written) continue;
    auto range = constant_range(s.domain, i);
    if (!range || range->first != 0) return {};
    out.emplace_back(i, range->second + 1);
  }
  return out;
}

// Near the square root of the extent; whole vectors of any target and no rest when there is such a size.
int64_t block_size(int64_t extent) {
  constexpr int64_t kWhole = 16;
  double root = std::sqrt(static_cast<double>(extent));
  auto distance = [&](int64_t size) { return std::abs(std::log(static_cast<double>(size) / root)); };
  int64_t best = 0;
  for (int64_t size = kWhole; size <= extent / 2; size += kWhole)
    if (extent % size == 0 && (best == 0 || distance(size) < distance(best))) best = size;
  constexpr double kFar = 1.4;  // a quarter or four times the root
  return best != 0 && distance(best) < kFar ? best : static_cast<int64_t>(root);
}

bool is_product(const Statement& s) {
  const Expr& e = *s.body;
  return e.fn == Fn::mul && e.args[0]->fn == Fn::read && e.args[1]->fn == Fn::read &&
         s.reads[e.args[0]->index].tensor != s.reads[e.args[1]->index].tensor;
}

// Iterator `dim` as size * block + member.
void split_iterator(Statement& s, int dim, int64_t size, int64_t extent) {
  std::vector<std::string> now, before;
  for (int i = 0; i < static_cast<int>(s.iterators.size()); ++i) {
    if (i == dim) {
      now.push_back("block");
      now.push_back("member");
      before.push_back(std::to_string(size) + " block + member");
    } else {
      now.push_back("i" + std::to_string(i));
      before.push_back(now.back());
    }
  }
  std::string from = s.name + "[" + joined(now) + "]";
  isl::multi_aff join(isl_context(), "{ " + from + " -> " + s.name + "[" + joined(before) + "] }");
  isl::set blocks(isl_context(), text("{ ", from, " : 0 <= block < ", (extent + size - 1) / size, " and 0 <= member < ", size, " }"));
  std::string name = s.iterators[static_cast<size_t>(dim)];
  s.iterators[static_cast<size_t>(dim)] = name + "_block";
  s.iterators.insert(s.iterators.begin() + dim + 1, name + "_member");
  s.domain = with_dim_names(s.domain.preimage(join).intersect(blocks), s.iterators);
  s.box = with_dim_names(s.box.preimage(join).intersect(blocks), s.iterators);
  s.write.map = s.write.map.pullback(join);
  for (Access& a : s.reads) a.map = a.map.pullback(join);
  s.body = rewrite(s.body, [&](const ExprRef& e) {
    if (e->fn != Fn::iterator || e->index < dim) return e;
    if (e->index > dim) return iterator(e->index + 1);
    return apply(Fn::add, {apply(Fn::mul, {iterator(dim), constant_int(DType::i64, size)}), iterator(dim + 1)});
  });
}

std::string fresh(const Program& p, std::string name) {
  auto taken = [&](const std::string& n) {
    if (p.find_tensor(n)) return true;
    for (const Statement& s : p.statements)
      if (s.name == n) return true;
    return false;
  };
  while (taken(name)) name += "_";
  return name;
}

// `s` sums into a row of partial sums along iterator `dim`; gives { clear, s, sum of the row }.
std::vector<Statement> through_partial(Program& p, Statement s, int dim, int64_t extent) {
  Tensor partial;
  partial.name = fresh(p, s.write.tensor + "_partial");
  partial.dtype = p.tensor(s.write.tensor).dtype;
  partial.shape = p.tensor(s.write.tensor).shape;
  partial.shape.push_back(extent);
  partial.role = Role::temp;
  std::vector<std::string> all, kept;
  for (size_t d = 0; d < partial.shape.size(); ++d) all.push_back("o" + std::to_string(d));
  kept.assign(all.begin(), all.end() - 1);
  auto over_partial = [&](const std::string& name, const std::string& tensor, const std::vector<std::string>& index) {
    isl::multi_aff same(isl_context(), "{ " + name + "[" + joined(all) + "] -> " + partial.name + "[" + joined(all) + "] }");
    isl::multi_aff write(isl_context(), "{ " + name + "[" + joined(all) + "] -> " + tensor + "[" + joined(index) + "] }");
    return Statement(name, all, with_dim_names(extent_set(partial).preimage(same), all), {tensor, write});
  };
  Statement clear = over_partial(fresh(p, s.name + "_clear"), partial.name, all);
  clear.body = constant(partial.dtype, 0);
  Statement last = over_partial(fresh(p, s.name + "_total"), s.write.tensor, kept);
  isl::multi_aff row(isl_context(), "{ " + last.name + "[" + joined(all) + "] -> " + partial.name + "[" + joined(all) + "] }");
  last.reads.push_back({partial.name, row});
  last.combine = Combine::add;
  last.body = read(0, partial.dtype);

  std::vector<std::string> names;
  for (size_t i = 0; i < s.iterators.size(); ++i) names.push_back("i" + std::to_string(i));
  isl::multi_aff along(isl_context(), "{ " + s.name + "[" + joined(names) + "] -> [" + names[static_cast<size_t>(dim)] + "] }");
  s.write = {partial.name, renamed_range(s.write.map.flat_range_product(along), partial.name)};
  p.tensors.push_back(std::move(partial));
  return {std::move(clear), std::move(s), std::move(last)};
}
}  // namespace

void split_long_sums(Program& p) {
  std::vector<Statement> out;
  for (Statement& s : p.statements) {
    bool sum = s.combine == Combine::add && s.reassociable && is_float(p.tensor(s.write.tensor).dtype) &&
               !is_product(s) && !selection(s);  // of a selection one term counts
    std::vector<std::pair<int, int64_t>> loops = sum ? summed(s) : std::vector<std::pair<int, int64_t>>();
    int64_t length = 1;
    for (auto [dim, extent] : loops) length *= extent;
    if (length < kLong) {
      out.push_back(std::move(s));
      continue;
    }
    auto longest = [&](int64_t extent) { return std::max(extent, length / std::max<int64_t>(extent, 1)); };
    std::pair<int, int64_t> best = loops[0];
    for (auto loop : loops)
      if (longest(loop.second) < longest(best.second)) best = loop;
    if (longest(best.second) > kLong / 2) {  // blocks of the longest loop
      for (auto loop : loops)
        if (loop.second > best.second) best = loop;
      int64_t size = block_size(best.second);
      split_iterator(s, best.first, size, best.second);
      best.second = (best.second + size - 1) / size;
    }
    for (Statement& part : through_partial(p, std::move(s), best.first, best.second)) out.push_back(std::move(part));
  }
  p.statements = std::move(out);
}

}  // namespace nasc
