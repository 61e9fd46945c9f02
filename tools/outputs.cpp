// Naming of outputs, and the one commit at the end.
#include "tools/outputs.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "codegen/combine.h"
#include "codegen/link.h"
#include "codegen/ptx.h"
#include "ir/text.h"
#include "legality/storage.h"
#include "tools/depfile.h"
#include "tools/stages.h"
#include "tools/staging.h"

namespace nasc {
namespace fs = std::filesystem;
namespace {

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
} // npos + 1 is 0

// Without the suffix of its kind; the part after the last dot otherwise stays.
std::string without(const std::string& path, const std::string& suffix) {
  return path.size() > suffix.size() && path.ends_with(suffix) &&
                 path[path.size() - suffix.size() - 1] != '/'
             ? path.substr(0, path.size() - suffix.size())
             : path;
}

std::vector<const OutputKind*> named_kinds(const std::string& emit) {
  std::vector<const OutputKind*> out;
  std::istringstream words(emit);
  for (std::string word; std::getline(words, word, ',');) {
    const OutputKind* found = nullptr;
    std::vector<std::string> names;
    for (const OutputKind& k : output_kinds()) {
      names.push_back(k.name);
      if (word == k.name)
        found = &k;
    }
    if (!found) {
      std::string near = nearest(word, names);
      throw UserError(code::usage, "--emit",
                      text("unknown kind \"", escaped(word), "\"",
                           near.empty() ? "" : "; did you mean " + near + "?"));
    }
    if (std::find(out.begin(), out.end(), found) == out.end())
      out.push_back(found);
  }
  return out;
}

bool is_kind(const Output& output, const char* name) {
  return output.kind->name == std::string(name);
}

void refuse_input_as_output(const std::set<std::string>& inputs, const std::string& path) {
  std::error_code error;
  for (const auto& input : inputs)
    if (fs::equivalent(input, path, error) || input == path)
      throw UserError(code::usage, path, "is an input; it will not be overwritten");
}

std::string library_stem(const std::vector<Output>& outputs) {
  for (const Output& o : outputs)
    if (is_kind(o, "lib"))
      return without(file_name(o.path), ".so");
  return without(file_name(outputs.front().path), outputs.front().kind->suffix);
}

// One PTX file: the header of the first kernel, the bodies of all.
std::string ptx_text(const Compilation& c) {
  EmitOptions options;
  options.values = c.values->index();
  std::string out;
  for (size_t k = 0; k < c.module.schedules.size(); ++k) {
    Kernel one = kernel(c.module, static_cast<int>(k));
    Expected<PtxKernel> made = emit_ptx(one, c.options.sm, c.kernels[k].symbol, options);
    if (!made)
      made = emit_ptx(textual_kernel(one.program), c.options.sm, c.kernels[k].symbol, options);
    if (!made)
      throw UserError(code::unsupported_target, one.program.name,
                      text("no device code: ", made.error().code, ": ", made.error().text));
    std::istringstream lines(made->ptx);
    for (std::string line; std::getline(lines, line);)
      if (k == 0 || !(line.starts_with(".version") || line.starts_with(".target") ||
                      line.starts_with(".address_size")))
        out += line + "\n";
  }
  return out;
}

// The text of every kind that is one.
std::string bytes_of(const Compilation& c, const Output& output, const Combined& combined) {
  std::string kind = output.kind->name;
  if (kind == "onnx")
    return exported_model(c);
  if (kind == "obj")
    return {combined.object.begin(), combined.object.end()};
  if (kind == "asm")
    return combined.assembly;
  if (kind == "llvm")
    return combined.llvm_ir;
  if (kind == "nir")
    return print(c.module.network);
  if (kind == "sched")
    return schedules_text(c.module);
  if (kind == "plan")
    return text(c.plan);
  if (kind == "header")
    return header_text(c.network, library_options(c));
  NASC_CHECK(kind == "ptx") << kind;
  return ptx_text(c);
}

} // namespace

const std::vector<OutputKind>& output_kinds() {
  static const std::vector<OutputKind> kinds = {
      {"lib", ".so", "emit",
       "shared library, with STEM.h beside it (and STEM.weights for large models)"},
      {"obj", ".o", "emit", "the kernels as one relocatable object"},
      {"asm", ".s", "emit", "the kernels as assembly"},
      {"llvm", ".ll", "emit", "the kernels as LLVM IR"},
      {"nir", ".nir", "judge", "Programs, after fusion and layouts"},
      {"sched", ".sched", "judge", "schedule trees"},
      {"plan", ".plan", "judge", "applied plan, for --plan"},
      {"header", ".h", "lower", "C header"},
      {"onnx", ".onnx", "neural", "the model after neural steps, with its weights; with plan, its own in STEM.onnx.plan"},
      {"ptx", ".ptx", "emit", "the kernels for a CUDA device"},
  };
  return kinds;
}

std::vector<Output> plan_outputs(const std::string& model, const std::string& emit,
                                 const std::string& output) {
  std::vector<const OutputKind*> kinds = named_kinds(emit);
  std::string stem = output;
  if (output.empty()) {
    stem = file_name(model);
    for (const char* suffix : {".onnx", ".nir"})
      stem = without(stem, suffix);
  } else if (output.back() == '/') {
    throw UserError(code::usage, "-o", text("\"", escaped(output), "\" is a directory"));
  }
  if (kinds.empty()) {
    kinds = {&output_kinds()[0]};
    for (const OutputKind& k : output_kinds())
      if (without(output, k.suffix) != output)
        kinds = {&k};
  }
  if (!output.empty() && kinds.size() == 1)
    return {{kinds[0], output}};
  for (const OutputKind* k : kinds)
    if (without(stem, k->suffix) != stem) {
      stem = without(stem, k->suffix);
      break;
    }
  std::vector<Output> out;
  for (const OutputKind* k : kinds)
    out.push_back({k, stem + k->suffix});
  return out;
}

std::vector<std::string> compile(Compilation& c, const std::vector<Output>& outputs,
                                 const DepOptions& deps, const std::string& dump_directory) {
  c.options.stem = library_stem(outputs);
  if (c.options.prefix.empty())
    c.options.prefix = identifier(c.options.stem);
  std::string directory = directory_of(outputs.front().path);
  std::set<std::string> inputs = {c.options.model};
  if (!c.options.plan_file.empty())
    inputs.insert(c.options.plan_file);
  for (const Output& o : outputs)
    refuse_input_as_output(inputs, o.path);

  Staging staging(directory);
  auto last =
      std::max_element(outputs.begin(), outputs.end(), [](const Output& a, const Output& b) {
        auto rank = [](const Output& o) {
          return std::find_if(stages().begin(), stages().end(),
                              [&](const Stage& s) { return s.name == std::string(o.kind->stage); });
        };
        return rank(a) < rank(b);
      });
  bool combine = false;
  for (const Output& o : outputs)
    combine |= is_kind(o, "obj") || is_kind(o, "asm") || is_kind(o, "llvm");
  c.options.want_llvm |= combine;
  if (std::any_of(outputs.begin(), outputs.end(), [](const Output& o) { return is_kind(o, "lib"); }))
    c.library_directory = staging.path();
  run_stages(c, last->kind->stage, dump_directory);

  Combined combined;
  if (combine) {
    std::vector<std::string> ir;
    for (const KernelObject& k : c.kernels)
      ir.push_back(k.llvm_ir);
    bool assembly = std::any_of(outputs.begin(), outputs.end(),
                                [](const Output& o) { return is_kind(o, "asm"); });
    bool object = std::any_of(outputs.begin(), outputs.end(),
                              [](const Output& o) { return is_kind(o, "obj"); });
    combined = combine_kernels(ir, c.options.target, assembly, object);
  }
  for (const auto& file : c.graph.files)
    inputs.insert(file);
  std::vector<std::string> written;
  auto publish = [&](const std::string& staged, const std::string& path) {
    refuse_input_as_output(inputs, path);
    if (std::find(written.begin(), written.end(), path) != written.end())
      return;
    staging.publish(staged, path);
    written.push_back(path);
  };
  const bool plans = std::any_of(outputs.begin(), outputs.end(), [](const Output& o) { return is_kind(o, "plan"); });
  for (const Output& o : outputs) {
    if (is_kind(o, "lib")) {
      LibraryFiles files = link_library(c, staging.path());
      std::string base = directory + "/" + c.options.stem;
      if (o.path.find('/') == std::string::npos)
        base = c.options.stem;
      if (!files.weights.empty())
        publish(files.weights, base + ".weights");
      publish(files.header, base + ".h");
      publish(files.library, o.path);
    } else {
      std::string bytes = bytes_of(c, o, combined),
                  staged = staging.path() + "/out" + o.kind->suffix;
      write_file(staged, bytes.data(), bytes.size());
      publish(staged, o.path);
      if (is_kind(o, "onnx") && plans) {
        bytes = exported_plan(c);
        write_file(staged + ".plan", bytes.data(), bytes.size());
        publish(staged + ".plan", o.path + ".plan");
      }
    }
  }

  if (!deps.write) {
    staging.commit();
    return written;
  }
  DepFile file;
  file.targets = deps.targets;
  if (file.targets.empty())
    file.targets = {make_quoted(outputs.front().path)};
  file.inputs = {c.options.model};
  for (const auto& input : inputs)
    if (input != c.options.model)
      file.inputs.push_back(input);
  file.phony = deps.phony;
  std::string path = deps.file.empty()
                         ? without(outputs.front().path, outputs.front().kind->suffix) + ".d"
                         : deps.file;
  refuse_input_as_output(inputs, path);
  Staging beside(
      directory_of(path)); // may be another folder: made and filled before any output appears
  std::string bytes = text(file), staged = beside.path() + "/deps";
  write_file(staged, bytes.data(), bytes.size());
  beside.publish(staged, path);
  staging.commit();
  beside.commit();
  return written;
}

} // namespace nasc
