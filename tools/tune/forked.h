// Work in a child process, so that its crash or endless loop is a result and no end of ours.
#pragma once

#include <functional>
#include <string>

namespace nasc {

struct Forked {
  bool ok = false;
  std::string text; // what the work returned, or why there is nothing: "crashed by signal 11", "timed out after 5 s"
};
// Runs `work` in a fork of this process and returns its text. The child is killed after `seconds`, and with us.
Forked run_forked(const std::function<std::string()>& work, double seconds);

} // namespace nasc
