// Where shared test data lies: NASC_TEST_DATA, else ../shared/data beside the checkout; a clone may have neither.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace nasc {

// The folder or file `part` of the test data; when it is absent, prints why the caller skips and returns nothing.
inline std::optional<std::filesystem::path> test_data(const std::string& part) {
  const char* named = std::getenv("NASC_TEST_DATA");
  std::filesystem::path root = named ? named : std::filesystem::path(NASC_SOURCE_DIR) / ".." / "shared" / "data";
  if (std::filesystem::exists(root / part)) return root / part;
  std::printf("skipped: no test data at %s\n", (root / part).lexically_normal().c_str());
  return std::nullopt;
}

}  // namespace nasc
