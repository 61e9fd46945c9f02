// Where test data lies that is no part of the project; tests skip with a printed reason when it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace nasc {

// NASC_TEST_DATA, else ../shared/data beside the checkout or beside its parent folder.
inline std::optional<std::filesystem::path> test_data(const std::string& folder) {
  std::vector<std::filesystem::path> places;
  if (const char* set = std::getenv("NASC_TEST_DATA")) places.push_back(set);
  std::filesystem::path up = std::filesystem::path(NASC_SOURCE_DIR).parent_path();
  places.push_back(up / "shared/data");
  places.push_back(up.parent_path() / "shared/data");
  for (const auto& p : places)
    if (std::filesystem::exists(p / folder)) return p / folder;
  std::cout << "skipped: no test data " << folder << " (set NASC_TEST_DATA)\n";
  return std::nullopt;
}

// Lines of a tab-separated table, without its heading.
inline std::vector<std::vector<std::string>> table(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> row{""};
    for (char c : line)
      if (c == '\t') row.emplace_back();
      else row.back() += c;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace nasc
