// nb201, nasbench_macro -- metrics of candidates from benchmark tables, at simulated cost.
#include <memory>

#include "tools/search/tables.h"

namespace nasc {
namespace {

template <class Rows> size_t row_of(const Rows& rows, const std::string& code) {
  auto found = rows.find(code);
  if (found == rows.end())
    throw UserError(code::bad_file, "table", text("no architecture ", code));
  return found->second;
}

Evaluator make_nb201(const EvaluatorContext& context) {
  auto table = std::make_shared<const Nb201>(read_nb201(context.tables, context.dataset));
  Evaluator out;
  out.name = "nb201";
  out.metrics = {"accuracy", "test_accuracy", "params_m", "flops_m"};
  out.cost = 1e-6;
  out.evaluate = [table](Candidate& c, const EvaluationBudget&) {
    size_t r = row_of(table->rows, nb201_code(c.decoded));
    return Evaluation{{{"accuracy", {table->search_accuracy[r]}},
                       {"test_accuracy", {table->final_test[r]}},
                       {"params_m", {table->params_m[r]}},
                       {"flops_m", {table->flops_m[r]}}},
                      "",
                      "",
                      table->seconds[r]};
  };
  return out;
}

Evaluator make_macro(const EvaluatorContext& context) {
  auto table = std::make_shared<const NasbenchMacro>(read_nasbench_macro(context.tables));
  Evaluator out;
  out.name = "nasbench_macro";
  out.metrics = {"accuracy", "params_m", "flops_m"};
  out.cost = 1e-6;
  out.evaluate = [table](Candidate& c, const EvaluationBudget&) {
    size_t r = row_of(table->rows, nasbench_macro_code(c.decoded));
    return Evaluation{{{"accuracy", {table->accuracy[r]}},
                       {"params_m", {table->params_m[r]}},
                       {"flops_m", {table->flops_m[r]}}},
                      "",
                      "",
                      {}};
  };
  return out;
}

const Registered<EvaluatorDef> nb201_def{
    {"nb201",
     "trained cells of NAS-Bench-201 (12-epoch validation accuracy)",
     {"accuracy", "test_accuracy", "params_m", "flops_m"},
     make_nb201}};
const Registered<EvaluatorDef> macro_def{{"nasbench_macro",
                                          "trained networks of NAS-Bench-Macro",
                                          {"accuracy", "params_m", "flops_m"},
                                          make_macro}};
} // namespace
} // namespace nasc
