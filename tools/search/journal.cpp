// JSON lines.
#include "tools/search/journal.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace nasc {
namespace {
using nlohmann::json;

std::string hex(uint64_t value) {
  char buffer[17];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(value));
  return buffer;
}
json header_json(const SearchJournalHeader& h) {
  return {{"nasc_journal", 1},         {"space", hex(h.space)},
          {"model", hex(h.model)},     {"seed", h.seed},
          {"strategy", h.strategy},    {"objective", h.objective},
          {"evaluators", h.evaluators}};
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  if (!in)
    throw UserError(code::no_input, path, "cannot read this journal");
  return out.str();
}

// Bytes that are not UTF-8 (a name from a model) are replaced rather than refused.
std::string dumped(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

// The lines after the header; the last may have been torn inside of its text but for a newline.
std::vector<Candidate> candidates(const Space& space, const std::string& path, Lines& lines,
                                  size_t total_bytes) {
  std::vector<Candidate> out;
  size_t bytes = lines.complete.empty() ? 0 : lines.complete[0].size() + 1;
  for (size_t i = 1; i < lines.complete.size(); ++i) {
    try {
      out.push_back(read_journal_line(space, lines.complete[i], text(path, ":", i + 1)));
    } catch (const UserError&) {
      if (i + 1 < lines.complete.size() || lines.bytes < total_bytes)
        throw; // damage before the end is no torn line
      lines.bytes = bytes;
      break;
    }
    bytes += lines.complete[i].size() + 1;
  }
  return out;
}

void check_header(const json& there, const SearchJournalHeader& wanted, const std::string& path) {
  json ours = header_json(wanted);
  if (!there.is_object() || !there.contains("nasc_journal"))
    throw UserError(code::bad_file, path + ":1", "no journal of nasc");
  for (const auto& [key, value] : ours.items())
    if (!there.contains(key) || there[key] != value)
      throw UserError(code::usage, path,
                      text("this journal is of another search: ", key, " is ",
                           there.contains(key) ? dumped(there[key]) : "absent", ", now ",
                           dumped(value), "; give another --journal or remove it"));
}
} // namespace

std::string journal_line(const Space& space, const Candidate& c) {
  json metrics = json::object();
  for (const auto& [name, m] : c.metrics)
    metrics[name] = m.error == 0 ? json(m.value) : json::array({m.value, m.error});
  json line = {{"n", c.number},          {"dna", text(space, c.dna)},
               {"fidelity", c.fidelity}, {"status", name(c.status)},
               {"metrics", metrics},     {"seconds", c.seconds}};
  if (!c.stage.empty())
    line["stage"] = c.stage;
  if (!c.why.empty())
    line["why"] = c.why;
  json steps = json::object(); // for people; the dna says the same
  for (const LayerSteps& s : c.decoded.steps)
    steps[s.where] = s.steps;
  if (!steps.empty())
    line["steps"] = steps;
  return dumped(line);
}

Candidate read_journal_line(const Space& space, const std::string& line, const std::string& where) {
  try {
    json j = json::parse(line);
    Candidate out = make_candidate(space, parse_dna(space, j.at("dna").get<std::string>(), where),
                                   j.at("fidelity").get<int>());
    out.number = j.at("n").get<size_t>();
    out.seconds = j.at("seconds").get<double>();
    out.stage = j.value("stage", "");
    out.why = j.value("why", "");
    for (const auto& [name, m] : j.at("metrics").items())
      out.metrics[name] = m.is_array() ? Metric{m.at(0).get<double>(), m.at(1).get<double>()}
                                       : Metric{m.get<double>(), 0};
    std::string status = j.at("status").get<std::string>();
    for (auto s : {CandidateStatus::ok, CandidateStatus::rejected, CandidateStatus::failed})
      if (status == name(s))
        out.status = s;
    if (out.status == CandidateStatus::open)
      throw UserError(code::bad_file, where, "no status " + escaped(status));
    return out;
  } catch (const json::exception& e) {
    throw UserError(code::bad_file, where, text("damaged line: ", e.what()));
  }
}

std::vector<Candidate> read_journal(const Space& space, const std::string& path) {
  std::string all = contents(path);
  Lines lines = complete_lines(all);
  return candidates(space, path, lines, all.size());
}

SearchJournal::SearchJournal(const std::string& path, const SearchJournalHeader& header,
                             const Space& space)
    : file_(path), space_(space) {
  if (!file_.lock())
    throw UserError(code::usage, path, "another search is writing this journal");
  std::string all = file_.read();
  Lines lines = complete_lines(all);
  if (lines.complete.empty()) { // new, or torn in its first line
    file_.cut(0);
    file_.add(dumped(header_json(header)));
    return;
  }
  check_header(json::parse(lines.complete[0], nullptr, false), header, path);
  found_ = candidates(space, path, lines, all.size());
  file_.cut(lines.bytes);
}

void SearchJournal::add(const Candidate& candidate) {
  file_.add(journal_line(space_, candidate));
}

} // namespace nasc
