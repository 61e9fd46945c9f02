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

// Memory that is used again: fresh pages cost as much as the arithmetic of an elementwise layer.
struct Pool {
  std::multimap<size_t, std::unique_ptr<Block>> free;
  std::unique_ptr<Block> take(size_t n) {
    auto it = free.lower_bound(n);
    if (it == free.end() || it->first > 2 * n + 1024)
      return std::make_unique<Block>(n);
    auto out = std::move(it->second);
    free.erase(it);
    return out;
  }
  void give(std::unique_ptr<Block> b) {
    size_t n = b->size();
    free.emplace(n, std::move(b));
  }
};
Pool& pool() {
  thread_local Pool p;
  return p;
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
  std::map<int, size_t> last;
  for (size_t c = 0; c < n.calls.size(); ++c)
    for (int a : n.calls[c].args)
      last[root_[static_cast<size_t>(a)]] = c;
  for (int o : n.outputs)
    last.erase(root_[static_cast<size_t>(o)]);
  dead_after_.resize(n.calls.size());
  for (auto [root, c] : last)
    dead_after_[c].push_back(root);
  for (const Call& c : n.calls) {
    std::vector<bool> plain;
    for (int a : c.args)
      plain.push_back(plain_[static_cast<size_t>(a)]);
    code_.push_back(Code::of(n.programs[static_cast<size_t>(c.program)], plain));
    for (const auto& step : code_.back()->steps)
      any_thread_ &= step->any_thread();
  }
}

std::vector<HostTensor> Prepared::run(const std::map<int, const HostTensor*>& bound) const {
  const Network& n = network_;
  std::map<int, std::unique_ptr<Block>> memory; // by root
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
    std::vector<std::unique_ptr<Block>> local;
    size_t next = 0;
    for (size_t t = 0; t < data.size(); ++t) {
      Role role = code.program->tensors[t].role;
      if (role == Role::temp) {
        local.push_back(pool().take(code.elements[t]));
        data[t] = local.back()->data();
      } else {
        size_t root = static_cast<size_t>(root_[static_cast<size_t>(call.args[next++])]);
        if (!at[root]) {
          if (role != Role::output)
            throw UserError(code::bad_tensor, n.name,
                            "tensor " + n.buffers[root].name + " is not bound");
          auto block = pool().take(code.elements[t]);
          at[root] = block->data();
          memory[static_cast<int>(root)] = std::move(block);
        }
        data[t] = at[root];
      }
      if (code.clear[t])
        std::fill_n(data[t], code.elements[t], 0.f);
    }
    for (const auto& step : code.steps)
      step->run(data.data());
    for (auto& block : local)
      pool().give(std::move(block));
    for (int root : dead_after_[c]) {
      auto it = memory.find(root);
      if (it == memory.end())
        continue;
      pool().give(std::move(it->second));
      memory.erase(it);
      at[static_cast<size_t>(root)] = nullptr;
    }
    if (trace)
      trace(call, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::vector<HostTensor> outputs;
  for (int o : n.outputs) {
    HostTensor t = zeros(DType::f32, constants(n.buffers[static_cast<size_t>(o)].shape));
    std::copy_n(at[static_cast<size_t>(root_[static_cast<size_t>(o)])], t.count(), t.as<float>());
    outputs.push_back(std::move(t));
  }
  for (auto& [root, block] : memory)
    pool().give(std::move(block));
  return outputs;
}

std::string blas_description() { return blas().description; }

} // namespace nasc
