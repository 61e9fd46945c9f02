// The order judge: a schedule is legal when it keeps every dependence and its marked loops carry
// none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/registry.h"
#include "legality/verdict.h"
#include "polyhedral/module.h"

namespace nasc {

// What a judge looks at; a judge answers yes when it has no opinion on what is given.
struct NetworkPair;
struct Subject {
  const Kernel* kernel = nullptr;
  const Graph* graph = nullptr;
  NetworkPair* networks = nullptr; // a neural candidate and its original
};
struct Judge {
  const char* name;
  const char* doc;
  std::function<Verdict(const Subject&)> judge;
};

// May this Program run in this order? Dependences must be kept: instances with equal time are a
// violation too. A loop marked `parallel` or `vectorize` must carry no dependence, reductions
// included (nothing in a schedule says that an accumulator is privatised); `unroll` is free. What
// is not surely_ordered isl decides; when it hits its quota PPL does; when that gives up too the
// answer is undecided. Then folded storage is judged (legality/storage.h). Memoised for all threads
// by canonical text, undecided excepted. To be called outside any with_quota, whose budget would be
// shared.
Verdict judge_order(const Kernel& kernel);
// The answer is yes by keeps_matched_order and surely_apart, which cost next to nothing.
// False while the judge is replaced or queries are recorded.
bool surely_ordered(const Kernel& kernel);
// judge_order without memory, replacement or PPL: undecided when isl hits its quota.
// Dependences are computed once per thread and Program.
Verdict judge_order_by_isl(const Kernel& kernel);

// The text that decides an order query: domains, accesses and combines (names of tensors and of the
// Program, types, extents and payloads play no part), folded layouts and the schedule tree.
std::string order_key(const Kernel& kernel);
std::string order_key(const Program& program); // the part without the schedule
// Empties the memory of answers, not that of dependences.
void forget_orders();

// Tests: replaces judge_order's answer; an empty function puts the judge back.
void set_judge_for_tests(std::function<Verdict(const Kernel&)> judge);
Verdict always_no(const Kernel& kernel);
// Tests: called, one call at a time, for each distinct query and its answer; an empty function
// stops recording.
void record_order_queries(std::function<void(const Kernel&, const Verdict&)> recorder);
// The same into a file, which read_order_queries reads back. Throws UserError cannot_create,
// no_input, bad_text.
void record_order_queries_to(const std::string& path);
struct OrderQuery {
  Kernel kernel;
  Verdict::Answer answer;
};
std::vector<OrderQuery> read_order_queries(const std::string& path);

} // namespace nasc
