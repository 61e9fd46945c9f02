// NAME=SOURCE, seeded values and test data sets.
#include "tools/run_inputs.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "ir/diag.h"
#include "tools/tensor_file.h"

namespace nasc {
namespace fs = std::filesystem;
namespace {

int64_t integer(const std::string& word, const std::string& where) {
  int64_t value = -1;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 0)
    throw UserError(code::usage, where, text("\"", escaped(word), "\" is no number >= 0"));
  return value;
}

std::map<std::string, int64_t> extents_of(const std::vector<std::string>& dims) {
  std::map<std::string, int64_t> out;
  for (const auto& d : dims) {
    size_t equals = d.rfind('=');
    if (equals == std::string::npos || equals == 0)
      throw UserError(code::usage, "--dim", text("\"", escaped(d), "\" is not NAME=N"));
    out[d.substr(0, equals)] = integer(d.substr(equals + 1), "--dim");
  }
  return out;
}

std::vector<int64_t> random_shape(const nasc_io& io,
                                  const std::map<std::string, int64_t>& extents) {
  constexpr std::string_view kPrefix = "dim_"; // of parameters made from the model's names
  std::vector<int64_t> shape;
  for (int32_t d = 0; d < io.rank; ++d) {
    if (io.dims[d].extent >= 0) {
      shape.push_back(io.dims[d].extent);
      continue;
    }
    std::string symbol = io.dims[d].symbol ? io.dims[d].symbol : "";
    auto found = extents.find(symbol);
    if (found == extents.end() && symbol.starts_with(kPrefix))
      found = extents.find(symbol.substr(kPrefix.size()));
    if (found == extents.end())
      throw UserError(code::usage, "--dim",
                      text("input \"", escaped(io.name), "\" is ", shape_text(io), ": give --dim ",
                           escaped(symbol), "=N"));
    shape.push_back(found->second);
  }
  return shape;
}

int64_t number_at_end(const std::string& stem) {
  size_t digit = stem.find_last_not_of("0123456789") + 1;
  int64_t value = -1;
  std::from_chars(stem.data() + digit, stem.data() + stem.size(), value);
  return value;
}

} // namespace

std::string shape_text(const nasc_io& io) {
  std::string out;
  for (int32_t d = 0; d < io.rank; ++d) {
    out += d ? ", " : "";
    out += io.dims[d].extent >= 0 ? std::to_string(io.dims[d].extent)
           : io.dims[d].symbol    ? escaped(io.dims[d].symbol)
                                  : "?";
  }
  return text(name(static_cast<DType>(io.dtype)), "[", out, "]");
}

HostTensor random_tensor(DType type, std::vector<int64_t> shape, uint64_t seed) {
  HostTensor out = zeros(type, std::move(shape));
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull;
  for (int64_t i = 0, n = out.count(); i < n; ++i) {
    state += 0x9e3779b97f4a7c15ull; // splitmix64
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    double value = type == DType::boolean ? static_cast<double>(z & 1)
                   : is_float(type)       ? static_cast<double>(z >> 40) / (1 << 23) - 1
                                          : static_cast<double>(z % 10);
    set(out, i, value);
  }
  return out;
}

std::vector<HostTensor> make_inputs(const nasc_info& info, const InputOptions& options,
                                    const std::string& where) {
  std::map<std::string, std::string> sources;
  std::vector<std::string> names;
  for (int32_t k = 0; k < info.n_inputs; ++k)
    names.emplace_back(info.inputs[k].name);
  for (const auto& given : options.given) {
    // a name may contain `=`: take the longest one that the model has
    std::string best;
    for (const auto& n : names)
      if (given.starts_with(n + "=") && n.size() >= best.size())
        best = n;
    size_t equals = best.empty() ? given.find('=') : best.size();
    if (equals == std::string::npos)
      throw UserError(code::usage, "--input",
                      text("\"", escaped(given), "\" is not NAME=FILE or NAME=random:SEED"));
    if (best.empty() && std::find(names.begin(), names.end(), "") == names.end()) {
      std::string word = given.substr(0, equals), near = nearest(word, names);
      throw UserError(code::usage, "--input",
                      text("the model has no input \"", escaped(word), "\"",
                           near.empty() ? "" : "; did you mean \"" + escaped(near) + "\"?"));
    }
    if (!sources.emplace(best, given.substr(equals + 1)).second)
      throw UserError(code::usage, "--input", text("input \"", escaped(best), "\" is given twice"));
  }
  std::map<std::string, int64_t> extents = extents_of(options.dims);
  std::vector<HostTensor> out;
  for (int32_t k = 0; k < info.n_inputs; ++k) {
    const nasc_io& io = info.inputs[k];
    auto source = sources.find(io.name);
    std::string value = source != sources.end() ? source->second
                        : options.random        ? "random:" + std::to_string(k)
                                                : "";
    if (value.empty())
      throw UserError(code::usage, where,
                      text("input \"", escaped(io.name), "\" ", shape_text(io),
                           " is not given; use --input or --random"));
    if (value.starts_with("random:"))
      out.push_back(random_tensor(static_cast<DType>(io.dtype), random_shape(io, extents),
                                  static_cast<uint64_t>(integer(value.substr(7), "--input"))));
    else
      out.push_back(read_tensor_file(value));
  }
  return out;
}

std::vector<HostTensor> read_data_set(const std::string& directory, const std::string& kind) {
  std::vector<HostTensor> out;
  for (size_t k = 0;; ++k) {
    std::string path = text(directory, "/", kind, "_", k, ".pb");
    if (!fs::exists(path))
      return out;
    out.push_back(read_tensor_file(path));
  }
}

std::vector<std::string> data_sets(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.is_directory(error) && entry.path().filename().string().starts_with("test_data_set_"))
      out.push_back(entry.path().string());
  if (error)
    throw UserError(code::no_input, directory, error.message());
  std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return std::pair(number_at_end(a), a) < std::pair(number_at_end(b), b);
  });
  if (out.empty() &&
      (fs::exists(directory + "/input_0.pb") || fs::exists(directory + "/output_0.pb")))
    out.push_back(directory);
  if (out.empty())
    throw UserError(code::no_input, directory, "has no test_data_set_* folder");
  return out;
}

} // namespace nasc
