// One self-contained page about a neural search.
#pragma once

#include "tools/neural/neural_search.h"

namespace nasc {

std::string report_html(const NeuralSearch& search, const std::string& model, const NeuralOptions& options);

// Text for HTML.
std::string html_escaped(const std::string& text);
// Candidates by predicted time and share of MACs: refused by a free check, by a judge, accepted, winner, original.
std::string pareto_svg(const NeuralSearch& search);

} // namespace nasc
