// Control flow: unrolled, vectorised, divided and run-time loops, guards; staged values get phis.
#include <algorithm>
#include <numeric>
#include <set>

#include "codegen/emitter.h"
#include "ir/prefetch.h"
#include "ir/selection.h"

namespace nasc {
namespace {
constexpr int64_t kMaxUnroll = 256, kMaxInstances = 100'000;

using Elements = std::vector<std::map<int64_t, llvm::Value*>>;
Elements snapshot(const std::vector<Staged>& regions) {
  Elements out;
  for (const auto& r : regions) out.push_back(r.elements);
  return out;
}
}  // namespace

void Emitter::walk(const NestRef& n) {
  switch (n->kind) {
    case NestNode::block:
      for (const auto& c : n->children) walk(c);
      return;
    case NestNode::loop: return loop(n);
    case NestNode::stage: return stage(n);
    case NestNode::user: return traits_.gpu ? gpu_user(n) : user(n);
    case NestNode::barrier: give_up("barrier-in-kernel", "a barrier mark inside a kernel; make two kernels of it");
    case NestNode::if_: {
      CondRef c = algebra_.substitute(infos_.at(n.get()).condition, bound_);
      branch(c, [&] { walk(n->children[0]); }, n->children.size() > 1 ? std::function<void()>([&] { walk(n->children[1]); }) : nullptr);
    }
  }
}

void Emitter::stage(const NestRef& n) {
  const Tensor* t = program_.find_tensor(n->mark.name);
  if (!t || t->role != Role::temp) give_up("stage-not-temp", "stage " + n->mark.name + ": not a local tensor");
  regions_.push_back({.tensor = n->mark.name, .runtime = {}, .elements = {}, .spans = {}});
  walk(n->children[0]);
  regions_.pop_back();
}

void Emitter::loop(const NestRef& n) {
  const Info& info = infos_.at(n.get());
  Quasi lower = algebra_.substitute(info.lower, bound_), upper = algebra_.substitute(info.upper, bound_);
  Range trips = algebra_.range(upper - lower);
  if (trips.hi < 0) return;
  if (divided_.count(n.get())) return traits_.gpu ? grid_loop(n, lower, upper) : divided_loop(n, lower, upper);
  if (bound_.count(info.variable)) return walk(n->children[0]);  // collapsed into a loop around
  if (trips.lo == 0 && trips.hi == 0 && (upper - lower).is_constant() && !n->lanes) {
    auto before = bound_;
    bound_[info.variable] = lower;
    walk(n->children[0]);
    bound_ = before;
    return;
  }
  auto note = [&](const std::string& why) {
    std::string line = nasc::text(n->mark) + ": " + why;
    if (std::find(notes.begin(), notes.end(), line) == notes.end()) notes.push_back(line);
  };
  if (n->mark.has(Annotation::vectorize) && traits_.gpu) return thread_loop(n, lower, upper);
  if (n->mark.has(Annotation::vectorize)) {
    std::string why;
    if (!lower.is_constant() || !upper.is_constant()) why = "bounds are not constant: scalar loop";
    else if (upper.constant - lower.constant >= kMaxLanes) why = "more than 64 lanes: scalar loop";
    else if (n->step != 1) why = "step is not 1: scalar loop";
    else if (lane_ >= 0) why = "inside another vectorised loop: unrolled";
    else if (!info.lanes_ok) why = "a loop or condition inside depends on the lane: scalar loop";
    if (why.empty()) {
      lane_ = info.variable;
      lane_lower_ = lower.constant;
      active_ = upper.constant - lower.constant + 1;
      lanes_ = active_ < n->lanes && fills(n->children[0], info.variable) ? n->lanes : active_;
      walk(n->children[0]);
      lane_ = -1;
      lanes_ = active_ = 0;
      splats_.clear();
      return;
    }
    note(why);
  }
  if (llvm::Value* only = selected(n)) {
    llvm::Value *lo = integer(lower), *hi = integer(upper);
    lo = b_.CreateSelect(b_.CreateICmpSGT(only, lo), only, lo);
    hi = b_.CreateSelect(b_.CreateICmpSLT(only, hi), only, hi);
    return runtime_loop(n, lo, hi, true);
  }
  bool unroll = n->mark.has(Annotation::unroll) || (n->mark.has(Annotation::vectorize) && lane_ >= 0);
  if (unroll) {
    bool fits = lower.is_constant() && trips.hi < kMaxUnroll * n->step;
    if (fits) return unrolled(n, lower, upper, trips);
    note("bounds are not constant or above 256: kept as a loop");
  }
  runtime_loop(n, integer(lower), integer(upper), trips.lo < 0);
}

bool Emitter::fills(const NestRef& n, int lane) const {
  if (n->kind == NestNode::user) {
    const Info& info = infos_.at(n.get());
    const Quasi& at = info.offsets[0];
    return info.statement->combine == Combine::assign || (!algebra_.hides(at, lane) && at.coefficient(lane) != 0);
  }
  return std::all_of(n->children.begin(), n->children.end(), [&](const NestRef& c) { return fills(c, lane); });
}

llvm::Value* Emitter::selected(const NestRef& n) {
  if (traits_.gpu || lane_ >= 0 || n->step != 1) return nullptr;
  std::vector<int> inner;  // variables of the loops inside
  NestRef at = n->children[0];
  for (; at->kind != NestNode::user; at = at->children[0]) {
    if (at->kind == NestNode::loop) inner.push_back(infos_.at(at.get()).variable);
    if (at->kind == NestNode::if_ || at->children.size() != 1) return nullptr;
  }
  const Info& info = infos_.at(at.get());
  std::optional<Selection> s = selection(*info.statement);
  if (!s) return nullptr;
  Quasi k = algebra_.substitute(info.iterators[s->iterator], bound_);
  int variable = infos_.at(n.get()).variable;
  if (k.constant != 0 || k.terms.size() != 1 || k.coefficient(variable) != 1) return nullptr;
  inner.push_back(variable);
  bool known = true;
  auto outside = [&](const Quasi& q) {
    for (int v : inner) known = known && !algebra_.depends(q, v);
  };
  visit(s->key, [&](const Expr& e) {
    if (e.fn == Fn::iterator) outside(info.iterators[e.index]);
    if (e.fn == Fn::read) outside(info.offsets[1 + e.index]);
    known = known && !(e.fn == Fn::read && staged(info.statement->reads[e.index].tensor));
  });
  if (!known) return nullptr;
  llvm::Value* key = expression(*s->key, info);
  return key->getType()->isIntegerTy(64) ? key : nullptr;
}

void Emitter::unrolled(const NestRef& n, const Quasi& lower, const Quasi& upper, Range trips) {
  const Info& info = infos_.at(n.get());
  for (int64_t k = 0; k <= trips.hi; k += n->step) {
    Quasi v(lower.constant + k);
    auto body = [&] {
      auto before = bound_;
      bound_[info.variable] = v;
      walk(n->children[0]);
      bound_ = before;
    };
    branch(algebra_.ge(upper - v), body, nullptr);
  }
}

// Part tid of nt of all iterations. Those of collapsed loops inside are counted along: one loop q over all, with the
// variables q / times and, of the innermost, q mod its times.
void Emitter::divided_loop(const NestRef& n, const Quasi& lower, const Quasi& upper) {
  parallel = true;
  const auto& inside = collapsed_[n.get()];
  int64_t times = 1;
  for (const NestNode* loop : inside) times *= infos_.at(loop).upper.constant + 1;
  llvm::Value* lo = integer(lower);
  llvm::Value* trips = b_.CreateAdd(b_.CreateSDiv(b_.CreateSub(integer(upper), lo), b_.getInt64(n->step)), b_.getInt64(1));
  trips = b_.CreateSelect(b_.CreateICmpSLT(integer(upper), lo), b_.getInt64(0), trips);
  if (!inside.empty()) trips = b_.CreateMul(trips, b_.getInt64(times));
  llvm::Value* t = b_.CreateSExt(tid_, b_.getInt64Ty());
  llvm::Value* of = b_.CreateSExt(nt_, b_.getInt64Ty());
  llvm::Value* first = b_.CreateSDiv(b_.CreateMul(trips, t), of);
  llvm::Value* last = b_.CreateSDiv(b_.CreateMul(trips, b_.CreateAdd(t, b_.getInt64(1))), of);
  last = b_.CreateSub(last, b_.getInt64(1));
  Range all = algebra_.range(upper - lower);
  constexpr int64_t kMostPlaces = 1 << 16;
  own_first_ = llvm::isa<llvm::Instruction>(first) ? first : nullptr;
  own_places_ = all.hi < kMostPlaces ? (all.hi / n->step + 1) * times : 0;
  for (const auto& [name, unused] : own_) bases_.erase(name);
  struct Leave {
    llvm::Value*& value;
    ~Leave() { value = nullptr; }
  } leave{own_first_};
  if (inside.empty()) {
    llvm::Value* step = b_.getInt64(n->step);
    return runtime_loop(n, b_.CreateAdd(lo, b_.CreateMul(first, step)), b_.CreateAdd(lo, b_.CreateMul(last, step)), true);
  }
  int variable = infos_.at(n.get()).variable;
  Range counted = algebra_.range((upper - lower + 1) * times - 1); // of an extent that is not known, too
  std::string name = n->variable;
  for (const NestNode* loop : inside) name += "." + loop->variable;
  int all_counted = algebra_.variable(name, {0, counted.hi});
  Quasi q;
  q.terms.emplace_back(all_counted, 1);
  auto before = bound_;
  bound_[variable] = lower + algebra_.floordiv(q, times);
  for (const NestNode* loop : inside) {
    const Info& info = infos_.at(loop);
    int64_t own = info.upper.constant + 1;
    times /= own;
    Quasi passed = times > 1 ? algebra_.floordiv(q, times) : q;
    bound_[info.variable] = algebra_.mod(passed, own);
  }
  runtime_loop(n, first, last, true, nullptr, all_counted);
  bound_ = before;
}

void Emitter::runtime_loop(const NestRef& n, llvm::Value* lower, llvm::Value* upper, bool may_be_empty, llvm::Value* step,
                           int variable) {
  if (variable < 0) variable = infos_.at(n.get()).variable;
  std::string name = n->mark.name.empty() ? n->variable : n->mark.name;
  auto* body = llvm::BasicBlock::Create(context_, name, function_);
  auto* exit = llvm::BasicBlock::Create(context_, name + ".end", function_);
  auto* before = b_.GetInsertBlock();
  if (may_be_empty) b_.CreateCondBr(b_.CreateICmpSLE(lower, upper), body, exit);
  else b_.CreateBr(body);

  b_.SetInsertPoint(body);
  auto* index = b_.CreatePHI(b_.getInt64Ty(), 2, name);
  index->addIncoming(lower, before);
  Elements entering = snapshot(regions_);
  std::vector<std::pair<llvm::PHINode*, std::pair<size_t, int64_t>>> phis;
  llvm::Instruction* last = index;
  for (size_t r = 0; r < regions_.size(); ++r)
    for (auto& [key, v] : regions_[r].elements) {
      auto* phi = b_.CreatePHI(v->getType(), 2);
      phi->addIncoming(v, before);
      phis.push_back({phi, {r, key}});
      v = phi;
      last = phi;
    }
  Frame frame;
  frame.variable = variable;
  frame.block = body;
  frame.last = last;
  frame.atoms[variable] = index;
  frames_.push_back(std::move(frame));
  forget();
  walk(n->children[0]);
  forget();
  frames_.pop_back();

  auto* latch = b_.GetInsertBlock();
  llvm::Value* next = b_.CreateNSWAdd(index, step ? step : b_.getInt64(n->step));
  index->addIncoming(next, latch);
  b_.CreateCondBr(b_.CreateICmpSLE(next, upper), body, exit);
  for (auto& [phi, where] : phis) {
    llvm::Value*& now = regions_[where.first].elements[where.second];
    if (now != phi) {
      phi->addIncoming(now, latch);
      continue;
    }
    llvm::Value* outer = phi->getIncomingValue(0);  // not changed in the loop
    phi->replaceAllUsesWith(outer);
    for (auto& r : regions_)
      for (auto& [key, v] : r.elements)
        if (v == phi) v = outer;
    phi->eraseFromParent();
  }
  b_.SetInsertPoint(exit);
  if (!may_be_empty) return;
  for (size_t r = 0; r < regions_.size(); ++r)
    for (auto& [key, v] : regions_[r].elements) {
      auto it = entering[r].find(key);
      llvm::Value* other = it == entering[r].end() ? llvm::PoisonValue::get(v->getType()) : it->second;
      if (other == v) continue;
      auto* phi = b_.CreatePHI(v->getType(), 2);
      phi->addIncoming(other, before);
      phi->addIncoming(v, latch);
      v = phi;
    }
}

void Emitter::branch(const CondRef& c, const std::function<void()>& then, const std::function<void()>& otherwise) {
  if (c->kind == Cond::always) return then();
  if (c->kind == Cond::never) return otherwise ? otherwise() : void();
  auto* yes = llvm::BasicBlock::Create(context_, "then", function_);
  auto* no = llvm::BasicBlock::Create(context_, "else", function_);
  auto* join = llvm::BasicBlock::Create(context_, "join", function_);
  b_.CreateCondBr(condition(c), yes, no);
  Elements before = snapshot(regions_);
  auto side = [&](llvm::BasicBlock* block, const std::function<void()>& f) {
    for (size_t r = 0; r < regions_.size(); ++r) regions_[r].elements = before[r];
    b_.SetInsertPoint(block);
    forget();
    if (f) f();
    forget();
    auto* end = b_.GetInsertBlock();
    b_.CreateBr(join);
    return std::pair(end, snapshot(regions_));
  };
  auto [then_end, a] = side(yes, then);
  auto [else_end, b] = side(no, otherwise);
  b_.SetInsertPoint(join);
  for (size_t r = 0; r < regions_.size(); ++r) {
    std::set<int64_t> keys;
    for (const auto& e : a[r]) keys.insert(e.first);
    for (const auto& e : b[r]) keys.insert(e.first);
    for (int64_t key : keys) {
      auto x = a[r].find(key), y = b[r].find(key);
      llvm::Type* type = (x != a[r].end() ? x : y)->second->getType();
      llvm::Value* u = x != a[r].end() ? x->second : llvm::PoisonValue::get(type);
      llvm::Value* v = y != b[r].end() ? y->second : llvm::PoisonValue::get(type);
      if (u != v) {
        auto* phi = b_.CreatePHI(type, 2);
        phi->addIncoming(u, then_end);
        phi->addIncoming(v, else_end);
        u = phi;
      }
      regions_[r].elements[key] = u;
    }
  }
}

void Emitter::user(const NestRef& n) {
  const Info& info = infos_.at(n.get());
  if (++instances_ > kMaxInstances) give_up("kernel-too-large", "unrolled beyond 100,000 statement instances");
  const Statement& s = *info.statement;
  if (is_prefetch(s)) {
    llvm::Value* line = address(s.reads[0].tensor, algebra_.substitute(info.offsets[1], bound_));
    constexpr int kSecondCache = 2, kData = 1;
    bool written = std::any_of(program_.statements.begin(), program_.statements.end(),
                               [&](const Statement& other) { return other.write.tensor == s.reads[0].tensor; });
    b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {line->getType()},
                       {line, b_.getInt32(written), b_.getInt32(kSecondCache), b_.getInt32(kData)});
    return;
  }
  DType type = program_.tensor(s.write.tensor).dtype;
  Quasi at = algebra_.substitute(info.offsets[0], bound_);
  if (s.combine == Combine::assign) return store(s.write.tensor, at, expression(*s.body, info));
  Mode m = mode(at);
  if (lane_ < 0 || m == Mode::unit || m == Mode::strided)
    return store(s.write.tensor, at, combined(s, load(s.write.tensor, at), info));
  // Lanes meet in one element: in pairs where the order is free, else one after the other.
  llvm::Value* v = splat(expression(*s.body, info));
  int vectorised = lane_;
  if (m == Mode::uniform && s.reassociable && (lanes_ & (lanes_ - 1)) == 0) {
    for (int width = static_cast<int>(lanes_) / 2; width > 0; width /= 2) {
      std::vector<int> low(width), high(width);
      std::iota(low.begin(), low.end(), 0);
      std::iota(high.begin(), high.end(), width);
      v = combine(s.combine, type, b_.CreateShuffleVector(v, low), b_.CreateShuffleVector(v, high));
    }
    Quasi element = at_lane(at, 0);
    llvm::Value* sum = lane(v, 0);
    lane_ = -1;
    store(s.write.tensor, element, combine(s.combine, type, load(s.write.tensor, element), sum));
    lane_ = vectorised;
    return;
  }
  for (int64_t k = 0; k < lanes_; ++k) {
    Quasi element = at_lane(at, k);
    lane_ = -1;
    store(s.write.tensor, element, combine(s.combine, type, load(s.write.tensor, element), lane(v, k)));
    lane_ = vectorised;
  }
}

}  // namespace nasc
