// Progress on stderr, and the table of times.
#pragma once

#include <string>

#include "tools/pipeline.h"

namespace nasc {

// `live`: one line that is rewritten, on a terminal only. `lines`: one line per stage.
class ProgressLine {
public:
  enum Mode { none, live, lines };
  explicit ProgressLine(Mode mode);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  void show(const Progress& progress);
  void clear();

private:
  Mode mode_;
  size_t width_ = 0; // of the line that is shown
};

std::string time_table(const std::vector<StageTime>& times);

} // namespace nasc
