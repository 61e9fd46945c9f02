// stage(tensor=Y, at=w.t) -- keep the elements of a tensor that one iteration of a loop touches in registers.
//   before  for w.t { Y = 0; Y += x * w }       after  for w.t { stage Y_acc { acc = 0; acc += x * w; Y = acc } }
// Refuses  no-such-loop, ambiguous-loop, no-such-tensor, not-written, already-staged, several-parts, not-projective,
//          not-aligned, ordered.
// Legal    when no dependence is reversed (judged in legality/order); a reduction that goes on in later iterations
//          (chunks) is summed apart and added: it must be reassociable.
// Source   codegen-route 3.1; accumulator privatisation; "cache_write" and "rfactor" of TVM.
#include <algorithm>
#include <limits>

#include "polyhedral/edit.h"

namespace nasc {
namespace {

bool reads(const Statement& s, const std::string& tensor) {
  return std::any_of(s.reads.begin(), s.reads.end(), [&](const Access& a) { return a.tensor == tensor; });
}

// The model is the statement whose loops the copies follow: the inside writer with most iterators.
struct Site {
  TreePath path;
  const Statement* model;
  std::vector<std::string> inverse;   // per model iterator: its value in e0, e1, ..; "" when elements do not tell
  std::vector<std::string> chunks;    // names of loops around whose value elements do not tell
  std::vector<LoopTreeRef> point_loops;  // below the region, around the model, told by elements
  bool told(const isl::pw_aff& value) const {
    for (size_t i = 0; i < inverse.size(); ++i)
      if (inverse[i].empty() && involves(value, static_cast<int>(i))) return false;
    return true;
  }
  // { to[t.., e..] -> model[i..] }; iterators that elements do not tell are 0.
  isl::multi_aff model_of(const std::string& to, int rank) const { return model_of(to, rank, chunks.size()); }
  isl::multi_aff model_of(const std::string& to, int rank, size_t leading) const {
    std::string in, out;
    for (size_t k = 0; k < leading; ++k) in += text(in.empty() ? "t" : ", t", k);
    for (int k = 0; k < rank; ++k) in += text(in.empty() ? "e" : ", e", k);
    for (size_t i = 0; i < inverse.size(); ++i) out += (i ? ", " : "") + (inverse[i].empty() ? "0" : inverse[i]);
    return isl::multi_aff(isl_context(), "{ " + to + "[" + in + "] -> " + model->name + "[" + out + "] }");
  }
};

Expected<std::vector<std::string>> inverse_of(const Statement& s) {
  std::vector<std::string> out(s.iterators.size());
  for (unsigned k = 0; k < s.write.map.size(); ++k) {
    auto index = linear(s.write.map.at(static_cast<int>(k)));
    int used = 0;
    for (size_t i = 0; index && i < index->coefficients.size(); ++i) {
      if (index->coefficients[i] == 0) continue;
      ++used;
      if (index->coefficients[i] != 1 || !out[i].empty()) used = 2;
      out[i] = text("e", k, " - ", index->constant);
    }
    if (!index || used > 1 || index->denominator != 1 || !index->parameters.empty())
      return refuse("not-projective", s.name + " does not write " + s.write.tensor + " at its plain iterators");
  }
  return out;
}

Expected<Site> find_site(const Program& p, const TreePath& path, const std::string& tensor) {
  Site site{path, nullptr, {}, {}, {}};
  for (const Statement& s : p.statements)
    if (path.node()->statements.count(s.name) && s.write.tensor == tensor &&
        (!site.model || s.iterators.size() > site.model->iterators.size()))
      site.model = &s;
  if (!site.model) return refuse("not-written", tensor + " is not written inside " + path.node()->mark.name);
  auto inverse = inverse_of(*site.model);
  if (!inverse) return std::unexpected(inverse.error());
  site.inverse = *inverse;
  for (const auto& n : path.nodes)
    if (n->kind == LoopTree::loop && !site.told(n->band.at(site.model->name))) site.chunks.push_back(n->mark.name);
  for (LoopTreeRef n = path.node()->children[0]; n->kind != LoopTree::leaf;) {
    if (n->kind == LoopTree::region && n->mark.name == tensor)
      return refuse("already-staged", tensor + " is staged inside " + path.node()->mark.name);
    std::vector<LoopTreeRef> next;
    for (const auto& c : n->children)
      if (c->statements.count(site.model->name)) next.push_back(c);
    if (next.size() != 1) return refuse("several-parts", site.model->name + " is divided inside the region");
    if (n->kind == LoopTree::loop) {
      const isl::pw_aff& value = n->band.at(site.model->name);
      bool any = false;
      for (size_t i = 0; i < site.inverse.size(); ++i) any |= involves(value, static_cast<int>(i));
      if (any && site.told(value)) site.point_loops.push_back(n);
    }
    n = next[0];
  }
  return site;
}

// Does every instance of `s` that touches an element run in the iteration that the element tells?
bool aligned(const Site& site, const Statement& s, const isl::multi_aff& access) {
  isl::multi_aff model = site.model_of("E", static_cast<int>(access.size()), 0);
  isl::multi_aff instance = model.pullback(renamed(access, "", "E"));
  for (const auto& n : site.path.nodes) {
    if (n->kind != LoopTree::loop || !site.told(n->band.at(site.model->name))) continue;
    isl::pw_aff expected = n->band.at(site.model->name).pullback(instance);
    if (!s.domain.is_subset(expected.eq_set(n->band.at(s.name)))) return false;
  }
  return true;
}

ExprRef identity(Combine combine, DType type) {
  double infinity = std::numeric_limits<double>::infinity();
  switch (combine) {
    case Combine::mul: return constant(type, 1);
    case Combine::max: return constant(type, -infinity);
    case Combine::min: return constant(type, infinity);
    default: return constant(type, 0);
  }
}

// A statement over the elements (and chunks) of the region, scheduled like the model.
LoopTreeRef nest_of(const Site& site, const std::string& statement, int rank) {
  isl::multi_aff model = site.model_of(statement, rank);
  LoopTreeRef out = leaf({statement});
  for (size_t k = site.point_loops.size(); k-- > 0;) {
    const LoopTree& n = *site.point_loops[k];
    out = loop(n.mark, {{statement, n.band.at(site.model->name).pullback(model)}}, out, n.isolate);
  }
  return out;
}

// The tree with `body` below the region's loop and `added` statements known on the way to it.
LoopTreeRef with_body(const Site& site, const LoopTreeRef& body, const std::vector<const Statement*>& added, int rank) {
  LoopTreeRef out = body;
  for (size_t d = site.path.nodes.size(); d-- > 0;) {
    const LoopTreeRef& n = site.path.nodes[d];
    if (n->kind == LoopTree::region) {
      out = region(n->mark, out);
    } else if (n->kind == LoopTree::loop) {
      Band band = n->band;
      auto chunk = std::find(site.chunks.begin(), site.chunks.end(), n->mark.name);
      for (const Statement* s : added)
        band.emplace(s->name, chunk != site.chunks.end()
                                  ? dim_value(s->domain, static_cast<int>(chunk - site.chunks.begin()))
                                  : n->band.at(site.model->name).pullback(site.model_of(s->name, rank)));
      out = loop(n->mark, band, out, n->isolate);
    } else {
      TreeParts parts = parts_of(n);
      for (const Statement* s : added)
        parts[site.path.at[d]].first.emplace(s->name, isl::set::universe(s->domain.space()));
      parts[site.path.at[d]].second = out;
      out = sequence(std::move(parts));
    }
  }
  return out;
}

Filter universe(const Program& p, const Names& names) {
  Filter out;
  for (const auto& s : names) out.emplace(s, isl::set::universe(p.statement(s).domain.space()));
  return out;
}

void move_access(Access& a, const std::string& from, const std::string& to) {
  if (a.tensor == from) a = {to, renamed(a.map, "", to)};
}

Statement copy_statement(const std::string& name, const isl::set& elements, Access write, std::vector<Access> reads) {
  std::vector<std::string> iterators;
  for (int k = 0; k < dims(elements); ++k) iterators.push_back(text("o", k));
  Statement s(name, iterators, renamed(elements, name), std::move(write));
  s.reads = std::move(reads);
  return s;
}

// { name[t.., e..] -> tensor[..] } from the last `rank` of `n` iterators.
Access element(const std::string& name, const std::string& tensor, int n, int rank) {
  std::string in, out;
  for (int k = 0; k < n; ++k) {
    in += text(k ? ", i" : "i", k);
    if (k >= n - rank) out += text(out.empty() ? "i" : ", i", k);
  }
  return {tensor, isl::multi_aff(isl_context(), "{ " + name + "[" + in + "] -> " + tensor + "[" + out + "] }")};
}

size_t position(const Program& p, const std::string& statement) {
  return std::find_if(p.statements.begin(), p.statements.end(), [&](auto& s) { return s.name == statement; }) -
         p.statements.begin();
}

// All accesses inside one iteration, values born there: rename, and copy out when somebody else needs the tensor.
Kernel stage_whole(const Kernel& k, const Site& site, const std::string& tensor, const isl::set& elements) {
  Program p = k.program;
  const Names& inside = site.path.node()->statements;
  int rank = p.tensor(tensor).rank();
  Tensor acc = p.tensor(tensor);
  acc.name = unused_name(p, tensor + "_acc");
  acc.role = Role::temp;
  acc.layout.reset();
  p.tensors.push_back(acc);
  size_t last = 0;
  for (size_t i = 0; i < p.statements.size(); ++i) {
    Statement& s = p.statements[i];
    if (!inside.count(s.name)) continue;
    if (s.write.tensor == tensor) last = i;
    move_access(s.write, tensor, acc.name);
    for (Access& r : s.reads) move_access(r, tensor, acc.name);
  }
  std::string name = unused_name(p, tensor + "_out");
  Statement out = copy_statement(name, elements, element(name, tensor, rank, rank), {element(name, acc.name, rank, rank)});
  out.body = read(0, acc.dtype);
  p.statements.insert(p.statements.begin() + last + 1, out);
  Mark mark;
  mark.kind = Mark::stage;
  mark.name = acc.name;
  LoopTreeRef body = site.path.node()->children[0];
  body = sequence({{universe(p, body->statements), body}, {universe(p, {name}), nest_of(site, name, rank)}});
  return with_tree({p, k.schedule}, with_body(site, region(mark, body), {&out}, rank));
}

// The model's reduction goes on elsewhere: this iteration sums apart, then combines with the tensor.
Kernel stage_partial(const Kernel& k, const Site& site, const std::string& tensor) {
  Program p = k.program;
  int rank = p.tensor(tensor).rank(), all = rank + static_cast<int>(site.chunks.size());
  const std::string model = site.model->name;
  isl::pw_multi_aff where = site.model->write.map.reset_range_tuple_id().as_pw_multi_aff();
  Tensor acc = p.tensor(tensor);
  for (size_t c = site.chunks.size(); c-- > 0;)
    for (const auto& n : site.path.nodes)
      if (n->kind == LoopTree::loop && n->mark.name == site.chunks[c])
        where = n->band.at(model).as_pw_multi_aff().flat_range_product(where);
  isl::set elements = site.model->domain.apply(where.as_map()).coalesce();
  for (size_t c = site.chunks.size(); c-- > 0;)
    acc.shape.insert(acc.shape.begin(), elements.dim_max_val(static_cast<int>(c)).num_si() + 1);
  acc.name = unused_name(p, tensor + "_acc");
  acc.role = Role::temp;
  acc.layout.reset();
  p.tensors.push_back(acc);
  std::string start = unused_name(p, tensor + "_start"), end = unused_name(p, tensor + "_add");
  Statement first = copy_statement(start, elements, element(start, acc.name, all, all), {});
  first.body = identity(site.model->combine, acc.dtype);
  Statement last = copy_statement(end, elements, element(end, tensor, all, rank), {element(end, acc.name, all, all)});
  last.body = read(0, acc.dtype);
  last.combine = site.model->combine;
  size_t at = position(p, model);
  isl::multi_aff written = where.as_multi_aff();
  p.statements[at].write = {acc.name, renamed(written, "", acc.name)};
  p.statements.insert(p.statements.begin() + at + 1, last);
  p.statements.insert(p.statements.begin() + at, first);
  Mark mark;
  mark.kind = Mark::stage;
  mark.name = acc.name;
  LoopTreeRef body = site.path.node()->children[0];
  body = sequence({{universe(p, {start}), nest_of(site, start, rank)},
                   {universe(p, body->statements), body},
                   {universe(p, {end}), nest_of(site, end, rank)}});
  return with_tree({p, k.schedule}, with_body(site, region(mark, body), {&first, &last}, rank));
}

Expected<Kernel> apply_stage(const Kernel& k, const Args& a) {
  const Program& p = k.program;
  std::string tensor = a.word("tensor");
  if (!p.find_tensor(tensor)) return refuse("no-such-tensor", "no tensor " + tensor + " in " + p.name);
  LoopTreeRef tree = tree_of(k.schedule);
  auto found = find_loops(tree, a.word("at"));
  if (!found) return std::unexpected(found.error());
  if (found->size() != 1) return refuse("several-parts", "loop " + a.word("at") + " has several parts");
  const TreePath& path = found->front();
  for (const auto& n : path.nodes)
    if (n->kind == LoopTree::region && n->mark.name == tensor) return refuse("already-staged", tensor + " is staged");
  auto site = find_site(p, path, tensor);
  if (!site) return std::unexpected(site.error());

  Filter live = domain_at(p.domain(), path);
  isl::set elements = isl::set::empty(extent_set(p.tensor(tensor)).space()), born = elements;
  bool all_inside = true, all_writers_inside = true;
  for (const Statement& s : p.statements) {
    bool uses = s.write.tensor == tensor || reads(s, tensor);
    if (!uses) continue;
    if (!path.node()->statements.count(s.name)) {
      all_inside = false;
      all_writers_inside &= s.write.tensor != tensor;
      continue;
    }
    if (!s.domain.is_subset(live.at(s.name)))
      return refuse("several-parts", "not all of " + s.name + " is inside " + path.node()->mark.name);
    if (s.write.tensor != tensor) continue;
    isl::set written = s.domain.apply(s.write.map.as_map());
    elements = elements.unite(written);
    if (s.combine == Combine::assign) born = born.unite(written);
  }
  bool whole = site->chunks.empty() && all_writers_inside && elements.is_subset(born);
  if (!whole) {
    const Statement& m = *site->model;
    if (!m.is_reduction() || !m.reassociable || reads(m, tensor))
      return refuse("ordered", m.name + " cannot sum apart what it adds to " + tensor);
    if (!aligned(*site, m, m.write.map)) return refuse("not-aligned", m.name + " is not aligned with " + tensor);
    return stage_partial(k, *site, tensor);
  }
  for (const Statement& s : p.statements) {
    if (!path.node()->statements.count(s.name)) continue;
    bool fits = s.write.tensor != tensor || aligned(*site, s, s.write.map);
    for (const Access& r : s.reads) fits = fits && (r.tensor != tensor || aligned(*site, s, r.map));
    if (!fits)
      return refuse("not-aligned", s.name + " uses elements of " + tensor + " of other iterations of " +
                                       path.node()->mark.name);
  }
  if (!all_inside || p.tensor(tensor).role != Role::temp) return stage_whole(k, *site, tensor, elements.coalesce());
  Mark mark;
  mark.kind = Mark::stage;
  mark.name = tensor;
  return with_tree(k, with_body(*site, region(mark, path.node()->children[0]), {}, p.tensor(tensor).rank()));
}

std::vector<Step> choices(const Kernel& k) {
  std::vector<Step> out;
  for (const Tensor& t : k.program.tensors) {
    if (t.role != Role::output && t.role != Role::temp) continue;
    LoopTreeRef tree = tree_of(k.schedule);
    for (const auto& p : loop_paths(tree))
      out.push_back({"stage", {{"tensor", t.name}, {"at", address_of(tree, p)}}});
  }
  return out;
}

const Registered<Transformation> stage{{
    .name = "stage",
    .kind = Kind::mapping,
    .parameters = {{Parameter::word, "tensor", "tensor to keep in registers"},
                   {Parameter::loop, "at", "loop whose iterations hold the tensor's elements"}},
    .doc = "Keep the elements of a tensor that one iteration of a loop touches in registers.",
    .refusals = {"no-such-loop", "ambiguous-loop", "no-such-tensor", "not-written", "already-staged", "several-parts",
                 "not-projective", "not-aligned", "ordered"},
    .on_kernel = apply_stage,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
