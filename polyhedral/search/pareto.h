// Several objectives, all minimised: dominance, ranking, hypervolume.
#pragma once

#include "polyhedral/search/strategy.h"

namespace nasc {

// a is nowhere worse and somewhere better; feasible points dominate others, a smaller violation a
// larger one, usable points unusable ones.
bool dominates(const Outcome& a, const Outcome& b);
// Rank of each: 0 for the front, 1 for the front without those, ...
std::vector<int> pareto_ranks(const std::vector<Outcome>& all);
// Indices of the front, by rising first objective.
std::vector<size_t> pareto_front(const std::vector<Outcome>& all);
// Crowding distance among `members` (indices into all); the ends of each objective are infinite.
std::vector<double> crowding(const std::vector<Outcome>& all, const std::vector<size_t>& members);
// Volume dominated by feasible points within the reference point; exact, any number of objectives.
double hypervolume(const std::vector<Outcome>& all, const std::vector<double>& reference);

} // namespace nasc
