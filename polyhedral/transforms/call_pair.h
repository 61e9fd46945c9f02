// Two calls, a producer and the only reader of its result, whose Programs become one.
#pragma once

#include <map>
#include <string>

#include "polyhedral/memo.h"
#include "polyhedral/transformation.h"

namespace nasc {

struct CallPair {
  int64_t first = 0, second = 0;
  int shared = -1;                           // buffer between the two
  std::string inner;                         // the tensor of the producer that is bound to it
  std::map<std::string, std::string> names;  // of the consumer's tensors and statements in the merged Program
  std::string key;                           // says which tensors of both are one, for `remembered`
};

// Refuses  no-such-call, phase-differs, too-many-statements, not-producer, used-elsewhere.
Expected<CallPair> call_pair(const Module& module, int64_t first, int64_t second);

// One call in place of both. `merged` has the producer's names and those of pair.names; pair.inner is local to it.
Module with_merged(const Module& module, const CallPair& pair, const ProgramRef& merged);

}  // namespace nasc
