// Scheduled Modules as code in this process, timed side by side.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "polyhedral/module.h"
#include "tools/tune/team.h"

namespace nasc {

// Memory that weights are taken from in turn, so that they come from as far as in the whole
// network.
class WeightPool {
public:
  explicit WeightPool(size_t bytes);
  ~WeightPool();
  WeightPool(const WeightPool&) = delete;
  void* next(size_t bytes); // 64-byte aligned, readable; contents are numbers around one
  size_t size() const { return bytes_; }

private:
  char* memory_ = nullptr;
  size_t bytes_ = 0, at_ = 0;
};

// One run of a unit's calls. Throws UserError when a schedule may not be or cannot be emitted.
class LoadedModule {
public:
  LoadedModule(const Module& module, WeightPool& pool);
  ~LoadedModule();
  // With fresh weights.
  double seconds(int calls, Team& team);
  // The least of one run among those of about `turn` seconds.
  double least_seconds(double turn, Team& team);
  bool parallel() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct Comparison {
  double first_us = 0, second_us = 0; // medians
  double ratio = 0; // median of second / first of pairs measured one after the other
};
struct CompareOptions {
  int pairs = 9;
  double seconds = 0.06, limit_seconds = 0.5;
};
Comparison compare_times(LoadedModule& first, LoadedModule& second, Team& team,
                         const CompareOptions& options);

} // namespace nasc
