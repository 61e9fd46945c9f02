// What every tool's main() does around its body: limits, signals, and errors as one line and an
// exit code.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace nasc {

struct ToolLimits {
  int64_t memory_bytes = 0; // of address space; 0: 80 % of the machine's memory
  double seconds = 3600;    // of wall time; 0: none
};
// Ends the process with Exit::limit, without leftovers, when a limit is reached; SIGINT, SIGTERM
// and SIGHUP end it by that signal, without leftovers. To be called once, before threads are
// started.
void start_limits(const std::string& tool, const ToolLimits& limits);

// Runs the body; what it throws becomes a diagnostic on stderr and the documented exit code.
int run_tool(const std::string& tool, const std::function<int()>& body);

// Bytes of `512M`, `8G`, seconds of `90`, `30m`, `1h`. UserError usage naming the flag.
int64_t parse_bytes(const std::string& text, const std::string& flag);
double parse_seconds(const std::string& text, const std::string& flag);

} // namespace nasc
