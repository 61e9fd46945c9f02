// Lines of JSON.
#include "tools/tune/journal.h"

#include <nlohmann/json.hpp>

namespace nasc {
namespace {
using Json = nlohmann::ordered_json;

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

TrialJournal::TrialJournal(const std::string& path, const TuneContext& context) : file_(path), context_(context) {
  Lines lines = complete_lines(file_.read());
  for (const std::string& line : lines.complete) {
    Trial t;
    if (from_json(line, context_, t))
      trials_[{t.step, t.kind, t.key, t.choice}] = t;
  }
  file_.cut(lines.bytes);
}

const Trial* TrialJournal::find(const std::string& step, const std::string& kind, const std::string& key,
                           const std::string& choice) const {
  auto it = trials_.find({step, kind, key, choice});
  return it == trials_.end() ? nullptr : &it->second;
}

void TrialJournal::add(const Trial& t) {
  file_.add(to_json(t, context_).dump(-1, ' ', false, Json::error_handler_t::replace));
  trials_[{t.step, t.kind, t.key, t.choice}] = t;
}

} // namespace nasc
