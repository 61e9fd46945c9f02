// run, compare, bench and info of a compiled model.
#include "tools/run_verbs.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "ir/diag.h"
#include "runtime/measure.h"
#include "tools/staging.h"
#include "tools/tensor_file.h"

namespace nasc {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

void write_json(const Json& json, const std::string& path) {
  // names come from the model: bytes that are no UTF-8 become U+FFFD
  std::string bytes = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (path == "-")
    fmt::print("{}", bytes);
  else
    write_atomically(path, bytes);
}

void print_tensor(const std::string& label, const HostTensor& t) {
  constexpr int64_t kShown = 64;
  std::string shape;
  for (int64_t e : t.shape)
    shape += text(shape.empty() ? "" : ", ", e);
  fmt::print("{} {}[{}]", escaped(label), name(t.dtype), shape);
  for (int64_t i = 0; i < std::min(t.count(), kShown); ++i)
    fmt::print(" {:.9g}", get(t, i));
  fmt::print("{}\n", t.count() > kShown ? " ..." : "");
}

Json io_json(const nasc_io& io) {
  Json dims = Json::array();
  for (int32_t d = 0; d < io.rank; ++d) {
    if (io.dims[d].extent >= 0)
      dims.push_back(io.dims[d].extent);
    else
      dims.push_back(io.dims[d].symbol ? io.dims[d].symbol : "?");
  }
  return {{"name", io.name},
          {"type", name(static_cast<DType>(io.dtype))},
          {"shape", dims},
          {"data_dependent", (io.flags & NASC_IO_DATA_DEPENDENT) != 0}};
}

Json info_json(const nasc_info& i) {
  Json out{{"model", i.model},       {"prefix", i.prefix}, {"abi", i.abi},
           {"compiler", i.compiler}, {"triple", i.triple}, {"cpu", i.cpu}};
  out["features"] = std::vector<std::string>(i.features, i.features + i.n_features);
  out["opt_level"] = i.opt_level;
  out["inputs"] = Json::array();
  out["outputs"] = Json::array();
  for (int32_t k = 0; k < i.n_inputs; ++k)
    out["inputs"].push_back(io_json(i.inputs[k]));
  for (int32_t k = 0; k < i.n_outputs; ++k)
    out["outputs"].push_back(io_json(i.outputs[k]));
  out["kernels"] = i.n_kernels;
  out["opaque_calls"] = i.n_opaque_calls;
  out["weights_bytes"] = i.weights_bytes;
  out["weights_hash"] = fmt::format("{:016x}", i.weights_hash);
  out["state_bytes"] = i.state_bytes;
  out["arena_bytes"] = i.arena_bytes;
  out["neural"] = i.neural ? i.neural : "";
  out["plan"] = i.plan ? i.plan : "";
  return out;
}

} // namespace

int run_verb(const RunOptions& o) {
  Runner runner(Model(o.library), {.threads = o.threads});
  const nasc_info& info = runner.model().info();
  std::vector<HostTensor> inputs = make_inputs(info, o.inputs, o.library);
  std::vector<HostTensor> outputs = runner.run(inputs);
  std::set<std::string> used;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const char* label = info.outputs[k].name;
    if (o.print || o.output_directory.empty())
      print_tensor(label, outputs[k]);
    if (o.output_directory.empty())
      continue;
    std::error_code error;
    fs::create_directories(o.output_directory, error);
    std::string stem = file_stem(label), unique = stem;
    for (int n = 1; !used.insert(unique).second; ++n)
      unique = text(stem, "_", n);
    write_atomically(o.output_directory + "/" + unique + ".npy", npy_bytes(outputs[k]));
  }
  return 0;
}

int compare_verb(const RunOptions& o) {
  Runner runner(Model(o.library), {.threads = o.threads});
  const nasc_info& info = runner.model().info();
  bool all = true;
  for (const std::string& set : data_sets(o.data)) {
    std::vector<HostTensor> inputs = read_data_set(set, "input"),
                            references = read_data_set(set, "output");
    std::vector<HostTensor> outputs = runner.run(inputs);
    if (references.size() > outputs.size() || references.empty())
      throw UserError(
          code::bad_tensor, set,
          text(references.size(), " reference outputs, the model has ", outputs.size()));
    for (size_t k = 0; k < references.size(); ++k) {
      Difference d = compare(outputs[k], references[k], o.tolerance);
      fmt::print("{} {}: {}  max abs {:.3g}  rel {:.3g}  ulp {:.3g}  rms {:.3g}  of {} elements",
                 fs::path(set).filename().string(), escaped(info.outputs[k].name),
                 d.equal ? "ok" : "DIFFERS", d.max_absolute, d.max_relative, d.max_ulp,
                 d.relative_rms, d.count);
      if (!d.equal)
        fmt::print("; {} wrong, {}", d.wrong, d.why);
      fmt::print("\n");
      all &= d.equal;
    }
  }
  return static_cast<int>(all ? Exit::ok : Exit::mismatch);
}

int bench_verb(const RunOptions& o) {
  Runner runner(Model(o.library), {.threads = o.threads});
  std::vector<HostTensor> inputs = make_inputs(runner.model().info(), o.inputs, o.library);
  std::vector<HostTensor> outputs = runner.make_outputs(inputs);
  MeasureOptions how;
  how.warm_calls = o.warmup;
  how.calls = o.repeat;
  how.seconds = o.min_seconds;
  Timing t = measure([&] { runner.run_into(inputs, outputs); }, how);
  if (o.json != "-")
    fmt::print("min {:.4f} ms  median {:.4f} ms  p90 {:.4f} ms  p99 {:.4f} ms  ({} runs, {})\n",
               t.min_ms, t.median_ms, t.p90_ms, t.p99_ms, t.calls,
               o.threads ? text(o.threads, " threads") : "default threads");
  if (!o.json.empty())
    write_json({{"model", runner.model().info().model},
                {"library", o.library},
                {"min_ms", t.min_ms},
                {"median_ms", t.median_ms},
                {"p90_ms", t.p90_ms},
                {"p99_ms", t.p99_ms},
                {"mean_ms", t.mean_ms},
                {"threads", o.threads},
                {"repeat", t.calls}},
               o.json);
  if (o.verbose) {
    std::vector<std::pair<std::string, double>> steps;
    Runner traced(Model(o.library),
                  {.threads = o.threads, .trace = [&](int, const char* step, double seconds) {
                     steps.emplace_back(step, seconds);
                   }});
    traced.run_into(inputs, outputs);
    steps.clear();
    traced.run_into(inputs, outputs);
    std::sort(steps.begin(), steps.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [step, seconds] : steps)
      fmt::print("{:10.4f} ms  {}\n", seconds * 1e3, escaped(step));
  }
  return 0;
}

int info_verb(const RunOptions& o) {
  Model model(o.library);
  const nasc_info& i = model.info();
  if (!o.json.empty()) {
    write_json(info_json(i), o.json);
    return 0;
  }
  std::string features;
  for (int32_t k = 0; k < i.n_features; ++k)
    features += text(k ? " " : "", i.features[k]);
  fmt::print(
      "model     {}\nprefix    {}\ncompiler  {}, -O{}, ABI {}\ntarget    {} {}\nfeatures  {}\n",
      escaped(i.model), i.prefix, i.compiler, i.opt_level, i.abi, i.triple, i.cpu, features);
  for (int32_t k = 0; k < i.n_inputs; ++k)
    fmt::print("input     {} {}\n", escaped(i.inputs[k].name), shape_text(i.inputs[k]));
  for (int32_t k = 0; k < i.n_outputs; ++k)
    fmt::print("output    {} {}\n", escaped(i.outputs[k].name), shape_text(i.outputs[k]));
  fmt::print(
      "kernels   {}\nopaque    {} calls\nweights   {} bytes, hash {:016x}\nstate     {} bytes\n",
      i.n_kernels, i.n_opaque_calls, i.weights_bytes, i.weights_hash, i.state_bytes);
  fmt::print("arena     {}\n",
             i.arena_bytes < 0 ? "depends on the shapes" : text(i.arena_bytes, " bytes"));
  if (i.neural && *i.neural) {
    std::string steps = i.neural; // one per line
    fmt::print("neural: {} steps, which change what the model computes\n{}\n",
               1 + std::count(steps.begin(), steps.end(), '\n'), steps);
  }
  if (o.verbose)
    fmt::print("plan\n{}\n", i.plan ? i.plan : "");
  return 0;
}

} // namespace nasc
