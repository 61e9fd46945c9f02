// A file of lines that grows: each line is on disk before the call returns, and a torn last line is cut off.
#pragma once

#include <string>
#include <vector>

namespace nasc {

class SyncedLines {
public:
  // Opens or creates. Throws UserError cannot_create, io_error.
  explicit SyncedLines(const std::string& path);
  ~SyncedLines();
  SyncedLines(const SyncedLines&) = delete;
  SyncedLines& operator=(const SyncedLines&) = delete;
  bool lock();              // for this process alone; false: another has it
  std::string read() const; // all bytes that are there
  void cut(size_t bytes);   // keeps so many; throws UserError io_error
  void add(const std::string& line); // without its newline; throws UserError io_error

private:
  [[noreturn]] void fail(const char* what) const;
  std::string path_;
  int descriptor_ = -1;
};

struct Lines {
  std::vector<std::string> complete; // each ended by a newline
  size_t bytes = 0;                  // of those
};
Lines complete_lines(const std::string& all);

} // namespace nasc
