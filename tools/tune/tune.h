// --tune: measures alternatives of the scheduler's decisions and keeps what is clearly faster.
#pragma once

#include <string>
#include <vector>

#include "polyhedral/scheduler.h"
#include "tools/tune/database.h"

namespace nasc {

struct TuneOptions {
  bool on = false;
  int64_t trials = 0;  // new measurements at most; 0: no limit
  double seconds = 0;  // of wall time, about; 0: no limit
  std::string journal; // file
  std::string database; // file; empty: none
};
// `128` (trials) or `90s`, `10m`, `1h`; empty: no limit. UserError usage.
void parse_tune(const std::string& given, TuneOptions& options);

// What a decision is known by in journals and databases: 16 hexadecimal digits.
std::string decision_key(const Decision& decision);

struct TuneProgress {
  size_t done = 0, total = 0; // trials
  std::string kernel, choice;
};
struct TuneResult {
  Decide decide; // the choices to compile with
  size_t units = 0, trials = 0, resumed = 0, failed = 0, improved = 0;
  std::vector<std::string> remarks; // one line per unit
};
TuneResult tune(const Module& module, const ScheduleOptions& schedule, const TuneOptions& options,
                const TuneContext& context, const std::function<void(const TuneProgress&)>& progress);

// The choices of a database, for compilations that do not tune; `used` counts them.
Decide decide_by(const std::string& database, const TuneContext& context, std::shared_ptr<size_t> used);

} // namespace nasc
