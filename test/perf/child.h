// A child process spoken to line by line, and one that is run to its end.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace nasc::test {

struct Finished {
  int status = -1;  // exit code, -1 when it could not run or was killed
  double seconds = 0, peak_mb = 0;
  std::string errors;  // its standard error
};
Finished run_command(const std::vector<std::string>& command);

class Child {
 public:
  explicit Child(const std::vector<std::string>& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  std::string ask(const std::string& line);  // without a line: only reads; empty when it ended

 private:
  pid_t pid_ = -1;
  FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace nasc::test
