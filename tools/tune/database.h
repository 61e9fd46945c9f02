// Records of tuned decisions, shared by compilations: an SQLite file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/tune/journal.h"

namespace nasc {

struct TuneRecord {
  std::string choice;
  double default_us = 0, us = 0; // on one thread
  int explored = 0;              // alternatives measured
};

class TuningDatabase {
public:
  // Makes the file and its folder. Throws UserError when it is no database of ours or cannot be written.
  TuningDatabase(const std::string& path, const TuneContext& context);
  ~TuningDatabase();
  std::optional<TuneRecord> find(const std::string& kind, const std::string& key) const;
  void put(const std::string& kind, const std::string& key, const std::string& kernel, const TuneRecord& record);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// $XDG_CACHE_HOME/nasc/tuning.db, or ~/.cache/nasc/tuning.db; empty without either.
std::string default_tuning_database();

} // namespace nasc
