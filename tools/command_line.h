// The command line before CLI11 sees it: compiler spellings with one dash become long options.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace nasc {

// One spelling that people know from compilers.
struct Spelling {
  const char* given;                 // -MF
  const char* option;                // --dep-file
  enum { flag, value, joined } kind; // joined: `-mcpu=X`; value: `-MF X` or `-MFX`
};
// Arguments after argv[0], rewritten by the table; `--` ends it. Values of options are left as they
// are.
std::vector<std::string> rewritten(const std::vector<std::string>& arguments,
                                   const std::vector<Spelling>& table);

// Parses; help and version texts are printed and give an exit code, else -1. Throws UserError
// usage, with "did you mean" for unknown options.
int parse_command_line(CLI::App& app, int argc, const char* const* argv,
                       const std::vector<Spelling>& table = {});

} // namespace nasc
