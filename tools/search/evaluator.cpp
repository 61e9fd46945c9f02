// Names to evaluators.
#include "tools/search/evaluator.h"

namespace nasc {

const char* name(CandidateStatus status) {
  static const char* const kNames[] = {"open", "ok", "rejected", "failed"};
  return kNames[static_cast<int>(status)];
}

Candidate make_candidate(const Space& space, const Dna& dna, int fidelity) {
  Candidate out;
  out.dna = dna;
  out.fidelity = fidelity;
  out.decoded = decode(space, dna);
  out.key = key(out.decoded);
  return out;
}

Evaluator make_evaluator(const std::string& name, const EvaluatorContext& context) {
  if (const EvaluatorDef* def = find_registered<EvaluatorDef>(name))
    return def->make(context);
  std::vector<std::string> names;
  std::string all;
  for (const EvaluatorDef* def : all_registered<EvaluatorDef>()) {
    names.emplace_back(def->name);
    all += (all.empty() ? "" : ", ") + names.back();
  }
  std::string near = nearest(name, names);
  throw UserError(code::usage, "--evaluators",
                  text("no evaluator ", escaped(name),
                       near.empty() ? "; there are " + all : "; did you mean " + near + "?"));
}

Evaluator service(const EvaluatorDef& def, const EvaluatorContext& context, double cost,
                  bool deterministic, bool additive) {
  auto found = context.services.find(def.name);
  if (found == context.services.end())
    throw UserError(code::usage, "--evaluators", text(def.name, " needs a model"));
  Evaluator out;
  out.name = def.name;
  out.metrics.assign(def.metrics.begin(), def.metrics.end());
  out.cost = cost, out.deterministic = deterministic, out.additive = additive;
  out.evaluate = found->second;
  return out;
}

} // namespace nasc
