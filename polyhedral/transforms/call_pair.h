// Two calls, a producer and the only reader of its result, whose Programs become one.
#pragma once

#include <functional>
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

// One call of merge(producer, consumer, pair) in place of the calls `first` and `second` of the arguments. What merge makes has
// the producer's names and those of pair.names, and pair.inner local to it; `how` says all else that it depends on.
// Refuses  no-such-call, phase-differs, too-many-statements, not-producer, used-elsewhere, and what merge refuses.
using MergeCalls = std::function<Expected<Program>(const Program& producer, const Program& consumer, const CallPair& pair)>;
Expected<Module> merge_calls(const Module& module, const Args& args, const std::string& how, const MergeCalls& merge);

}  // namespace nasc
