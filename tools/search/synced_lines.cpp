// Appending, fdatasync, flock.
#include "tools/search/synced_lines.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ir/diag.h"

namespace nasc {

SyncedLines::SyncedLines(const std::string& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0)
    throw UserError(code::cannot_create, path,
                    text("cannot open the journal: ", std::strerror(errno)));
}
SyncedLines::~SyncedLines() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

void SyncedLines::fail(const char* what) const {
  throw UserError(code::io_error, path_, text(what, ": ", std::strerror(errno)));
}

bool SyncedLines::lock() { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

std::string SyncedLines::read() const {
  std::string out;
  char block[65536];
  if (::lseek(descriptor_, 0, SEEK_SET) < 0)
    fail("cannot read");
  for (ssize_t n; (n = ::read(descriptor_, block, sizeof block)) != 0;) {
    if (n < 0 && errno != EINTR)
      fail("cannot read");
    out.append(block, n > 0 ? static_cast<size_t>(n) : 0);
  }
  return out;
}

void SyncedLines::cut(size_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0)
    fail("cannot truncate");
}

void SyncedLines::add(const std::string& line) {
  std::string bytes = line + "\n";
  for (size_t done = 0; done < bytes.size();) {
    ssize_t n = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno != EINTR)
      fail("cannot write");
    done += n > 0 ? static_cast<size_t>(n) : 0;
  }
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) // EINVAL: a pipe or the like
    fail("cannot sync");
}

Lines complete_lines(const std::string& all) {
  Lines out;
  for (size_t end; (end = all.find('\n', out.bytes)) != std::string::npos; out.bytes = end + 1)
    out.complete.push_back(all.substr(out.bytes, end - out.bytes));
  return out;
}

} // namespace nasc
