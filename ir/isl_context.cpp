// The isl context of a thread, and the quotas of operations that its entries work under.
#include <isl/ctx.h>
#include <isl/options.h>
#include <isl/val.h>
#include <isl/version.h>

#include <mutex>

#include "ir/isl.h"

namespace nasc {
namespace {
constexpr unsigned long kOperations = 20'000'000;
constexpr const char* kEntryNames[] = {"transformation", "order", "analysis", "ast"};
unsigned long quotas[] = {kOperations, kOperations, kOperations, kOperations};
thread_local int quota_depth = 0;
}  // namespace

isl::ctx isl_context() {
  // Values of a thread that has ended may live on in another's caches: its context must, too, and stays reachable.
  static std::mutex mutex;
  static std::vector<isl_ctx*>* const contexts = new std::vector<isl_ctx*>;
  thread_local isl_ctx* context = [] {
    isl_ctx* c = isl_ctx_alloc();
    isl_options_set_on_error(c, ISL_ON_ERROR_CONTINUE);
    isl_options_set_tile_scale_tile_loops(c, 0);
    isl_options_set_ast_build_detect_min_max(c, 1);
    isl_options_set_ast_build_group_coscheduled(c, 1);
    isl_options_set_schedule_outer_coincidence(c, 1);
    std::lock_guard hold(mutex);
    contexts->push_back(c);
    return c;
  }();
  return isl::ctx(context);
}

std::string isl_version_text() { return isl_version(); }

const char* name(IslEntry entry) { return kEntryNames[static_cast<int>(entry)]; }
void set_isl_quota(unsigned long operations) {
  for (IslEntry e : kIslEntries) set_isl_quota(e, operations);
}
void set_isl_quota(IslEntry entry, unsigned long operations) { quotas[static_cast<int>(entry)] = operations; }
unsigned long isl_quota(IslEntry entry) { return quotas[static_cast<int>(entry)]; }

detail::QuotaScope::QuotaScope(unsigned long operations) : outermost(quota_depth++ == 0) {
  if (!outermost) return;
  isl_ctx* c = isl_context().get();
  isl_ctx_reset_operations(c);
  isl_ctx_set_max_operations(c, operations);
}
detail::QuotaScope::~QuotaScope() {
  --quota_depth;
  if (!outermost) return;
  isl_ctx* c = isl_context().get();
  isl_ctx_set_max_operations(c, 0);
  isl_ctx_reset_operations(c);
  isl_ctx_reset_error(c);
}

bool detail::quota_used_up() {  // an allocation is an operation
  isl_val* one = isl_val_one(isl_context().get());
  isl_val_free(one);
  return one == nullptr;
}
void check_isl_quota() {
  if (detail::quota_used_up())
    isl::exception::throw_error(isl_error_quota, "out of operations", __FILE__, __LINE__);
}

}  // namespace nasc
