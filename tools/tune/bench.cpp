// Buffers, threads and clock for kernels loaded by the JIT.
#include "tools/tune/bench.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "codegen/jit.h"
#include "ir/diag.h"
#include "legality/order.h"
#include "tools/in_some_order.h"

namespace nasc {
namespace {
constexpr size_t kLine = 64, kBehind = 4096; // readable bytes after the pool

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

size_t in_lines(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

struct AlignedBytes {
  explicit AlignedBytes(size_t bytes)
      : data(static_cast<char*>(::operator new(in_lines(bytes + kLine), std::align_val_t{kLine}))) {
  }
  ~AlignedBytes() { ::operator delete(data, std::align_val_t{kLine}); }
  AlignedBytes(const AlignedBytes&) = delete;
  char* data;
};

void fill_with_ones(char* data, size_t bytes) {
  uint32_t state = 1;
  for (size_t k = 0; k + 4 <= bytes; k += 4) {
    state = state * 1664525u + 1013904223u;
    float f = 0.5f + static_cast<float>(state >> 8) / static_cast<float>(1u << 24);
    std::memcpy(data + k, &f, 4);
  }
}

} // namespace

WeightPool::WeightPool(size_t bytes) : bytes_(in_lines(std::max<size_t>(bytes, 1 << 20))) {
  void* m =
      mmap(nullptr, bytes_ + kBehind, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (m == MAP_FAILED)
    throw UserError(code::limit, "--tune", "no memory for weights");
  memory_ = static_cast<char*>(m);
  madvise(memory_, bytes_, MADV_HUGEPAGE);
  fill_with_ones(memory_, bytes_ + kBehind);
}
WeightPool::~WeightPool() { munmap(memory_, bytes_ + kBehind); }

void* WeightPool::next(size_t bytes) {
  bytes = in_lines(bytes);
  NASC_CHECK(bytes <= bytes_) << "a weight of " << bytes << " bytes in a pool of " << bytes_;
  if (at_ + bytes > bytes_)
    at_ = 0;
  void* out = memory_ + at_;
  at_ += bytes;
  return out;
}

struct LoadedModule::Impl {
  struct Step {
    const Jit* code;
    bool parallel;
    std::vector<void*> buffers;
    std::vector<std::pair<size_t, size_t>> weights; // place in `buffers`, bytes
  };
  WeightPool& pool;
  std::vector<std::unique_ptr<Jit>> code;
  std::vector<std::unique_ptr<AlignedBytes>> memory;
  std::vector<Step> steps;

  char* allocate(const Tensor& t) {
    auto bytes = static_cast<size_t>(storage_bytes(t).constant());
    memory.push_back(std::make_unique<AlignedBytes>(bytes));
    char* data = memory.back()->data;
    if (is_float(t.dtype))
      fill_with_ones(data, in_lines(bytes));
    else
      std::memset(data, 0, in_lines(bytes)); // indices: the first element
    return data;
  }

  void run(Team& team) {
    for (Step& s : steps) {
      for (auto [place, bytes] : s.weights)
        s.buffers[place] = pool.next(bytes);
      if (s.parallel && team.threads() > 1)
        team.run(s.code->fn(), s.buffers.data());
      else
        s.code->fn()(s.buffers.data(), nullptr, 0, 1);
    }
  }
};

LoadedModule::LoadedModule(const Module& m, WeightPool& pool) : impl_(new Impl{pool, {}, {}, {}}) {
  const Network& n = m.network;
  std::vector<KernelObject> objects;
  for (size_t k = 0; k < n.programs.size(); ++k) {
    Kernel one = kernel(m, static_cast<int>(k));
    Verdict v = judge_order(one);
    if (!v.allowed())
      throw UserError(code::bad_plan, one.program.name, text(v));
    EmitOptions options;
    options.scratch = true;
    std::vector<std::string> refusals; // what is timed is what the compiler makes of them, too
    objects.push_back(emit_in_some_order(one, m.target, text("tuned_", k), options, refusals));
    impl_->code.push_back(std::make_unique<Jit>(objects.back()));
  }
  std::vector<char*> data;
  std::vector<bool> made(n.buffers.size()); // written by this module: no weight
  for (const Call& c : n.calls) {
    const Program& p = *n.programs[c.program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      made[c.args[k]] =
          made[c.args[k]] || (p.phase == Phase::run && p.tensors[bound[k]].role == Role::output);
  }
  for (const Buffer& b : n.buffers)
    data.push_back(b.role == Role::weight && is_float(b.dtype)
                       ? nullptr
                       : impl_->allocate(b)); // else of the pool
  for (const Call& c : n.calls) {
    const Program& p = *n.programs[c.program];
    std::vector<int> bound = Network::bound(p);
    Impl::Step step{impl_->code[c.program].get(), objects[c.program].parallel, {}, {}};
    for (size_t k = 0; k < bound.size(); ++k) {
      const Buffer& b = n.buffers[c.args[k]];
      step.buffers.push_back(data[c.args[k]]);
      // Constants of the model, and what is made of them at create.
      bool created =
          !made[c.args[k]] && std::any_of(n.calls.begin(), n.calls.end(), [&](const Call& other) {
            return n.programs[other.program]->phase == Phase::create &&
                   std::count(other.args.begin(), other.args.end(), c.args[k]) > 0;
          });
      if (p.phase == Phase::run && is_float(b.dtype) && (b.role == Role::weight || created))
        step.weights.emplace_back(k, static_cast<size_t>(storage_bytes(b).constant()));
    }
    for (const Tensor& t : objects[c.program].scratch)
      step.buffers.push_back(impl_->allocate(t));
    if (p.phase == Phase::run)
      impl_->steps.push_back(std::move(step));
  }
}
LoadedModule::~LoadedModule() = default;

bool LoadedModule::parallel() const {
  return std::any_of(impl_->steps.begin(), impl_->steps.end(),
                     [](const auto& s) { return s.parallel; });
}

double LoadedModule::seconds(int calls, Team& team) {
  double begin = now();
  for (int k = 0; k < calls; ++k)
    impl_->run(team);
  return now() - begin;
}

namespace {
// Runs of a sample, once the caches are warm.
int calls_of(LoadedModule& m, Team& team) {
  constexpr double kSample = 100e-6; // seconds at least: far above the clock's grain
  m.seconds(1, team);
  double one = std::min(m.seconds(1, team), m.seconds(1, team));
  return static_cast<int>(std::clamp(kSample / std::max(one, 1e-9), 1.0, 1000.0));
}
} // namespace

double LoadedModule::least_seconds(double turn, Team& team) {
  constexpr int kSamples =
      16; // a team whose threads wait for each other's turns on a busy machine needs time to part
  constexpr double kLimit = 10;
  double begin = now(), least = HUGE_VAL;
  int calls = calls_of(*this, team);
  for (int k = 0; now() - begin < turn || (k < kSamples && now() - begin < kLimit * turn); ++k)
    least = std::min(least, seconds(calls, team) / calls);
  return least;
}

Comparison compare_times(LoadedModule& first, LoadedModule& second, Team& team,
                         const CompareOptions& o) {
  int of_first = calls_of(first, team), of_second = calls_of(second, team);
  std::vector<double> a, b, ratios;
  double begin = now();
  for (int k = 0;; ++k) {
    double spent = now() - begin;
    if ((k >= o.pairs && spent >= o.seconds) || (k >= 3 && spent >= o.limit_seconds))
      break;
    bool swapped = k % 2 != 0; // neither always profits from what the other left in the caches
    double x = 0, y = 0;
    for (bool turn : {swapped, !swapped}) {
      if (turn)
        y = second.seconds(of_second, team) / of_second;
      else
        x = first.seconds(of_first, team) / of_first;
    }
    a.push_back(x);
    b.push_back(y);
    ratios.push_back(y / x);
  }
  auto median = [](std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<long>(v.size() / 2), v.end());
    return v[v.size() / 2];
  };
  return {median(a) * 1e6, median(b) * 1e6, median(ratios)};
}

} // namespace nasc
