// Journal: one JSON line per judged candidate, on disk before the next is judged.
#pragma once

#include "tools/search/evaluator.h"
#include "tools/search/synced_lines.h"

namespace nasc {

// What a journal is about; resuming needs all of it to be equal.
struct SearchJournalHeader {
  uint64_t space = 0, model = 0, seed = 0;
  std::string strategy, objective, evaluators;
  bool operator==(const SearchJournalHeader&) const = default;
};

class SearchJournal {
public:
  // Opens or creates; one process at a time. Candidates already there are read; a torn last line is
  // cut off. Throws UserError: usage when the journal is about something else or in use (saying
  // what differs), bad_file FILE:LINE, cannot_create, io_error.
  SearchJournal(const std::string& path, const SearchJournalHeader& header, const Space& space);
  const std::vector<Candidate>& found() const { return found_; }
  void add(const Candidate& candidate); // synced

private:
  SyncedLines file_;
  const Space& space_;
  std::vector<Candidate> found_;
};

// One line without its newline, and back.
std::string journal_line(const Space& space, const Candidate& candidate);
Candidate read_journal_line(const Space& space, const std::string& line, const std::string& where);
// Reads the candidates of a journal without a lock or checks of the header, for reports and
// --explain.
std::vector<Candidate> read_journal(const Space& space, const std::string& path);

} // namespace nasc
