// The files that nasc writes: which kinds, under which names, all or none.
#pragma once

#include <string>
#include <vector>

#include "tools/pipeline.h"

namespace nasc {

struct OutputKind {
  const char* name;   // --emit=name
  const char* suffix; // chosen by `-o` when --emit is not given
  const char* stage;  // the last stage it needs
  const char* doc;
};
const std::vector<OutputKind>& output_kinds();

struct Output {
  const OutputKind* kind;
  std::string path;
};
// `emit`: names, comma separated, or empty; `output`: of -o, or empty. Throws UserError usage.
std::vector<Output> plan_outputs(const std::string& model, const std::string& emit,
                                 const std::string& output);

struct DepOptions {
  bool write = false;               // -MD
  std::string file;                 // -MF; the first output with suffix .d
  std::vector<std::string> targets; // -MT as they are, -MQ quoted
  bool phony = false;               // -MP
};

// Compiles and writes; nothing is written when anything fails. Gives the paths.
std::vector<std::string> compile(Compilation& compilation, const std::vector<Output>& outputs,
                                 const DepOptions& deps, const std::string& dump_directory);

} // namespace nasc
