// mkdtemp beside the outputs; renames with a way back.
#include "tools/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>

#include "codegen/link.h"
#include "ir/diag.h"

namespace nasc {
namespace fs = std::filesystem;
namespace {

// Held while the set of directories or the outputs change, so that the end of the process waits for
// whole steps.
std::mutex& lock() {
  static std::mutex* m = new std::mutex;
  return *m;
}
std::set<std::string>& live() {
  static auto* all = new std::set<std::string>;
  return *all;
}

void remove_tree(const std::string& path) {
  std::error_code error;
  for (int tries = 0; tries < 20 && fs::exists(path, error); ++tries)
    fs::remove_all(path, error);
}

[[noreturn]] void fail(const std::string& path) {
  int error = errno;
  const Code& c =
      error == ENOSPC || error == EIO || error == EDQUOT ? code::io_error : code::cannot_create;
  throw UserError(c, path, text("cannot be written: ", std::strerror(error)));
}

void sync_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    fail(path);
  bool ok = ::fsync(fd) == 0 || errno == EINVAL;
  int error = errno;
  ::close(fd);
  errno = error;
  if (!ok)
    fail(path);
}

} // namespace

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Staging::Staging(const std::string& directory) {
  std::lock_guard hold(lock());
  path_ = directory + "/.nasc-XXXXXX";
  if (!::mkdtemp(path_.data()))
    fail(directory);
  live().insert(path_);
}

Staging::~Staging() {
  std::lock_guard hold(lock());
  remove_tree(path_);
  live().erase(path_);
}

void Staging::publish(std::string staged, std::string final) {
  files_.emplace_back(std::move(staged), std::move(final));
}

void Staging::commit() {
  for (const auto& [staged, final] : files_) {
    struct stat st;
    if (::lstat(final.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
      throw UserError(code::cannot_create, final, "is a directory");
    sync_file(staged);
  }
  std::lock_guard hold(lock());
  std::vector<std::pair<std::string, std::string>> done; // kept old file or empty, final
  for (const auto& [staged, final] : files_) {
    std::string old = text(path_, "/old", done.size());
    if (::link(final.c_str(), old.c_str()) != 0)
      old.clear(); // nothing there, or a file system without links
    if (::rename(staged.c_str(), final.c_str()) != 0) {
      int error = errno;
      for (auto it = done.rbegin(); it != done.rend(); ++it)
        it->first.empty() ? ::unlink(it->second.c_str())
                          : ::rename(it->first.c_str(), it->second.c_str());
      errno = error;
      fail(final);
    }
    done.emplace_back(old, final);
  }
  files_.clear();
}

void write_atomically(const std::string& path, const std::string& bytes) {
  Staging staging(directory_of(path));
  std::string staged = staging.path() + "/file";
  write_file(staged, bytes.data(), bytes.size());
  staging.publish(staged, path);
  staging.commit();
}

void remove_all_staging() {
  lock().lock(); // and never unlocked
  for (const auto& path : live())
    remove_tree(path);
}

} // namespace nasc
