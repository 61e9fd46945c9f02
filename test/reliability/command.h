// What the mains of this folder do around their bodies.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>

#include "ir/diag.h"

namespace nasc {

// Reads the command line and runs body(); what it throws becomes a line on stderr and the documented exit code.
template <class Body>
int run_command(CLI::App& app, int argc, char** argv, Body&& body) {
  try {
    app.parse(argc, argv);
    body();
    return 0;
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const UserError& e) {
    std::cerr << e.line() << '\n';
    return static_cast<int>(e.code->exit);
  }
}

}  // namespace nasc
