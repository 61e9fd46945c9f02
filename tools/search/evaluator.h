// Candidate and Evaluator: a point of a space, and what gives it metrics.
#pragma once

#include <any>

#include "ir/registry.h"
#include "polyhedral/plan.h"
#include "polyhedral/search/decode.h"
#include "polyhedral/search/objective.h"

namespace nasc {

enum class CandidateStatus { open, ok, rejected, failed };
const char* name(CandidateStatus status);

// A point under judgement. `plan` and `work` belong to whoever evaluates models: the plan that the
// steps make, and what several evaluators share (a transformed module).
struct Candidate {
  size_t number = 0; // from 1, in the order of judging
  Dna dna;
  int fidelity = 0;
  Decoded decoded;
  std::string key; // of decoded: equal for candidates that mean the same
  Plan plan;
  std::any work;
  Metrics metrics;
  CandidateStatus status = CandidateStatus::open;
  std::string stage, why; // where and why it was rejected or failed
  double seconds = 0;     // what judging it took or is charged
};
Candidate make_candidate(const Space& space, const Dna& dna, int fidelity = 0);

struct EvaluationBudget {
  int fidelity = 0, fidelities = 1; // the highest is the real thing
  uint64_t seed = 0;
};
// Metrics, or why not. `rejected` is a verdict (not legal, too far from the original), `failed` an
// accident (does not compile, time-out). Charged seconds replace the measured ones: simulated time.
struct Evaluation {
  Metrics metrics;
  std::string rejected, failed;
  std::optional<double> charged_seconds;
};
using Evaluate = std::function<Evaluation(Candidate&, const EvaluationBudget&)>;

struct Evaluator {
  std::string name;
  std::vector<std::string> metrics; // that it gives
  double cost = 0;                  // rough seconds; a cascade runs the cheap ones first
  bool deterministic = true, additive = false, needs_data = false;
  int fidelities = 1;
  Evaluate evaluate;
};

// What evaluators need from outside. `services`: functions by evaluator name, from the driver, that
// know the model: `static`, `model`, `measure`, `judges`.
struct EvaluatorContext {
  std::string tables;          // folder
  std::string dataset = "c10"; // of a benchmark table
  std::map<std::string, Evaluate> services;
};
struct EvaluatorDef {
  const char* name;
  const char* doc;
  std::vector<const char*> metrics; // names known before it runs; services may give more
  Evaluator (*make)(const EvaluatorContext&);
};
// Throws UserError usage for an unknown name, with a suggestion.
Evaluator make_evaluator(const std::string& name, const EvaluatorContext& context);

// For the definitions of services: the driver's function under this name, else UserError.
Evaluator service(const EvaluatorDef& def, const EvaluatorContext& context, double cost,
                  bool deterministic, bool additive);

} // namespace nasc
