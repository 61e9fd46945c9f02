// Products of intervals read without isl's parser, which intersects them constraint by constraint.
#include <isl/constraint.h>
#include <isl/set.h>
#include <isl/space.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "ir/isl_box.h"

namespace nasc {
namespace {

// Names in any case that isl reads as something else.
bool is_word_of_isl(const std::string& name) {
  static const std::set<std::string> words = {
      "and",   "ceil", "ceild", "exists", "false", "floor", "floord", "implies", "infinity",
      "infty", "max",  "min",   "mod",    "nan",   "not",   "or",     "rat",     "true"};
  std::string lower = name;
  for (char& c : lower)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return words.count(lower) > 0;
}

// `{ S[n = 0, i, j] : 0 <= i < 8 and -1 <= j <= 3 + 1 }`, every dimension named and bounded once,
// nothing empty.
struct BoxText {
  const std::string& source;
  size_t at = 0;
  std::string tuple;
  std::vector<std::string> names;
  std::vector<std::pair<int64_t, int64_t>> intervals;

  void space() {
    while (at < source.size() && source[at] == ' ')
      ++at;
  }
  bool eat(std::string_view word) {
    space();
    if (source.compare(at, word.size(), word) != 0)
      return false;
    at += word.size();
    return true;
  }
  bool name(std::string& out) {
    space();
    auto part = [&](size_t k) {
      return k < source.size() &&
             (std::isalnum(static_cast<unsigned char>(source[k])) || source[k] == '_');
    };
    if (!part(at) || std::isdigit(static_cast<unsigned char>(source[at])))
      return false;
    size_t begin = at;
    while (part(at))
      ++at;
    out = source.substr(begin, at - begin);
    return !is_word_of_isl(out);
  }
  bool number(int64_t& out) {
    constexpr int64_t kMost = int64_t{1} << 40;
    bool minus = eat("-");
    space();
    if (at == source.size() || !std::isdigit(static_cast<unsigned char>(source[at])))
      return false;
    for (out = 0; at < source.size() && std::isdigit(static_cast<unsigned char>(source[at]));
         ++at) {
      out = out * 10 + (source[at] - '0');
      if (out > kMost)
        return false;
    }
    if (minus)
      out = -out;
    return true;
  }
  bool sum(int64_t& out) {
    if (!number(out))
      return false;
    while (eat("+")) {
      int64_t more = 0;
      if (!number(more))
        return false;
      out += more;
    }
    return true;
  }
  bool bound() {
    int64_t low = 0, high = 0;
    std::string iterator;
    if (!sum(low))
      return false;
    if (!eat("<="))
      return false;
    if (!name(iterator))
      return false;
    bool closed = eat("<=");
    if ((!closed && !eat("<")) || !sum(high))
      return false;
    if (!closed)
      --high;
    auto found = std::find(names.begin(), names.end(), iterator);
    if (found == names.end() || low > high)
      return false;
    auto& interval = intervals[static_cast<size_t>(found - names.begin())];
    if (interval.first <= interval.second)
      return false;
    interval = {low, high};
    return true;
  }
  bool read() {
    if (eat("[") && !(eat("]") && eat("->")))
      return false;
    if (!eat("{") || !name(tuple) || !eat("["))
      return false;
    do {
      std::string one;
      if (!name(one) || std::find(names.begin(), names.end(), one) != names.end())
        return false;
      names.push_back(one);
      intervals.emplace_back(1, 0);
      int64_t value = 0;
      if (!eat("="))
        continue;
      if (!sum(value))
        return false;
      intervals.back() = {value, value};
    } while (eat(","));
    if (!eat("]"))
      return false;
    if (eat(":"))
      do {
        if (!bound())
          return false;
      } while (eat("and "));
    if (!eat("}"))
      return false;
    space();
    return at == source.size() && std::all_of(intervals.begin(), intervals.end(),
                                              [](auto& i) { return i.first <= i.second; });
  }
};
} // namespace

isl::set box_set(const std::string& tuple, const std::vector<std::string>& names,
                 const std::vector<std::pair<int64_t, int64_t>>& intervals) {
  isl_space* space =
      isl_space_set_alloc(isl_context().get(), 0, static_cast<unsigned>(names.size()));
  space = isl_space_set_tuple_name(space, isl_dim_set, tuple.c_str());
  for (size_t k = 0; k < names.size(); ++k)
    space = isl_space_set_dim_name(space, isl_dim_set, static_cast<unsigned>(k), names[k].c_str());
  isl_local_space* local = isl_local_space_from_space(isl_space_copy(space));
  isl_basic_set* out = isl_basic_set_universe(space);
  for (size_t k = 0; k < names.size(); ++k) {
    auto add = [&](isl_constraint* c, int by, int64_t constant) {
      c = isl_constraint_set_coefficient_si(c, isl_dim_set, static_cast<int>(k), by);
      c = isl_constraint_set_constant_val(c, isl_val_int_from_si(isl_context().get(), constant));
      out = isl_basic_set_add_constraint(out, c);
    };
    auto [low, high] = intervals[k];
    if (low == high) {
      add(isl_constraint_alloc_equality(isl_local_space_copy(local)), -1, low);
      continue;
    }
    add(isl_constraint_alloc_inequality(isl_local_space_copy(local)), 1, -low);
    add(isl_constraint_alloc_inequality(isl_local_space_copy(local)), -1, high);
  }
  isl_local_space_free(local);
  return isl::manage(isl_set_from_basic_set(out));
}

isl::set read_set(const std::string& text) {
  BoxText box{text, 0, {}, {}, {}};
  return box.read() ? box_set(box.tuple, box.names, box.intervals) : isl::set(isl_context(), text);
}

} // namespace nasc
