// The weights of a scoring network for one seed. Private to legality.
#pragma once

#include <memory>
#include <vector>

#include "legality/scoring.h"

namespace nasc {

// The tensors of one seed, some of them parts of draws.
struct Drawn {
  std::vector<std::shared_ptr<const HostTensor>> whole;
  std::vector<HostTensor> parts;
  std::vector<const HostTensor*> given;

  Drawn(const std::vector<ScoredWeight>& weights, Init init, uint64_t seed);
};

}  // namespace nasc
