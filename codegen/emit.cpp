// What is known before emission: offsets of all accesses, ranges of loop variables, which loop is divided.
#include "codegen/emitter.h"

namespace nasc {

void give_up(std::string code, std::string text) { throw EmitRefusal{{std::move(code), std::move(text)}}; }

Emitter::Emitter(const Program& program, llvm::Module& module, const EmitTraits& traits, const EmitOptions& options)
    : program_(program), module_(module), context_(module.getContext()), traits_(traits), options_(options), b_(context_) {}

// Layout applied to the access applied to the iterators' values, in elements.
namespace {
// Strides that tell apart the elements that registers hold at a time: extents that are not known count as more than that.
Shape told_apart(Tensor t) {
  constexpr int64_t kMost = 1024;
  for (Extent& e : t.shape)
    if (!e.is_constant()) e = kMost;
  return physical_strides(t);
}
}  // namespace

Quasi Emitter::offset(const Access& a, const std::vector<Quasi>& iterators) {
  const Tensor& t = program_.tensor(a.tensor);
  const bool in_registers = staging_.count(a.tensor) > 0;
  auto [it, fresh] = strides_.try_emplace({a.tensor, in_registers});
  if (fresh)
    for (const Extent& e : in_registers ? told_apart(t) : physical_strides(t)) it->second.push_back(algebra_.value(e));
  Layout layout = layout_of(t);
  std::vector<Quasi> index;
  for (int d = 0; d < t.rank(); ++d) index.push_back(algebra_.value(quasi(a.map.at(d)), iterators) + layout.halo[d].first);
  Quasi sum;
  for (size_t k = 0; k < layout.dims.size(); ++k) {
    const LayoutDim& p = layout.dims[k];
    Quasi i = algebra_.floordiv(index[p.dim], p.div);
    if (p.mod > 0) i = algebra_.mod(i, p.mod);
    sum = sum + algebra_.mul(i, it->second[k]);
  }
  return sum;
}

void Emitter::prepare(const NestRef& n, Algebra::Scope scope) {
  Info& info = infos_[n.get()];
  if (n->kind == NestNode::loop) {
    info.lower = algebra_.value(n->lower, scope);
    info.upper = algebra_.value(n->upper, scope);
    Range lo = algebra_.range(info.lower), hi = algebra_.range(info.upper);
    info.variable = algebra_.variable(n->variable, {lo.lo, std::max(lo.lo, hi.hi)});
    scope[n->variable] = info.variable;
  } else if (n->kind == NestNode::if_) {
    info.condition = algebra_.condition(n->condition, scope);
  } else if (n->kind == NestNode::user) {
    info.statement = &program_.statement(n->statement);
    for (const auto& a : n->args) info.iterators.push_back(algebra_.value(a, scope));
    info.offsets.push_back(offset(info.statement->write, info.iterators));
    for (const auto& r : info.statement->reads) info.offsets.push_back(offset(r, info.iterators));
  }
  const bool staged = n->kind == NestNode::stage && staging_.insert(n->mark.name).second;
  for (const auto& c : n->children) prepare(c, scope);
  if (staged) staging_.erase(n->mark.name);
  if (n->kind == NestNode::loop && n->mark.has(Annotation::vectorize))
    infos_[n.get()].lanes_ok = !control_depends(n->children[0], info.variable);
}

bool Emitter::control_depends(const NestRef& n, int variable) const {
  const Info& info = infos_.at(n.get());
  if (n->kind == NestNode::loop && (algebra_.depends(info.lower, variable) || algebra_.depends(info.upper, variable)))
    return true;
  if (n->kind == NestNode::if_ && algebra_.depends(info.condition, variable)) return true;
  for (const auto& c : n->children)
    if (control_depends(c, variable)) return true;
  return false;
}

// Fills divided_: the loops marked parallel, all parts of one band, around every statement.
void Emitter::check_parallel(const NestRef& nest) {
  auto real = [&](const NestRef& n) {
    const Info& info = infos_.at(n.get());
    return n->kind == NestNode::loop && !(info.lower == info.upper);
  };
  std::set<int> bands;  // with more than one iteration
  std::function<void(const NestRef&)> collect = [&](const NestRef& n) {
    if (real(n) && n->mark.has(Annotation::parallel)) bands.insert(n->band);
    for (const auto& c : n->children) collect(c);
  };
  collect(nest);
  auto marked = [&](const NestRef& n) {
    return n->kind == NestNode::loop && n->mark.has(Annotation::parallel) && bands.count(n->band);
  };
  std::function<bool(const NestRef&)> any = [&](const NestRef& n) {
    if (marked(n)) return true;
    for (const auto& c : n->children)
      if (any(c)) return true;
    return false;
  };
  if (!any(nest)) return;
  // The one parallel loop right inside, when it runs from 0 the same number of times always.
  auto only_inside = [&](const NestRef& n) -> NestRef {
    NestRef at = n->children[0];
    while ((at->kind == NestNode::block && at->children.size() == 1) || (at->kind == NestNode::loop && !real(at)))
      at = at->children[0];
    if (!marked(at) || at->band == n->band || at->step != 1 || n->step != 1) return nullptr;
    const Info& info = infos_.at(at.get());
    return info.lower == Quasi(0) && info.upper.is_constant() ? at : nullptr;
  };
  // Loops that can be divided, of these bands, are around every statement.
  std::function<bool(const NestRef&, std::set<int>&)> divides = [&](const NestRef& n, std::set<int>& outermost) {
    if (marked(n)) return outermost.insert(n->band), true;
    if (n->kind == NestNode::user || real(n)) return false;
    return std::all_of(n->children.begin(), n->children.end(), [&](const NestRef& c) { return divides(c, outermost); });
  };
  int band = 0;
  std::function<void(const NestRef&)> visit = [&](const NestRef& n) {
    if (marked(n)) {
      if (band && n->band != band)
        give_up("parallel-not-outermost", "two parallel loops follow each other in one kernel: " + n->mark.name);
      NestRef innermost = n;
      for (NestRef inside; !traits_.gpu && (inside = only_inside(innermost)); innermost = inside)
        collapsed_[n.get()].push_back(inside.get());
      const Info& info = infos_.at(n.get());
      std::set<int> inside;
      bool divisible = std::all_of(n->children.begin(), n->children.end(), [&](const NestRef& c) { return divides(c, inside); });
      if (!traits_.gpu && innermost == n && !(info.upper - info.lower).is_constant() && divisible && inside.size() == 1) {
        for (const auto& c : n->children) visit(c);  // its iterations, perhaps only one, are independent: each thread has its part of all
        return;
      }
      band = n->band;
      divided_.insert(n.get());
      for (const auto& c : innermost->children)
        if (!traits_.gpu && any(c)) notes.push_back(n->mark.name + ": parallel loops inside it run on one thread each");
      return;
    }
    if (real(n)) give_up("parallel-not-outermost", "loop " + n->mark.name + " is around a parallel loop or beside it");
    if (n->kind == NestNode::user)
      give_up("parallel-not-outermost", "statement " + n->statement + " is outside of the parallel loop");
    for (const auto& c : n->children) visit(c);
  };
  visit(nest);
}

void Emitter::run(const NestRef& nest, llvm::Function* body) {
  function_ = body;
  unsigned k = 0;
  for (const Tensor& t : program_.tensors)
    if (t.role != Role::temp) bases_[t.name] = body->getArg(k++);
  values_ = body->getArg(k);
  if (!traits_.gpu) tid_ = body->getArg(k + 1), nt_ = body->getArg(k + 2);
  if (!traits_.gpu && options_.scratch) buffers_ = body->getArg(k + 3), bound_count_ = k;
  auto* entry = llvm::BasicBlock::Create(context_, "entry", body);
  b_.SetInsertPoint(entry);
  frames_.push_back({});
  frames_[0].block = entry;
  prepare(nest, {});
  check_parallel(nest);
  if (traits_.gpu) start_gpu(nest);
  walk(nest);
  b_.CreateRetVoid();
}

}  // namespace nasc
