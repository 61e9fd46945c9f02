// Two tables per thread, since isl values belong to the thread that made them.
#include "polyhedral/memo.h"

#include <map>

namespace nasc {
namespace {
constexpr size_t kMost = 4096;  // entries, which keep their Programs alive
}

Expected<ProgramRef> remembered(const std::vector<ProgramRef>& from, const std::string& how,
                                const std::function<Expected<Program>()>& make) {
  static thread_local std::map<std::pair<std::vector<ProgramRef>, std::string>, Expected<ProgramRef>> known;
  auto key = std::pair(from, how);
  if (auto it = known.find(key); it != known.end()) return it->second;
  Expected<Program> made = make();
  Expected<ProgramRef> out = made ? Expected<ProgramRef>(std::make_shared<const Program>(std::move(*made)))
                                  : std::unexpected(made.error());
  if (known.size() >= kMost) known.clear();
  known.emplace(std::move(key), out);
  return out;
}

void verify_once(const ProgramRef& program) {
  static thread_local std::map<const Program*, std::weak_ptr<const Program>> known;
  auto& seen = known[program.get()];
  if (seen.lock() == program) return;
  verify(*program);
  seen = program;
  if (known.size() > 2 * kMost) std::erase_if(known, [](const auto& e) { return e.second.expired(); });
}

}  // namespace nasc
