// zlib reads both kinds.
#include "tools/search/csv.h"

#include <zlib.h>

#include <charconv>
#include <memory>

#include "ir/diag.h"

namespace nasc {
namespace {
constexpr size_t kMaxBytes = size_t{256} << 20;

std::string contents(const std::string& file) {
  std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose);
  if (!in)
    throw UserError(code::no_input, file, "cannot read this table");
  std::string out;
  std::vector<char> buffer(1 << 16);
  int n = 0;
  while ((n = gzread(in.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    out.append(buffer.data(), static_cast<size_t>(n));
    if (out.size() > kMaxBytes)
      throw UserError(code::limit, file, "table is larger than 256 MiB");
  }
  int error = Z_OK;
  gzerror(in.get(), &error);
  if (n < 0 || error != Z_OK)
    throw UserError(code::bad_file, file, "damaged gzip file");
  return out;
}

std::vector<std::string> cells(std::string_view line) {
  std::vector<std::string> out;
  while (true) {
    size_t comma = line.find(',');
    out.emplace_back(line.substr(0, comma));
    if (comma == std::string_view::npos)
      return out;
    line.remove_prefix(comma + 1);
  }
}
} // namespace

CsvTable read_csv(const std::string& file) {
  std::string all = contents(file);
  CsvTable out;
  out.file = file;
  std::string_view left = all;
  for (size_t number = 1; !left.empty(); ++number) {
    size_t end = left.find('\n');
    std::string_view line = left.substr(0, end);
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (line.empty())
      continue;
    std::vector<std::string> row = cells(line);
    if (out.columns.empty()) {
      out.columns = std::move(row);
      continue;
    }
    if (row.size() != out.columns.size())
      throw UserError(code::bad_file, text(file, ":", number),
                      text(row.size(), " cells in a table of ", out.columns.size(), " columns"));
    out.rows.push_back(std::move(row));
  }
  if (out.rows.empty())
    throw UserError(code::bad_file, file, "a table without rows");
  return out;
}

size_t CsvTable::column(const std::string& name) const {
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i] == name)
      return i;
  std::string near = nearest(name, columns);
  throw UserError(code::bad_file, file,
                  text("no column ", name, near.empty() ? "" : "; the nearest is " + near));
}

std::vector<double> CsvTable::numbers(const std::string& name) const {
  size_t c = column(name);
  std::vector<double> out;
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::string& cell = rows[r][c];
    double value = 0;
    auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size())
      throw UserError(code::bad_file, text(file, ":", r + 2),
                      text(name, ": \"", escaped(cell), "\" is no number"));
    out.push_back(value);
  }
  return out;
}

std::unordered_map<std::string, size_t> CsvTable::index(const std::string& name) const {
  size_t c = column(name);
  std::unordered_map<std::string, size_t> out;
  for (size_t r = 0; r < rows.size(); ++r)
    out.emplace(rows[r][c], r);
  return out;
}

} // namespace nasc
