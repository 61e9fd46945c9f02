// Programs of some statements, and their loops put back among those of the others.
#include "polyhedral/transforms/part_of.h"

#include <algorithm>
#include <set>
#include <utility>

#include "polyhedral/edit.h"
#include "polyhedral/module_edit.h"

namespace nasc {
namespace {

bool touches(const Statement& s, const std::string& tensor) {
  return s.write.tensor == tensor ||
         std::any_of(s.reads.begin(), s.reads.end(),
                     [&](const Access& a) { return a.tensor == tensor; });
}

isl::set everything(const isl::set& domain) { return isl::set::universe(domain.space()); }

LoopTreeRef with_renamed_regions(const LoopTreeRef& tree,
                                 const std::map<std::string, std::string>& names) {
  std::vector<LoopTreeRef> children;
  for (const LoopTreeRef& c : tree->children)
    children.push_back(with_renamed_regions(c, names));
  LoopTreeRef out = with_children(tree, std::move(children));
  auto known = tree->kind == LoopTree::region ? names.find(tree->mark.name) : names.end();
  if (known == names.end())
    return out;
  Mark mark = tree->mark;
  mark.name = known->second;
  return with_mark(out, mark);
}

// What the transformation added gets names that nothing else has.
Kernel with_free_names(Kernel made, const Program& part, const Program& whole) {
  std::set<std::string> taken, others;
  for (const Program* p : {&whole, &std::as_const(made.program)}) {
    for (const Statement& s : p->statements)
      taken.insert(s.name);
    for (const Tensor& t : p->tensors)
      taken.insert(t.name);
  }
  for (const Statement& s : whole.statements)
    others.insert(s.name);
  for (const Tensor& t : whole.tensors)
    others.insert(t.name);
  for (const Statement& s : part.statements)
    others.erase(s.name);
  for (const Tensor& t : part.tensors)
    others.erase(t.name);
  std::map<std::string, std::string> names, regions;
  auto free = [&](const std::string& wanted) {
    std::string name = wanted;
    for (int k = 2; !taken.insert(name).second; ++k)
      name = text(wanted, "_", k);
    return name;
  };
  LoopTreeRef tree = tree_of(made.schedule);
  for (const Statement& s : made.program.statements)
    if (others.count(s.name)) {
      names[s.name] = free(s.name);
      tree = with_renamed_statement(tree, s.name, names[s.name]);
    }
  for (const Tensor& t : made.program.tensors)
    if (others.count(t.name))
      names[t.name] = regions[t.name] = free(t.name);
  if (names.empty())
    return made;
  Program p = with_names(made.program, names);
  Schedule schedule = schedule_of(p.domain(), with_renamed_regions(tree, regions));
  return {std::move(p), std::move(schedule)};
}

Expected<Kernel> put_back(const Kernel& whole, const Program& part, const Kernel& made) {
  Program p = whole.program;
  for (const Tensor& t : made.program.tensors)
    if (!part.find_tensor(t.name))
      p.tensors.push_back(t);
  auto of_part = [&](const std::string& s) {
    return std::any_of(part.statements.begin(), part.statements.end(),
                       [&](const Statement& o) { return o.name == s; });
  };
  auto first = std::find_if(p.statements.begin(), p.statements.end(),
                            [&](const Statement& s) { return of_part(s.name); });
  auto place = p.statements.erase(first, first + static_cast<long>(part.statements.size()));
  p.statements.insert(place, made.program.statements.begin(), made.program.statements.end());

  LoopTreeRef tree = tree_of(whole.schedule);
  if (tree->kind != LoopTree::sequence)
    return refuse("not-a-part", "one loop is around all statements");
  TreeParts parts;
  bool placed = false;
  for (auto& [filter, child] : parts_of(tree)) {
    auto inside = std::count_if(child->statements.begin(), child->statements.end(), of_part);
    if (!inside) {
      parts.emplace_back(filter, child);
      continue;
    }
    if (static_cast<size_t>(inside) != child->statements.size())
      return refuse("not-a-part", "a loop is around these statements and others");
    if (std::exchange(placed, true))
      continue;
    Filter all;
    for (const Statement& s : made.program.statements)
      all.emplace(s.name, everything(s.domain));
    parts.emplace_back(std::move(all), tree_of(made.schedule));
  }
  LoopTreeRef together = sequence(std::move(parts));
  Schedule schedule = schedule_of(p.domain(), together);
  return Kernel{std::move(p), std::move(schedule)};
}

// No element of the tensor is written both by statements of the part and by others.
bool writes_apart(const Program& p, const Program& part, const std::string& tensor) {
  return analysed([&] {
    auto written = [&](bool inside) {
      isl::union_set out(isl_context(), "{ }");
      for (const Statement& s : p.statements) {
        bool of_part = std::any_of(part.statements.begin(), part.statements.end(), [&](const Statement& o) { return o.name == s.name; });
        if (s.write.tensor == tensor && of_part == inside)
          out = out.unite(isl::union_set(s.domain.apply(s.write.map.as_map())));
      }
      return out;
    };
    return static_cast<bool>(written(true).intersect(written(false)).is_empty());
  }, false);
}
} // namespace

Expected<Program> part_of(const Program& p, const std::vector<std::string>& statements) {
  auto listed = [&](const Statement& s) {
    return std::count(statements.begin(), statements.end(), s.name) > 0;
  };
  auto first = std::find_if(p.statements.begin(), p.statements.end(), listed);
  auto last = std::find_if_not(first, p.statements.end(), listed);
  if (first == last || static_cast<size_t>(last - first) != statements.size())
    return refuse("not-a-part",
                  text(statements.size(), " statements that do not follow each other in ", p.name));
  Program out = p;
  out.statements.assign(first, last);
  std::erase_if(out.tensors, [&](const Tensor& t) {
    return std::none_of(first, last, [&](const Statement& s) { return touches(s, t.name); });
  });
  for (Tensor& t : out.tensors) {
    auto in_part = [&](auto begin, auto end, bool writes) {
      return std::any_of(begin, end, [&](const Statement& s) {
        return writes ? s.write.tensor == t.name : touches(s, t.name);
      });
    };
    bool written = in_part(first, last, true);
    auto outside = [&](bool writes) {
      return in_part(p.statements.begin(), first, writes) ||
             in_part(last, p.statements.end(), writes);
    };
    if (written && outside(true) && !writes_apart(p, out, t.name))
      return refuse("not-a-part", "other statements write " + t.name + ", too");
    if (t.role == Role::weight || (t.role == Role::temp && !outside(false)))
      continue;
    t.role = written ? Role::output : Role::input;
  }
  return out;
}

OnKernel on_part(OnKernel apply) {
  return [apply = std::move(apply)](const Kernel& kernel, const Args& args) -> Expected<Kernel> {
    if (!args.has("of"))
      return apply(kernel, args);
    auto part = part_of(kernel.program, args.words("of"));
    if (!part)
      return std::unexpected(part.error());
    auto made = apply({*part, textual_schedule(*part)}, args);
    if (!made)
      return std::unexpected(made.error());
    return put_back(kernel, *part, with_free_names(*made, *part, kernel.program));
  };
}

} // namespace nasc
