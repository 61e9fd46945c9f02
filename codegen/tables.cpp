// Writes the tables; the struct types here have the fields of abi.h in order, whose asserts state the sizes.
#include "codegen/tables.h"

#include <algorithm>
#include <cstdio>

namespace nasc {
namespace {

constexpr const char* kTypes = R"(
%size = type { i64, i32, i32 }
%param = type { ptr, i64, i64, i32, i32 }
%buffer = type { i32, i32, %size, %size, %size }
%step = type { ptr, ptr, ptr, i32, i32, i32, i32 }
%slot = type { ptr, i32, i32, [6 x ptr] }
%dim = type { i64, ptr }
%io = type { ptr, ptr, i32, i32, i32, i32 }
%info = type { i32, i32, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, i64, i64, i64, i64, i32, i32, i32, i32, i32, i32, ptr, [7 x ptr] }
%api = type { i32, i32, ptr, ptr, ptr, ptr, ptr, ptr, ptr, [4 x ptr] }
%desc = type { i32, i32, %api, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, %size, i64, i32, i32, i32, i32, i32, i32, i64, i32, i32, i32, i32, [5 x ptr] }
@slot = internal global %slot zeroinitializer
)";

struct Writer {
  std::string globals;
  int next = 0;

  std::string bytes(const std::string& s) {
    std::string escaped;
    char hex[8];
    for (unsigned char c : s) {
      if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') escaped += static_cast<char>(c);
      else std::snprintf(hex, sizeof hex, "\\%02X", c), escaped += hex;
    }
    std::string name = "@s" + std::to_string(next++);
    globals += text(name, " = private unnamed_addr constant [", s.size() + 1, " x i8] c\"", escaped, "\\00\"\n");
    return name;
  }
  // "null" for an empty list.
  std::string list(const std::string& type, const std::vector<std::string>& rows) {
    if (rows.empty()) return "null";
    std::string name = "@a" + std::to_string(next++);
    globals += text(name, " = internal constant [", rows.size(), " x ", type, "] [");
    for (size_t i = 0; i < rows.size(); ++i) globals += (i ? ",\n  " : "\n  ") + type + " " + rows[i];
    globals += "]\n";
    return name;
  }
};

std::string size_of(const Extent& e, ValueTable& values) {
  if (e.is_constant()) return text("{ i64 ", e.constant(), ", i32 -1, i32 0 }");
  return text("{ i64 0, i32 ", values.add(e), ", i32 0 }");
}

std::string io(Writer& w, const Buffer& b, ValueTable& values) {
  std::vector<std::string> dims;
  for (const Extent& e : b.shape) {
    if (e.is_constant()) dims.push_back(text("{ i64 ", e.constant(), ", ptr null }"));
    else {
      auto known = values.index().find(e.text());
      int index = known != values.index().end() ? known->second : values.add(e);
      dims.push_back(text("{ i64 ", -1 - index, ", ptr ", w.bytes(e.text()), " }"));
    }
  }
  std::string list = w.list("%dim", dims);
  return text("{ ptr ", w.bytes(b.original.empty() ? b.name : b.original), ", ptr ", list, ", i32 ",
              static_cast<int>(b.dtype), ", i32 ", b.rank(), ", i32 0, i32 0 }");
}

struct Entry {
  const char* name;
  const char* result;
  const char* parameters;  // types and names
  const char* call;        // of the generic entry
};
constexpr Entry kEntries[] = {
    {"create", "i32", "ptr %o, ptr %h", "@nasc_embed_create(ptr @desc, ptr %o, ptr %h)"},
    {"run", "i32", "ptr %h, ptr %i, ptr %o", "@nasc_embed_run(ptr %h, ptr %i, ptr %o)"},
    {"shapes", "i32", "ptr %h, ptr %i, ptr %e", "@nasc_embed_shapes(ptr %h, ptr %i, ptr %e)"},
    {"destroy", "i32", "ptr %h", "@nasc_embed_destroy(ptr %h)"},
    {"message", "ptr", "ptr %h", "@nasc_embed_message(ptr %h)"},
};
}  // namespace

std::vector<std::string> exported_symbols(const std::string& prefix) {
  // nasc_pool_v1 must stay visible: the loader makes it one per process and keeps the library of its threads loaded.
  std::vector<std::string> out = {"nasc_model_query", "nasc_pool_v1", prefix + "_info", prefix + "_query"};
  for (const Entry& e : kEntries) out.push_back(prefix + "_" + e.name);
  return out;
}

std::string tables_ir(const Network& n, const ArenaPlan& arena, ValueTable& values, const std::vector<StepInfo>& steps,
                      const Target& target, const TableOptions& o) {
  Writer w;
  std::vector<std::string> buffers, inputs, outputs, features, create, run;
  for (const Placement& p : arena.buffers) {
    bool caller = p.kind == Placement::input || p.kind == Placement::output;
    static constexpr int kKinds[] = {0, 1, 2, 3, 4};  // Placement::Kind -> nasc_buffer_kind
    buffers.push_back(text("{ i32 ", kKinds[p.kind], ", i32 ", p.index, ", %size ", size_of(p.offset, values),
                           ", %size ", size_of(caller ? Extent(0) : p.bytes, values), ", %size ", size_of(p.slice, values), " }"));
  }
  for (int b : n.inputs) inputs.push_back(io(w, n.buffers[b], values));
  for (int b : n.outputs) outputs.push_back(io(w, n.buffers[b], values));
  for (const auto& f : o.features) features.push_back(w.bytes(f));
  std::map<std::string, bool> kernels;
  for (const StepInfo& s : steps) {
    kernels[s.symbol] = true;
    std::vector<std::string> ids;
    for (int b : s.buffers) ids.push_back(std::to_string(b));
    int flags = (s.parallel ? 1 : 0) | (s.barrier ? 2 : 0) | (s.round_start >= 0 ? 8 : 0);
    int control = s.round_end ? 3 : 0;  // NASC_CONTROL_NEXT_ROUND
    std::string id_list = w.list("i32", ids);
    (s.create ? create : run)
        .push_back(text("{ ptr @", s.symbol, ", ptr ", id_list, ", ptr ", w.bytes(s.name), ", i32 ", s.buffers.size(),
                        ", i32 ", flags, ", i32 ", control, ", i32 ", std::max(0, s.round_start), " }"));
  }
  std::string buffer_list = w.list("%buffer", buffers), create_list = w.list("%step", create),
              run_list = w.list("%step", run), input_list = w.list("%io", inputs),
              output_list = w.list("%io", outputs), feature_list = w.list("ptr", features);
  std::string arena_size = size_of(arena.arena_bytes, values);
  std::vector<std::string> params;  // after the last values.add
  for (const auto& p : values.parameters())
    params.push_back(text("{ ptr ", w.bytes(p.name), ", i64 0, i64 ", INT64_MAX, ", i32 ", p.input, ", i32 ", p.dim, " }"));
  std::string param_list = w.list("%param", params);
  std::string evaluate = values.evaluate_ir();

  int64_t state = arena.state_bytes.constant();
  int round_value = o.round_parameter.empty() ? 0 : values.index().at(o.round_parameter);
  int64_t arena_constant = arena.arena_bytes.is_constant() ? arena.arena_bytes.constant() : -1;
  std::string out = kTypes;
  for (const auto& [symbol, unused] : kernels) out += "declare void @" + symbol + "(ptr, ptr, i32, i32)\n";
  out += "declare i32 @nasc_embed_create(ptr, ptr, ptr)\ndeclare i32 @nasc_embed_run(ptr, ptr, ptr)\n"
         "declare i32 @nasc_embed_shapes(ptr, ptr, ptr)\ndeclare i32 @nasc_embed_destroy(ptr)\n"
         "declare ptr @nasc_embed_message(ptr)\ndeclare ptr @nasc_embed_status_text(i32)\n"
         "declare ptr @nasc_embed_query(ptr, i32)\n";
  if (!o.weights_symbol.empty()) out += "@" + o.weights_symbol + " = external hidden constant i8\n";
  std::string strings[] = {w.bytes(o.model),   w.bytes(o.prefix), w.bytes(o.compiler), w.bytes(target.triple),
                           w.bytes(target.cpu), w.bytes(o.plan),   w.bytes(o.neural),
                           w.bytes(o.costs)};
  std::string weights_file = o.weights_file.empty() ? "null" : w.bytes(o.weights_file);
  out += w.globals;
  out += text("@info = internal constant %info { i32 208, i32 1, ptr ", strings[0], ", ptr ", strings[1], ", ptr ",
              strings[2], ", ptr ", strings[3], ", ptr ", strings[4], ", ptr ", feature_list, ", ptr ", input_list,
              ", ptr ", output_list, ", ptr ", strings[5], ", ptr ", strings[6], ", i64 ",
              static_cast<int64_t>(o.weights_hash), ", i64 ", arena.weight_bytes, ", i64 ", state, ", i64 ",
              arena_constant, ", i32 ", features.size(), ", i32 ", inputs.size(), ", i32 ", outputs.size(), ", i32 ",
              o.opt_level, ", i32 ", kernels.size(), ", i32 0, ptr ", strings[7], ", [7 x ptr] zeroinitializer }\n");
  auto entry = [&](const char* name) { return " ptr @" + o.prefix + "_" + name; };
  out += "@desc = internal constant %desc { i32 288, i32 1, %api { i32 96, i32 1, ptr @info," + entry("create") + "," +
         entry("run") + "," + entry("shapes") + "," + entry("destroy") + "," + entry("message") +
         ", ptr @nasc_embed_status_text, [4 x ptr] zeroinitializer }, ptr @info, ptr " + param_list + ", ptr " +
         (evaluate.empty() ? "null" : "@nasc_evaluate") + ", ptr " + buffer_list + ", ptr " + create_list + ", ptr " +
         run_list + ", ptr " + (o.weights_symbol.empty() ? "null" : "@" + o.weights_symbol) + ", ptr " + weights_file +
         ", ptr @slot, %size " + arena_size +
         text(", i64 ", create.empty() ? 0 : std::max<int64_t>(arena_constant, 0), ", i32 ",
              values.parameters().size(), ", i32 ", values.size(), ", i32 ", buffers.size(), ", i32 ", create.size(),
              ", i32 ", run.size(), ", i32 ", o.max_threads, ", i64 ", o.round_slices, ", i32 ", round_value,
              ", i32 ", o.worth_value, ", i32 ", o.keep_denormals ? 1 : 0, ", i32 0, [5 x ptr] zeroinitializer }\n");
  out += evaluate;
  for (const Entry& e : kEntries)
    out += text("define ", e.result, " @", o.prefix, "_", e.name, "(", e.parameters, ") {\n  %r = call ", e.result, " ",
                e.call, "\n  ret ", e.result, " %r\n}\n");
  out += "define ptr @" + o.prefix + "_info() {\n  ret ptr @info\n}\n";
  for (const std::string& name : {std::string("nasc_model_query"), o.prefix + "_query"})
    out += "define ptr @" + name + "(i32 %abi) {\n  %r = call ptr @nasc_embed_query(ptr @desc, i32 %abi)\n  ret ptr %r\n}\n";
  return out;
}

namespace {
struct Touch {
  Placement where;
  bool write, parallel;
};

bool overlap(const Placement& a, const Placement& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Placement::input || a.kind == Placement::output) return a.index == b.index;
  if (!a.offset.is_constant() || !b.offset.is_constant() || !a.bytes.is_constant() || !b.bytes.is_constant())
    return true;
  int64_t x = a.offset.constant(), y = b.offset.constant();
  return x < y + b.bytes.constant() && y < x + a.bytes.constant();
}
}  // namespace

void place_barriers(const Network& n, const ArenaPlan& arena, std::vector<StepInfo>& steps) {
  std::vector<Touch> since;  // the last barrier
  for (size_t s = 0; s < steps.size(); ++s) {
    StepInfo& step = steps[s];
    const Program& p = *n.programs[n.calls[s].program];
    std::vector<int> bound = Network::bound(p);
    std::vector<Touch> now;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Placement& where = arena.buffers[n.calls[s].args[k]];
      if (where.kind == Placement::weight || where.kind == Placement::input) continue;
      now.push_back({where, p.tensors[bound[k]].role == Role::output, step.parallel});
    }
    for (size_t k = bound.size(); k < step.buffers.size(); ++k)  // scratch
      now.push_back({arena.buffers[step.buffers[k]], true, step.parallel});
    step.barrier = std::any_of(now.begin(), now.end(), [&](const Touch& a) {
      return std::any_of(since.begin(), since.end(), [&](const Touch& b) {
        return (a.write || b.write) && (a.parallel || b.parallel) && overlap(a.where, b.where);
      });
    });
    if (step.barrier) since.clear();
    since.insert(since.end(), now.begin(), now.end());
  }
}

}  // namespace nasc
