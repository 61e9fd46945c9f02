// Tables as comma separated values, plain or compressed by gzip.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace nasc {

// Cells as text, without quoting (tables of numbers and codes). Every row has a cell per column.
struct CsvTable {
  std::string file;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  size_t column(const std::string& name) const; // throws UserError bad_file with a suggestion
  std::vector<double> numbers(const std::string& name) const;
  std::unordered_map<std::string, size_t> index(const std::string& name) const; // cell -> row
};
// Throws UserError no_input, bad_file FILE:LINE, or limit (256 MiB).
CsvTable read_csv(const std::string& file);

} // namespace nasc
