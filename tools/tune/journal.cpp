// Lines of JSON, appended and synced.
#include "tools/tune/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "ir/diag.h"

namespace nasc {
namespace {
using Json = nlohmann::ordered_json;

std::string read_all(int fd, const std::string& path) {
  std::string out;
  char block[65536];
  for (ssize_t n; (n = read(fd, block, sizeof block)) != 0;) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      throw UserError(code::io_error, path, std::strerror(errno));
    out.append(block, static_cast<size_t>(n));
  }
  return out;
}

Json to_json(const Trial& t, const TuneContext& c) {
  Json j{{"step", t.step},     {"kind", t.kind},     {"kernel", t.kernel},   {"key", t.key},
         {"choice", t.choice}, {"target", c.target}, {"threads", c.threads}, {"version", c.version}};
  if (t.problem.empty()) {
    j["default_us"] = t.default_us;
    j["us"] = t.us;
    j["ratio"] = t.ratio;
  } else {
    j["problem"] = t.problem;
  }
  return j;
}

// False when the line is not a measurement of this context.
bool from_json(const std::string& line, const TuneContext& c, Trial& t) {
  Json j = Json::parse(line, nullptr, false);
  if (!j.is_object())
    return false;
  auto word = [&](const char* name) {
    return j.contains(name) && j[name].is_string() ? j[name].get<std::string>() : std::string();
  };
  auto numbers = [&](const char* name) {
    std::vector<double> out;
    if (j.contains(name) && j[name].is_array())
      for (const auto& v : j[name])
        if (v.is_number())
          out.push_back(v.get<double>());
    return out;
  };
  if (word("target") != c.target || word("version") != c.version || !j.contains("threads") || j["threads"] != c.threads)
    return false;
  t = {word("step"),    word("kind"),          word("key"),   word("kernel"),  word("choice"),
       word("problem"), numbers("default_us"), numbers("us"), numbers("ratio")};
  return !t.step.empty() && !t.key.empty() && (!t.problem.empty() || !t.ratio.empty());
}
} // namespace

TrialJournal::TrialJournal(const std::string& path, const TuneContext& context) : path_(path), context_(context) {
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw UserError(code::cannot_create, path, std::strerror(errno));
  std::string all = read_all(fd_, path);
  size_t whole = all.rfind('\n') + 1; // npos + 1 is 0
  for (size_t at = 0; at < whole;) {
    size_t end = all.find('\n', at);
    Trial t;
    if (from_json(all.substr(at, end - at), context_, t))
      trials_[{t.step, t.kind, t.key, t.choice}] = t;
    at = end + 1;
  }
  if (ftruncate(fd_, static_cast<off_t>(whole)) != 0 || lseek(fd_, 0, SEEK_END) < 0)
    throw UserError(code::io_error, path, std::strerror(errno));
}

TrialJournal::~TrialJournal() {
  if (fd_ >= 0)
    close(fd_);
}

const Trial* TrialJournal::find(const std::string& step, const std::string& kind, const std::string& key,
                           const std::string& choice) const {
  auto it = trials_.find({step, kind, key, choice});
  return it == trials_.end() ? nullptr : &it->second;
}

void TrialJournal::add(const Trial& t) {
  std::string line = to_json(t, context_).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (size_t at = 0; at < line.size();) {
    ssize_t n = write(fd_, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      throw UserError(code::io_error, path_, std::strerror(errno));
    at += static_cast<size_t>(n);
  }
  fdatasync(fd_);
  trials_[{t.step, t.kind, t.key, t.choice}] = t;
}

} // namespace nasc
