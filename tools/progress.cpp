// `[3/6] schedule  12/53`
#include "tools/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace nasc {

ProgressLine::ProgressLine(Mode mode)
    : mode_(mode == live && !isatty(STDERR_FILENO) ? none : mode) {}

void ProgressLine::show(const Progress& p) {
  if (mode_ == none || (mode_ == lines && p.total > 0))
    return;
  std::string line = fmt::format("[{}/{}] {}", p.stage, p.stages, p.name);
  if (p.total > 0)
    line += fmt::format("  {}/{}", p.done, p.total);
  if (mode_ == lines) {
    fmt::print(stderr, "{}\n", line);
    return;
  }
  size_t shown = line.size();
  if (shown < width_)
    line.append(width_ - shown, ' ');
  fmt::print(stderr, "\r{}", line);
  std::fflush(stderr);
  width_ = shown;
}

void ProgressLine::clear() {
  if (mode_ != live || width_ == 0)
    return;
  fmt::print(stderr, "\r{}\r", std::string(width_, ' '));
  std::fflush(stderr);
  width_ = 0;
}

std::string time_table(const std::vector<StageTime>& times) {
  double total = 0;
  for (const auto& t : times)
    total += t.seconds;
  std::string out;
  for (const auto& t : times)
    out += fmt::format("{:10.3f} s {:5.1f} %  {}\n", t.seconds,
                       total > 0 ? 100 * t.seconds / total : 0, t.stage);
  return out + fmt::format("{:10.3f} s          total\n", total);
}

} // namespace nasc
