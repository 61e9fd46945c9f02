// Buffers and calls of prepared Networks.
#include "ir/prepared.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <unordered_map>

#include "ir/blas.h"
#include "ir/execute_parts.h"
#include "ir/prepared_parts.h"

namespace nasc {
namespace {
// The batch goes innermost: rows of a window are then whole rows of all images.
Strides batch_inside(const std::vector<int64_t>& shape) {
  Strides s = row_major_strides(shape);
  if (shape.size() < 3)
    return s;
  for (int64_t& step : s)
    step *= shape[0];
  s[0] = 1;
  return s;
}

bool covers(const Program& p, const Tensor& t) {
  std::optional<isl::set> written;
  for (const Statement& s : p.statements) {
    if (s.write.tensor != t.name || s.combine != Combine::assign)
      continue;
    isl::set here = s.domain.apply(s.write.map.as_map());
    written = written ? written->unite(here) : here;
  }
  return written && extent_set(t).is_subset(*written);
}

// Counts that are kept as integers and read as floats (the taps of a window inside of its tensor), kept as floats: rows
// work on floats alone.
std::shared_ptr<const Program> float_counts(const std::shared_ptr<const Program>& program) {
  auto out = std::make_shared<Program>(*program);
  bool any = false;
  for (Tensor& t : out->tensors) {
    if (t.role != Role::temp || t.dtype != DType::i64)
      continue;
    std::vector<ExprRef> bodies;
    bool fits = true;
    for (const Statement& s : out->statements) {
      auto of_count = [&](const Expr& e) {
        return e.fn == Fn::read && s.reads[static_cast<size_t>(e.index)].tensor == t.name;
      };
      ExprRef body = rewrite(s.body, [&](const ExprRef& e) {
        bool seen = e->fn == Fn::cast && e->dtype == DType::f32 && of_count(*e->args[0]);
        return seen ? read(e->args[0]->index, DType::f32) : e;
      });
      visit(body, [&](const Expr& e) { fits &= !of_count(e) || e.dtype == DType::f32; });
      if (s.write.tensor == t.name) {
        fits &= body->fn == Fn::constant;
        body = constant(DType::f32, static_cast<double>(body->integer));
      }
      bodies.push_back(body);
    }
    if (!fits)
      continue;
    any = true;
    t.dtype = DType::f32;
    for (size_t k = 0; k < bodies.size(); ++k)
      out->statements[k].body = bodies[k];
  }
  return any ? out : program;
}

using Block = std::vector<float, LineAllocator<float>>;
constexpr size_t kNowhere = SIZE_MAX;

// Memory that is used again, by all Networks of the thread: fresh pages cost as much as the arithmetic of an elementwise
// layer. Taken out while it is used.
Block& arena() {
  thread_local Block a;
  return a;
}
constexpr size_t kLineFloats = 16;

// What holds memory from its first call to its last.
struct Held {
  size_t floats;
  size_t first, last;
  size_t at = 0; // in the arena
};
// Largest first, each as low as those that are alive at the same time allow; returns the size of the arena.
size_t place(std::vector<Held>& all) {
  std::vector<Held*> order, placed; // `placed` by place
  for (Held& h : all)
    order.push_back(&h);
  std::stable_sort(order.begin(), order.end(),
                   [](const Held* a, const Held* b) { return a->floats > b->floats; });
  size_t end = 0;
  for (Held* h : order) {
    h->floats = (h->floats + kLineFloats - 1) / kLineFloats * kLineFloats;
    for (const Held* other : placed) {
      if (other->last < h->first || h->last < other->first)
        continue;
      if (h->at + h->floats <= other->at)
        break;
      h->at = std::max(h->at, other->at + other->floats);
    }
    placed.insert(std::upper_bound(placed.begin(), placed.end(), h,
                                   [](const Held* a, const Held* b) { return a->at < b->at; }),
                  h);
    end = std::max(end, h->at + h->floats);
  }
  return end;
}
} // namespace

struct Prepared::Code {
  std::shared_ptr<const Program> source, program; // the source is kept: it is known by its address
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<int> bound;
  std::vector<size_t> elements; // by tensor
  std::vector<bool> clear;      // by tensor: written in part only

  Code(std::shared_ptr<const Program> p, const std::vector<bool>& plain)
      : source(std::move(p)), program(float_counts(source)), bound(Network::bound(*program)) {
    std::vector<Strides> strides;
    size_t next = 0;
    for (const Tensor& t : program->tensors) {
      std::vector<int64_t> shape = constants(t.shape);
      bool row_major = t.role == Role::temp ? t.dtype != DType::f32 : plain[next++];
      strides.push_back(row_major ? row_major_strides(shape) : batch_inside(shape));
      elements.push_back(
          (static_cast<size_t>(element_count(shape)) * static_cast<size_t>(bytes(t.dtype)) +
           sizeof(float) - 1) /
          sizeof(float));
      clear.push_back((t.role == Role::output || t.role == Role::temp) && !covers(*program, t));
    }
    for (const Statement& s : program->statements) {
      if (s.domain.is_empty())
        continue;
      std::unique_ptr<Step> step = contraction_step(*program, s, strides);
      if (!step)
        step = rows_step(*program, s, strides);
      if (!step)
        step = any_step(*program, s, strides);
      steps.push_back(std::move(step));
    }
  }
  static std::shared_ptr<const Code> of(const std::shared_ptr<const Program>& p,
                                        const std::vector<bool>& plain) {
    thread_local std::unordered_map<std::string, std::shared_ptr<const Code>> known;
    std::string key = text(p.get());
    for (bool b : plain)
      key += b ? '1' : '0';
    auto it = known.find(key);
    if (it == known.end())
      it = known.emplace(key, std::make_shared<Code>(p, plain)).first;
    return it->second;
  }
};

Prepared::~Prepared() = default;
Prepared::Prepared(Prepared&&) noexcept = default;

Prepared::Prepared(Network network) : network_(std::move(network)) {
  const Network& n = network_;
  std::vector<bool> viewed(n.buffers.size(), false);
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    const Buffer& x = n.buffers[b];
    if (x.dtype != DType::f32)
      throw UserError(code::unsupported_type, n.name,
                      text("tensor ", x.name, " is ", name(x.dtype)));
    if (!is_static(x.shape))
      throw UserError(code::unsupported_shape, n.name,
                      "tensor " + x.name + " has a symbolic shape");
    root_.push_back(n.root(static_cast<int>(b)));
    if (root_[b] != static_cast<int>(b))
      viewed[static_cast<size_t>(root_[b])] = true;
  }
  std::set<int> outputs(n.outputs.begin(), n.outputs.end());
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    size_t root = static_cast<size_t>(root_[b]);
    plain_.push_back(n.buffers[root].role != Role::temp || viewed[root] || outputs.count(root_[b]));
  }
  for (const Call& c : n.calls) {
    std::vector<bool> plain;
    for (int a : c.args)
      plain.push_back(plain_[static_cast<size_t>(a)]);
    code_.push_back(Code::of(n.programs[static_cast<size_t>(c.program)], plain));
    for (const auto& step : code_.back()->steps)
      any_thread_ &= step->any_thread();
  }
  place_memory();
}

void Prepared::place_memory() {
  const Network& n = network_;
  std::vector<Held> held;
  std::map<int, size_t> by_root; // in held
  locals_.resize(n.calls.size());
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Code& code = *code_[c];
    size_t next = 0;
    for (size_t t = 0; t < code.program->tensors.size(); ++t) {
      if (code.program->tensors[t].role == Role::temp) {
        locals_[c].push_back(held.size());
        held.push_back({code.elements[t], c, c});
        continue;
      }
      int root = root_[static_cast<size_t>(n.calls[c].args[next++])];
      auto [it, fresh] = by_root.emplace(root, held.size());
      if (fresh)
        held.push_back({code.elements[t], c, c});
      Held& h = held[it->second];
      h.floats = std::max(h.floats, code.elements[t]), h.last = c;
    }
  }
  for (int o : n.outputs)
    if (auto it = by_root.find(root_[static_cast<size_t>(o)]); it != by_root.end())
      held[it->second].last = n.calls.size();
  std::vector<size_t> places(held.size(), kNowhere);
  std::erase_if(by_root, [&](const auto& r) { // bound by callers, or constant
    const Buffer& b = n.buffers[static_cast<size_t>(r.first)];
    return b.role == Role::input || b.role == Role::weight;
  });
  std::vector<Held> ours;
  std::vector<size_t> whose;
  auto take = [&](size_t k) { ours.push_back(held[k]), whose.push_back(k); };
  for (const auto& [root, k] : by_root)
    take(k);
  for (const auto& of_call : locals_)
    std::for_each(of_call.begin(), of_call.end(), take);
  arena_floats_ = place(ours);
  for (size_t k = 0; k < ours.size(); ++k)
    places[whose[k]] = ours[k].at;
  for (auto& of_call : locals_)
    for (size_t& k : of_call)
      k = places[k];
  at_root_.assign(n.buffers.size(), kNowhere);
  for (const auto& [root, k] : by_root)
    at_root_[static_cast<size_t>(root)] = places[k];
}

std::vector<HostTensor> Prepared::run(const std::map<int, const HostTensor*>& bound) const {
  const Network& n = network_;
  Block memory = std::move(arena());
  if (memory.size() < arena_floats_) {
    memory = Block(); // not both at once
    memory.resize(arena_floats_);
  }
  std::vector<float*> at(n.buffers.size(), nullptr);
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    if (root_[b] != static_cast<int>(b))
      continue;
    if (n.buffers[b].payload)
      at[b] = reinterpret_cast<float*>(const_cast<std::byte*>(n.buffers[b].payload.data));
  }
  for (const auto& [b, tensor] : bound) {
    size_t root = static_cast<size_t>(root_[static_cast<size_t>(b)]);
    if (tensor->dtype != DType::f32 ||
        tensor->shape != constants(n.buffers[static_cast<size_t>(b)].shape))
      throw UserError(code::bad_tensor, n.name,
                      "tensor " + n.buffers[static_cast<size_t>(b)].name +
                          " has another type or shape");
    at[root] = const_cast<float*>(tensor->as<float>());
  }
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Call& call = n.calls[c];
    const Code& code = *code_[c];
    auto start = std::chrono::steady_clock::now();
    std::vector<float*> data(code.program->tensors.size(), nullptr);
    size_t next = 0, local = 0;
    for (size_t t = 0; t < data.size(); ++t) {
      Role role = code.program->tensors[t].role;
      if (role == Role::temp) {
        data[t] = memory.data() + locals_[c][local++];
      } else {
        size_t root = static_cast<size_t>(root_[static_cast<size_t>(call.args[next++])]);
        if (!at[root]) {
          if (role != Role::output || at_root_[root] == kNowhere)
            throw UserError(code::bad_tensor, n.name,
                            "tensor " + n.buffers[root].name + " is not bound");
          at[root] = memory.data() + at_root_[root];
        }
        data[t] = at[root];
      }
      if (code.clear[t])
        std::fill_n(data[t], code.elements[t], 0.f);
    }
    for (const auto& step : code.steps)
      step->run(data.data());
    if (trace)
      trace(call, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::vector<HostTensor> outputs;
  for (int o : n.outputs) {
    HostTensor t = zeros(DType::f32, constants(n.buffers[static_cast<size_t>(o)].shape));
    std::copy_n(at[static_cast<size_t>(root_[static_cast<size_t>(o)])], t.count(), t.as<float>());
    outputs.push_back(std::move(t));
  }
  arena() = std::move(memory);
  return outputs;
}

std::string blas_description() { return blas().description; }

} // namespace nasc
