// The flags of --neural, and the search between lowering and scheduling.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/neural/neural_search.h"
#include "tools/pipeline.h"

namespace nasc {

// All but --neural itself, which they need.
void declare_neural(CLI::App& app, NeuralOptions& options);
// Before anything is read. Throws UserError usage.
void check_neural(NeuralOptions& options, const CompileOptions& compile, const std::string& journal, const std::string& output);
// Of --explain; the compilation has lowered its model.
std::string explain_neural(const Compilation& compilation, NeuralOptions options);
// Searches, writes the report, and gives the steps of the winner: none when no candidate is accepted.
std::vector<Step> choose_neural_steps(Compilation& compilation, NeuralOptions options, std::optional<NeuralSearch>& search);

} // namespace nasc
