// The protocol that judges many candidates cheap-first: free checks on all, sums of table entries, then whole networks.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "legality/conjunction.h"
#include "legality/sensitivity.h"

namespace nasc {

// A distinct canonical candidate that the caller's preconditions accept, with what is known of it for free.
struct ProtocolCandidate {
  std::string id;                    // its plan, or a hash: for reports
  std::vector<LayerChoice> choices;  // changed layers only
  double macs_share = 1, parameters_share = 1, least_layer_share = 1;
  double latency = 0;                // predicted seconds
};

struct ProtocolHooks {
  std::function<std::optional<ProtocolCandidate>()> next;  // nothing: no more candidates
  // The scores of the network with these choices, drawn and paired with the original's; nullptr when it cannot be built.
  SensitivityTable::Build build;
  std::function<void(const std::string& line)> progress = {};
  std::function<bool()> stop = {};  // the budget of time is spent
  // Called for each judged candidate, in order: stage 0 to 2, its verdicts (of the stage's own reason before stage 2).
  std::function<void(const ProtocolCandidate&, int stage, const std::vector<NamedVerdict>&)> judged = {};
};

struct ProtocolOptions {
  std::vector<const Judge*> judges;  // of stage 2
  JudgeOptions judge;
  int candidates = 1000;
  double slowest = 0;           // stage 0 refuses a predicted latency above this; 0: none
  int table_seeds = 3;
  int table_evaluations = 150;  // most for the table; the choices of most candidates come first
  double confidence = 2.24;     // standard errors of a sum below its threshold to reject in stage 1
  int accepted = 3;             // stage 2 stops at so many,
  int evaluations = 250;        // or at so many evaluations of candidates
  int rescored = 0;             // rejects of stage 1 that are judged as whole networks after all
};

struct ProtocolReport {
  struct Stage {
    int seen = 0, rejected = 0, evaluations = 0;
    double seconds = 0;
    std::map<std::string, int> reasons;
  };
  std::array<Stage, 3> stages;
  struct Accepted {
    ProtocolCandidate proposal;
    std::vector<NamedVerdict> verdicts;
  };
  std::vector<Accepted> accepted;  // by predicted latency
  int rescored = 0, falsely_rejected = 0;
  bool real_data = false;
};
std::string text(const ProtocolReport& report);  // a table, one line per stage

ProtocolReport run_protocol(SeededScores& original, const ProtocolHooks& hooks, const ProtocolOptions& options);

}  // namespace nasc
