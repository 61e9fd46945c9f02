// Judges of capacity asked about whole candidates; what they said is remembered on disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "frontend/import.h"
#include "legality/conjunction.h"
#include "legality/scores.h"
#include "polyhedral/plan.h"

namespace nasc {

struct JudgingOptions {
  std::string legality;   // comma list of judges
  std::string data;       // of --fisher-data; empty: Gaussian images, to be trusted little
  int64_t batch = 16;
  uint64_t seed = 0;
  std::string file;       // remembers verdicts; empty: memory alone
  JudgeOptions judges;
  int threads = 0;        // that score seeds side by side, answers do not depend on it; 0: processors
};

// What the judges said of one candidate.
struct Judged {
  bool allowed = false;
  std::vector<NamedVerdict> verdicts;
  std::map<std::string, Measure> fisher; // by layer: log of candidate / original over the seeds that were looked at
  int evaluations = 0;                   // networks run
  bool out_of_time = false;              // not an answer: nothing is remembered
  bool remembered = false;
};
// What a judge of the list weighs, where changes of layers add up: a number that must stay at or above `least`.
struct JudgedSum {
  std::string judge;
  double least = 0;
};
// The refusing verdict in a line; empty when there is none.
std::string refusal_text(const Judged& judged);
// What a file of verdicts knows of a plan, whatever its judges; nothing when it was not judged. Throws UserError.
std::optional<Judged> remembered_verdicts(const std::string& file, const std::vector<Step>& plan);

class Judging {
public:
  // Reads the model again, with a batch of images. Throws UserError where it cannot be scored or data do not fit.
  Judging(const std::string& model, const ImportOptions& import, const JudgingOptions& options);
  ~Judging();
  // The Network that this plan makes. A refusal when a step does not apply or the result cannot be scored.
  // `stop` is asked before each seed, by several threads.
  Expected<Judged> judge(const std::vector<Step>& plan, const std::function<bool()>& stop = {});
  const std::vector<JudgedSum>& sums() const;
  // What the steps of each plan do to each of sums(), over a few seeds: how sensitive the network is to them. Nothing when
  // it was stopped.
  using Sensitivity = Expected<std::vector<Measure>>;
  std::optional<std::vector<Sensitivity>> sensitivity(const std::vector<std::vector<Step>>& plans, int seeds,
                                                      const std::function<bool()>& stop = {});
  // What was judged, in the numbers of sums(); nothing where the judge was not asked.
  std::vector<std::optional<double>> values(const Judged& judged) const;
  // Numbers that are not the same when they are found again (times, how far a stage came in its time), so that a search
  // that is resumed goes the same way: `make` is asked where there are none yet.
  std::vector<double> remembered(const std::string& what, const std::function<std::vector<double>()>& make);
  bool remembers(const std::string& what) const;
  const std::string& data_source() const;
  bool real_data() const;
  int threads() const;
  int evaluations() const; // of candidates, made and not remembered

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace nasc
