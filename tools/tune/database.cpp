// One table; writers wait for each other.
#include "tools/tune/database.h"

#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>

#include "ir/diag.h"

namespace nasc {
namespace {
constexpr const char* kTable =
    "create table if not exists tuned (kind text, key text, target text, threads integer, version text, "
    "kernel text, choice text, default_us real, us real, explored integer, "
    "primary key (kind, key, target, threads, version))";
constexpr int kPatience = 10'000; // milliseconds for another writer
} // namespace

struct TuningDatabase::Impl {
  std::string path;
  TuneContext context;
  sqlite3* db = nullptr;

  Impl(std::string p, TuneContext c) : path(std::move(p)), context(std::move(c)) {}
  Impl(const Impl&) = delete;
  ~Impl() { sqlite3_close(db); }  // also when opening fails half way

  [[noreturn]] void fail() const {
    throw UserError(code::io_error, path, db ? sqlite3_errmsg(db) : "cannot be opened");
  }
  struct Statement {
    sqlite3_stmt* s = nullptr;
    ~Statement() { sqlite3_finalize(s); }
  };
  void prepare(Statement& s, const char* sql) const {
    if (sqlite3_prepare_v2(db, sql, -1, &s.s, nullptr) != SQLITE_OK)
      fail();
  }
  static void bind(const Statement& s, int at, const std::string& value) {
    sqlite3_bind_text(s.s, at, value.c_str(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  }
  void bind_key(const Statement& s, const std::string& kind, const std::string& key) const {
    bind(s, 1, kind);
    bind(s, 2, key);
    bind(s, 3, context.target);
    sqlite3_bind_int(s.s, 4, context.threads);
    bind(s, 5, context.version);
  }
};

TuningDatabase::TuningDatabase(const std::string& path, const TuneContext& context) : impl_(new Impl(path, context)) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (sqlite3_open(path.c_str(), &impl_->db) != SQLITE_OK)
    impl_->fail();
  sqlite3_busy_timeout(impl_->db, kPatience);
  if (sqlite3_exec(impl_->db, kTable, nullptr, nullptr, nullptr) != SQLITE_OK)
    impl_->fail();
}
TuningDatabase::~TuningDatabase() = default;

std::optional<TuneRecord> TuningDatabase::find(const std::string& kind, const std::string& key) const {
  Impl::Statement s;
  impl_->prepare(s, "select choice, default_us, us, explored from tuned "
                    "where kind = ? and key = ? and target = ? and threads = ? and version = ?");
  impl_->bind_key(s, kind, key);
  int got = sqlite3_step(s.s);
  if (got == SQLITE_DONE)
    return std::nullopt;
  if (got != SQLITE_ROW)
    impl_->fail();
  const unsigned char* choice = sqlite3_column_text(s.s, 0);
  return TuneRecord{choice ? reinterpret_cast<const char*>(choice) : "", sqlite3_column_double(s.s, 1),
                    sqlite3_column_double(s.s, 2), sqlite3_column_int(s.s, 3)};
}

void TuningDatabase::put(const std::string& kind, const std::string& key, const std::string& kernel,
                         const TuneRecord& r) {
  Impl::Statement s;
  impl_->prepare(s, "insert or replace into tuned (kind, key, target, threads, version, kernel, choice, default_us, "
                    "us, explored) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  impl_->bind_key(s, kind, key);
  Impl::bind(s, 6, kernel);
  Impl::bind(s, 7, r.choice);
  sqlite3_bind_double(s.s, 8, r.default_us);
  sqlite3_bind_double(s.s, 9, r.us);
  sqlite3_bind_int(s.s, 10, r.explored);
  if (sqlite3_step(s.s) != SQLITE_DONE)
    impl_->fail();
}

std::string default_tuning_database() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && cache[0] == '/')
    return std::string(cache) + "/nasc/tuning.db";
  const char* home = std::getenv("HOME");
  return home && home[0] == '/' ? std::string(home) + "/.cache/nasc/tuning.db" : "";
}

} // namespace nasc
