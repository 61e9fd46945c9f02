// The journal of a tuning: one JSON line per measurement, on the disk before the next one starts.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tools/search/synced_lines.h"

namespace nasc {

// What measurements depend on besides the Program and the choice.
struct TuneContext {
  std::string target, version;
  int threads = 1; // at most
};

// One measurement of an alternative against the analytic choice, on one thread and (when there are more) on all.
struct Trial {
  std::string step;                       // "search" or "confirm"
  std::string kind, key, kernel, choice;  // key: hash of the decision's text
  std::string problem;                    // why there are no times
  std::vector<double> default_us, us, ratio;
};

class TrialJournal {
public:
  // Opens or makes the file; what it has of this context is known. A last line without its end (the process was
  // killed while writing) is cut off. Throws UserError.
  TrialJournal(const std::string& path, const TuneContext& context);
  const Trial* find(const std::string& step, const std::string& kind, const std::string& key,
                    const std::string& choice) const;
  void add(const Trial& trial); // returns when the line is on the disk
  size_t known() const { return trials_.size(); }

private:
  SyncedLines file_;
  TuneContext context_;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, Trial> trials_;
};

} // namespace nasc
