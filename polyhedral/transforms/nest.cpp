// nest(loops=[n, y, x, d], vector=d, lanes=8, parallel=y) -- all statements under common loops over
// iterators that all of them have; what is left is unrolled, adjacent statements sharing the loops
// of equal names; local tensors are staged.
//   before  for n, d, j { S }  for n, d, j, k { T }
//   after   for n parallel, d.t { stage { for j unroll { S; for k unroll { T } } } }
// With prefetch=[X], what of X the next iteration of the innermost loop but the vector's touches is fetched meanwhile: its planes
// are more than hardware follows.
// Refuses  unknown-loop, bad-lanes, indivisible; with of=[..] (part_of.h) not-a-part.
// Legal    when no dependence is reversed (judged in legality/order).
// Source   codegen-route 5 (Winograd transforms: lane loop outside of unrolled small loops).
#include <algorithm>
#include <set>

#include "ir/prefetch.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/transformation.h"
#include "polyhedral/transforms/part_of.h"
#include "polyhedral/transforms/statements.h"
#include "polyhedral/tree_text.h"

namespace nasc {
namespace {

struct Nest {
  std::vector<std::string> loops; // outermost first
  std::string vector, parallel;
  std::vector<std::string> collapse;
  int64_t lanes = 1, extent = 1; // extent: of the vector iterator
  bool serial = false; // inner loops stay loops
  bool has(const std::string& name) const {
    return std::find(loops.begin(), loops.end(), name) != loops.end();
  }
};

// Iterators of a statement that are no outer loops.
std::vector<std::string> inner_iterators(const Nest& nest, const Statement& s) {
  std::vector<std::string> out;
  for (const auto& i : s.iterators)
    if (!nest.has(i))
      out.push_back(i);
  return out;
}

// Statements [first, last) below `depth` of their inner iterators.
TextNodeRef inner_loops(const Program& p, const Nest& nest, size_t first, size_t last,
                        size_t depth) {
  std::vector<std::pair<std::vector<std::string>, TextNodeRef>> parts;
  for (size_t k = first; k < last;) {
    std::vector<std::string> inner = inner_iterators(nest, p.statements[k]);
    std::vector<std::string> names = {p.statements[k].name};
    TextNodeRef node;
    size_t end = k + 1;
    if (depth < inner.size()) {
      std::map<std::string, std::string> exprs = {{p.statements[k].name, inner[depth]}};
      for (; end < last; ++end) {
        std::vector<std::string> next = inner_iterators(nest, p.statements[end]);
        if (depth >= next.size() || next[depth] != inner[depth])
          break;
        exprs[p.statements[end].name] = inner[depth];
        names.push_back(p.statements[end].name);
      }
      node = tree_band(inner[depth] + (nest.serial ? "" : " unroll"), exprs,
                       inner_loops(p, nest, k, end, depth + 1));
    } else {
      node = tree_leaf();
      if (!nest.vector.empty() && !is_prefetch(p.statements[k]))
        node =
            tree_band(nest.vector + ".v vectorize",
                      {{p.statements[k].name, text("(", nest.vector, ") mod ", nest.lanes)}}, node);
    }
    parts.emplace_back(names, node);
    k = end;
  }
  return parts.size() == 1 ? parts[0].second : tree_sequence(std::move(parts));
}

// Adds a statement that names what the next iteration of the innermost loop, the vector's aside,
// touches of a tensor.
Expected<std::string> add_ahead(Program& p, const Nest& nest, const std::string& tensor) {
  const Statement* user = nullptr;
  const Access* access = nullptr;
  auto note = [&](const Statement& s, const Access& a) {
    if (!access && a.tensor == tensor)
      user = &s, access = &a;
  };
  for (const Statement& s : p.statements) {
    note(s, s.write);
    for (const Access& r : s.reads)
      note(s, r);
  }
  auto next = std::find_if(nest.loops.rbegin(), nest.loops.rend(),
                           [&](const std::string& name) { return name != nest.vector; });
  if (!access || next == nest.loops.rend())
    return refuse("unknown-loop", "nothing of " + tensor + " to fetch ahead");
  auto used = iterators_used(*user, *access);
  std::vector<std::string> iterators, values;
  Shape extents;
  auto add = [&](const std::string& iterator, const Extent& extent) {
    iterators.push_back(iterator);
    extents.push_back(extent);
  };
  for (const std::string& loop : nest.loops) {
    std::optional<Extent> extent = loop_extent(p, *user, loop);
    if (!extent || extent->is(0))
      return refuse("unknown-loop", loop + " has no extent that is known or that of a tensor");
    add(loop, loop == nest.vector ? ceildiv(*extent, nest.lanes) : *extent);
  }
  for (size_t k = 0; k < user->iterators.size(); ++k) {
    const std::string& i = user->iterators[k];
    std::string value = i == nest.vector ? text(nest.lanes, "*", i) : i == *next ? i + " + 1" : i;
    if (!nest.has(i)) {
      bool varies = std::any_of(used.begin(), used.end(), [&](const auto& dim) {
        return std::count(dim.begin(), dim.end(), static_cast<int>(k)) > 0;
      });
      value = varies ? "ahead_" + i : "0";
      if (varies)
        add(value, iterator_extent(*user, i).value_or(1));
    }
    values.push_back(value);
  }
  return add_prefetch_statement(p, 0, *user, *access, iterators, extents, values);
}

Expected<Kernel> apply_nest(const Kernel& kernel, const Args& a) {
  Program p = kernel.program;
  Nest nest;
  nest.loops = a.words("loops");
  for (const auto& name : nest.loops) {
    if (std::count(nest.loops.begin(), nest.loops.end(), name) > 1)
      return refuse("unknown-loop", name + " is listed twice");
    for (const Statement& s : p.statements)
      if (s.iterator(name) < 0)
        return refuse("unknown-loop", s.name + " has no iterator " + name);
  }
  if (nest.loops.empty() || p.statements.empty())
    return refuse("unknown-loop", "no common loops");
  nest.serial = a.has("serial") && a.integer("serial");
  if (a.has("parallel"))
    nest.parallel = a.word("parallel");
  if (a.has("collapse"))
    nest.collapse = a.words("collapse");
  if (!nest.parallel.empty() && nest.parallel != nest.loops[0])
    return refuse("unknown-loop",
                  "only the outermost loop, " + nest.loops[0] + ", can be divided among threads");
  for (const std::string& name : nest.collapse)
    if (nest.parallel.empty() || name == nest.parallel || !nest.has(name))
      return refuse("unknown-loop", "only a loop inside of the divided one can be divided along with it");
  if (a.has("vector")) {
    nest.vector = a.word("vector");
    nest.lanes = a.has("lanes") ? a.integer("lanes") : 1;
    if (!nest.has(nest.vector))
      return refuse("unknown-loop", nest.vector + " is no common loop");
    if (nest.lanes < 2 || nest.lanes > 64)
      return refuse("bad-lanes", text(nest.lanes, " lanes"));
    nest.extent = iterator_extent(p.statements[0], nest.vector).value_or(0);
    for (const Statement& s : p.statements)
      if (nest.extent < nest.lanes || iterator_extent(s, nest.vector) != nest.extent)
        return refuse("indivisible", text(s.name, " has no vector of ", nest.lanes, " along ", nest.vector,
                                          ", or others than ", p.statements[0].name));
  }
  std::set<std::string> sinks;
  for (const std::string& tensor :
       a.has("prefetch") ? a.words("prefetch") : std::vector<std::string>{}) {
    auto made = add_ahead(p, nest, tensor);
    if (!made)
      return std::unexpected(made.error());
    sinks.insert(p.statement(*made).write.tensor);
  }
  TextNodeRef tree = inner_loops(p, nest, 0, p.statements.size(), 0);
  for (const Tensor& t : p.tensors)
    if (t.role == Role::temp && !sinks.count(t.name))
      tree = tree_mark("stage " + t.name, tree);
  for (size_t k = nest.loops.size(); k-- > 0;) {
    const std::string& name = nest.loops[k];
    bool vector = name == nest.vector;
    std::map<std::string, std::string> exprs;
    for (const Statement& s : p.statements)
      exprs[s.name] =
          vector && !is_prefetch(s) ? text("floor((", name, ")/", nest.lanes, ")") : name;
    bool divided = name == nest.parallel || std::count(nest.collapse.begin(), nest.collapse.end(), name) > 0;
    std::string rest = vector ? whole_tiles(k, nest.lanes, nest.extent) : "";
    tree = tree_band(name + (vector ? ".t" : "") + (divided ? " parallel" : ""), exprs, tree, rest);
  }
  return Kernel{p, build_tree(p, tree)};
}

const Registered<Transformation> nest{
    {.name = "nest",
     .kind = Kind::schedule,
     .parameters = {{Parameter::words, "loops", "iterators of all statements, outermost first"},
                    {Parameter::word, "vector", "the one whose innermost points are vector lanes",
                     false},
                    {Parameter::integer, "lanes", "vector lanes", false},
                    {Parameter::integer, "serial", "1: what is inside stays loops", false},
                    {Parameter::word, "parallel", "the outermost, when it is divided among threads",
                     false},
                    {Parameter::words, "collapse", "those inside, when they are divided along with it",
                     false},
                    {Parameter::words, "prefetch",
                     "tensors whose elements of the next iteration are fetched meanwhile", false},
                    kOfPart},
     .doc = "Run all statements under common loops, everything inside unrolled or serial.",
     .refusals = {"unknown-loop", "bad-lanes", "indivisible", "not-a-part"},
     .on_kernel = on_part(apply_nest),
     .on_module = nullptr,
     .choices = nullptr}};

} // namespace
} // namespace nasc
