// The order judge as others call it: replacement, memory, isl, then PPL.
#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>

#include "ir/prefetch.h"
#include "ir/registry.h"
#include "legality/order.h"
#include "legality/order_matched.h"
#include "legality/order_ppl.h"
#include "legality/storage.h"

namespace nasc {
namespace {
std::mutex mutex; // of the four below
std::map<std::string, Verdict> memory;
std::function<Verdict(const Kernel&)> replacement;
std::function<void(const Kernel&, const Verdict&)> recorder;
std::mutex recording;

// `text` with each identifier that `names` knows replaced.
std::string renamed(const std::string& text, const std::map<std::string, std::string>& names) {
  auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && part(text[end]))
      ++end;
    if (end == i) {
      out += text[i++];
      continue;
    }
    std::string word = text.substr(i, end - i);
    auto it = names.find(word);
    out += it == names.end() ? word : it->second;
    i = end;
  }
  return out;
}

std::optional<Verdict> remembered(const std::string& key) {
  std::lock_guard lock(mutex);
  auto it = memory.find(key);
  return it == memory.end() ? std::nullopt : std::optional(it->second);
}

Verdict decided(Verdict v) {
  if (v.answer == Verdict::undecided)
    v.text = "isl and PPL did not decide within their quotas";
  return v;
}

const Registered<Judge> order_judge{
    {.name = "order",
     .doc = "The schedule keeps every dependence, and its parallel and vector loops carry none.",
     .judge = [](const Subject& s) { return s.kernel ? judge_order(*s.kernel) : yes_verdict(); }}};
} // namespace

std::string order_key(const Program& program) {
  std::map<std::string, std::string> tensors; // each name as an index that is no identifier
  for (const Tensor& t : program.tensors)
    tensors[t.name] = "%" + std::to_string(tensors.size());
  std::string key;
  for (const Statement& s : program.statements) {
    key += text(s.domain) + "\n" + symbol(s.combine) + (s.reassociable ? "~ " : " ");
    key += renamed(text(s.write.map), tensors);
    for (const Access& read : value_reads(s))
      key += " | " + renamed(text(read.map), tensors);
    key += "\n";
  }
  return key;
}
std::string order_key(const Kernel& kernel) {
  std::string key = order_key(kernel.program);
  for (const Tensor& t : kernel.program.tensors)
    if (folds(t))
      key += text(t.shape) + text(*t.layout) + "\n";
  return key + text(kernel.schedule.tree());
}

void forget_orders() {
  std::lock_guard lock(mutex);
  memory.clear();
}

bool surely_ordered(const Kernel& kernel) {
  {
    std::lock_guard lock(mutex);
    if (replacement || recorder)
      return false;
  }
  const auto& tensors = kernel.program.tensors;
  auto open = [&](const Tensor& t) { return folds(t) && !surely_apart(kernel, t); };
  return std::none_of(tensors.begin(), tensors.end(), open) && keeps_matched_order(kernel);
}

Verdict judge_order(const Kernel& kernel) {
  std::function<Verdict(const Kernel&)> other;
  std::function<void(const Kernel&, const Verdict&)> record;
  {
    std::lock_guard lock(mutex);
    other = replacement;
    record = recorder;
  }
  if (other)
    return other(kernel);
  if (!record && keeps_matched_order(kernel)) // cheaper than the key
    return decided(judge_storage(kernel));
  std::string key = order_key(kernel);
  if (std::optional<Verdict> known = remembered(key))
    return *known;
  Verdict verdict = judge_order_by_isl(kernel);
  if (verdict.answer == Verdict::undecided)
    verdict = judge_order_by_ppl(kernel);
  if (verdict.allowed())
    verdict = judge_storage(kernel);
  verdict = decided(std::move(verdict));
  if (verdict.answer != Verdict::undecided) {
    constexpr size_t kRemembered = 20'000; // of some kilobytes each
    std::lock_guard lock(mutex);
    if (memory.size() == kRemembered)
      memory.clear();
    memory.emplace(key, verdict);
  }
  if (record) {
    std::lock_guard lock(recording);
    record(kernel, verdict);
  }
  return verdict;
}

Verdict always_no(const Kernel&) {
  return {Verdict::no, "always-no", "this judge refuses everything", {}, {}};
}

void set_judge_for_tests(std::function<Verdict(const Kernel&)> judge) {
  std::lock_guard lock(mutex);
  replacement = std::move(judge);
}

void record_order_queries(std::function<void(const Kernel&, const Verdict&)> r) {
  std::lock_guard lock(mutex);
  recorder = std::move(r);
}

} // namespace nasc
