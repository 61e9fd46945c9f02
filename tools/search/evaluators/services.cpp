// static, model, measure, judges -- evaluators that need a model: the driver brings their
// functions.
#include "tools/search/evaluator.h"

namespace nasc {
namespace {

Evaluator make_static(const EvaluatorContext& c);
Evaluator make_model(const EvaluatorContext& c);
Evaluator make_measure(const EvaluatorContext& c);
Evaluator make_judges(const EvaluatorContext& c);

const Registered<EvaluatorDef> static_def{
    {"static",
     "counts of the transformed network, relative to the original",
     {"macs", "params", "macs_ratio", "params_ratio"},
     make_static}};
const Registered<EvaluatorDef> model_def{{"model", "predicted time", {"predicted_ms"}, make_model}};
const Registered<EvaluatorDef> measure_def{
    {"measure", "measured time of the compiled network", {"latency_ms"}, make_measure}};
const Registered<EvaluatorDef> judges_def{
    {"judges", "verdicts on capacity, such as fisher", {}, make_judges}};

Evaluator make_static(const EvaluatorContext& c) {
  return service(static_def, c, 1e-4, true, true);
}
Evaluator make_model(const EvaluatorContext& c) { return service(model_def, c, 1e-2, true, true); }
Evaluator make_judges(const EvaluatorContext& c) { return service(judges_def, c, 1, true, false); }
Evaluator make_measure(const EvaluatorContext& c) {
  return service(measure_def, c, 10, false, true);
}

} // namespace
} // namespace nasc
