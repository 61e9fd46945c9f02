// Assembles and links a compiled model.
#include "codegen/library.h"

#include <llvm/MC/MCSubtargetInfo.h>

#include <cctype>
#include <map>
#include <mutex>
#include <set>

#include "codegen/cost_table.h"
#include "codegen/elf_blob.h"
#include "codegen/link.h"
#include "codegen/native.h"
#include "codegen/tables.h"
#include "polyhedral/transformation.h"
#include "runtime/embed/bitcode.h"

namespace nasc {
namespace {
constexpr const char* kWeightsSymbol = "nasc_weights";

std::string architecture(const Target& target) { return target.triple.substr(0, target.triple.find('-')); }

// Steps of the plan that change what the model computes, one per line.
std::string neural_steps(const std::string& plan) {
  std::string out;
  if (plan.empty()) return out;
  for (const Step& step : parse_plan(plan, "plan").network) {
    const auto* t = find_registered<Transformation>(step.transformation);
    if (t && t->kind == Kind::neural) out += (out.empty() ? "" : "\n") + text(step);
  }
  return out;
}

// Instruction sets that the code may use and the runtime can check.
std::vector<std::string> checked_features(const Target& target) {
  auto machine = target_machine(target);
  std::vector<std::string> out;
  for (const auto& feature : machine->getMCSubtargetInfo()->getEnabledProcessorFeatures()) {
    std::string name = feature.Key;
    if (embed_checks_feature(architecture(target), name)) out.push_back(name);
  }
  return out;
}

// What runs before the processor check, or is not hot, must run on any processor of the architecture.
Target baseline(Target target) {
  target.cpu = architecture(target) == "x86_64" ? "x86-64" : "generic";
  target.features.clear();
  return target;
}

// Made once per target and process: searches and test suites link many libraries.
const std::vector<char>& runtime_bytes(const Target& target) {
  static std::mutex mutex;
  static std::map<std::string, std::vector<char>> made;
  std::lock_guard hold(mutex);
  std::vector<char>& bytes = made[target.triple];
  if (!bytes.empty()) return bytes;
  std::string_view bitcode = embed_bitcode(architecture(target));
  if (bitcode.empty()) throw UserError(code::unsupported_target, "--mtriple", "no runtime for " + target.triple);
  llvm::LLVMContext context;
  auto module = parse_bitcode(context, bitcode);
  return bytes = object_code(*module, baseline(target));
}

std::string runtime_object(const Target& target, const std::string& directory) {
  const std::vector<char>& object = runtime_bytes(target);
  std::string path = directory + "/runtime.o";
  write_file(path, object.data(), object.size());
  return path;
}
}  // namespace

std::string identifier(const std::string& text) {
  std::string out;
  for (unsigned char c : text) out += std::isalnum(c) && c < 0x80 ? static_cast<char>(c) : '_';
  if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0]))) out = "m" + out;
  return out;
}

std::string header_text(const Network& n, const LibraryOptions& o) {
  std::string out(embed_public_header());
  std::string guard = "NASC_MODEL_" + o.prefix + "_H";
  out += "\n#ifndef " + guard + "\n#define " + guard + "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  auto describe = [&](const char* kind, const std::vector<int>& list) {
    for (size_t k = 0; k < list.size(); ++k) {
      const Buffer& b = n.buffers[list[k]];
      std::string original = escaped(b.original);
      for (size_t at; (at = original.find("*/")) != std::string::npos;) original.replace(at, 2, "* /");
      out += text("/* ", kind, " ", k, ": ", original, ": ", name(b.dtype), text(b.shape), " */\n");
    }
  };
  describe("input", n.inputs);
  describe("output", n.outputs);
  out += "nasc_status " + o.prefix + "_create(const nasc_options* options, nasc_handle** handle);\n"
         "nasc_status " + o.prefix + "_run(nasc_handle* handle, const nasc_tensor* inputs, const nasc_tensor* outputs);\n"
         "nasc_status " + o.prefix + "_shapes(nasc_handle* handle, const nasc_tensor* inputs, int64_t* const* extents);\n"
         "nasc_status " + o.prefix + "_destroy(nasc_handle* handle);\n"
         "const char* " + o.prefix + "_message(const nasc_handle* handle);\n"
         "const nasc_info* " + o.prefix + "_info(void);\n"
         "const nasc_model_api* " + o.prefix + "_query(uint32_t abi);\n"
         "const nasc_model_api* nasc_model_query(uint32_t abi);\n\n";
  return out + "#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

WrittenWeights write_weights(const Network& n, const Target& target, const LibraryOptions& o,
                             const std::string& directory) {
  std::vector<Chunk> chunks;
  for (const Buffer& b : n.buffers) {
    if (b.role != Role::weight || b.alias_of >= 0) continue;
    size_t size = is_row_major(b) ? b.payload.size : static_cast<size_t>(storage_bytes(b).constant());
    chunks.push_back({size, [&b] { return packed(b); }});
  }
  WrittenWeights out;
  out.bytes = blob_bytes(chunks);
  if (out.bytes == 0) return out;
  bool beside = out.bytes > o.side_file_threshold;
  std::string& path = beside ? out.side_file : out.object;
  path = directory + (beside ? "/" + o.stem + ".weights" : "/weights.o");
  WrittenBlob blob = beside ? write_blob_file(path, chunks) : write_blob_object(path, target, kWeightsSymbol, chunks);
  if (!blob.problem.empty()) throw UserError(code::cannot_create, path, blob.problem);
  out.hash = blob.hash;
  return out;
}

void prepare_runtime(const Target& target) {
  if (!embed_bitcode(architecture(target)).empty()) runtime_bytes(target);
}

LibraryFiles write_library(const Module& module, const std::vector<CompiledKernel>& kernels, ValueTable& values,
                           const LibraryOptions& o, const std::string& directory) {
  Network n = module.network;  // and the scratch buffers of each call
  NASC_CHECK(kernels.size() == n.programs.size()) << "a kernel per program";
  std::vector<Cost> costs;  // by program
  for (const auto& p : n.programs) costs.push_back(cost_of(*p));
  Rounds rounds = plan_rounds(module.network, module.target);
  std::vector<Cost> shared;  // of the run steps that threads divide, each time that they do
  std::vector<StepInfo> steps;
  std::vector<std::vector<int>> scratch;
  for (const Call& call : n.calls) {
    const CompiledKernel& k = kernels[call.program];
    bool divided = k.parallel && (o.divide_all || worth_dividing(costs[call.program], module.target));
    if (divided && n.programs[call.program]->phase == Phase::run) {
      Cost each = costs[call.program];
      if (rounds.span_of(static_cast<int>(steps.size()))) each = {in_a_round(each.flops, rounds), in_a_round(each.bytes, rounds), each.whole};
      shared.push_back(std::move(each));
    }
    StepInfo step{k.symbol, call.name, call.args, divided, false, n.programs[call.program]->phase == Phase::create};
    scratch.emplace_back();
    for (const Tensor& t : k.scratch) {
      Buffer b;
      static_cast<Tensor&>(b) = t;
      scratch.back().push_back(static_cast<int>(n.buffers.size()));
      step.buffers.push_back(scratch.back().back());
      n.buffers.push_back(std::move(b));
    }
    steps.push_back(std::move(step));
  }
  int run_steps = 0;
  for (size_t c = 0; c < steps.size(); run_steps += !steps[c++].create)
    if (const Rounds::Span* span = rounds.span_of(static_cast<int>(c))) {
      steps[c].round_start = run_steps - (static_cast<int>(c) - span->first);
      steps[c].round_end = static_cast<int>(c) == span->last;
    }
  ArenaPlan arena = plan_arena(n, scratch, rounds);
  place_barriers(n, arena, steps);

  LibraryFiles files;
  TableOptions t;
  t.prefix = o.prefix;
  t.model = n.name;
  t.compiler = o.compiler;
  t.plan = o.plan;
  t.neural = neural_steps(o.plan);
  t.opt_level = o.opt_level;
  t.max_threads = o.max_threads;
  t.keep_denormals = o.keep_denormals;
  t.round_parameter = rounds.parameter;
  t.round_slices = rounds.slices;
  t.features = checked_features(module.target);

  for (const Call& call : n.calls)
    if (const Program& p = *n.programs[call.program]; p.phase == Phase::run)
      t.costs += text(p.name, " ", costs[call.program].flops.text(), "; ", costs[call.program].bytes.text(), "\n");
  if (auto worth = o.divide_all ? std::nullopt : worth_threads(shared, module.target); worth && !worth->is_constant()) t.worth_value = values.add(*worth) + 1;

  std::vector<std::string> objects;
  WrittenWeights weights = o.weights ? *o.weights : write_weights(n, module.target, o, directory);
  NASC_CHECK(weights.bytes == arena.weight_bytes) << "weights do not fit their places";
  t.weights_hash = weights.hash;
  if (!weights.object.empty()) {
    t.weights_symbol = kWeightsSymbol;
    objects.push_back(weights.object);
  }
  if (!weights.side_file.empty()) {
    files.weights = weights.side_file;
    t.weights_file = o.stem + ".weights";
  }
  std::vector<Payload> sources;
  for (const Buffer& b : n.buffers) sources.push_back(b.payload);

  std::set<std::string> written;
  for (const CompiledKernel& k : kernels) {
    if (!written.insert(k.symbol).second) continue;
    std::string path = directory + "/" + k.symbol + ".o";
    write_file(path, k.object.data(), k.object.size());
    objects.push_back(path);
  }
  {
    llvm::LLVMContext context;
    auto tables = parse_ir(context, tables_ir(n, arena, values, steps, module.target, t));
    std::vector<char> object = object_code(*tables, baseline(module.target));
    write_file(directory + "/tables.o", object.data(), object.size());
    objects.push_back(directory + "/tables.o");
  }
  objects.push_back(runtime_object(module.target, directory));

  files.library = directory + "/" + o.stem + ".so";
  link_shared(objects, exported_symbols(o.prefix), files.library, o.stem + ".so", module.target, directory, sources);
  files.header = directory + "/" + o.stem + ".h";
  std::string header = header_text(n, o);
  write_file(files.header, header.data(), header.size());
  return files;
}

}  // namespace nasc
