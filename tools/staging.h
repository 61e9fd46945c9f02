// Outputs appear whole or not at all: a private directory beside them, renamed into place at the
// end.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nasc {

// A directory that only we know, in `directory`; gone with everything in it when the object is,
// when the process is told to end by a signal that watch_signals handles, or by remove_all_staging.
class Staging {
public:
  explicit Staging(const std::string& directory); // UserError cannot_create
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const std::string& path() const { return path_; }

  // At commit, `staged` (inside path()) becomes `final`, replacing it; a link there is replaced,
  // not followed.
  void publish(std::string staged, std::string final);
  // All or none: when one cannot be renamed, the earlier files are put back. Throws UserError.
  void commit();

private:
  std::string path_;
  std::vector<std::pair<std::string, std::string>> files_;
};

// The directory part of a path, "." when there is none.
std::string directory_of(const std::string& path);
// Writes one file atomically.
void write_atomically(const std::string& path, const std::string& bytes);

// For the end of the process: removes every private directory; no commit or new one can start
// afterwards.
void remove_all_staging();

} // namespace nasc
