// Spaces as text; parsing it gives the same space.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "ir/joined.h"
#include "polyhedral/search/space_text.h"

namespace nasc {

std::string number_text(double value) {
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, end};
}
namespace {

bool plain(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_.:/%+-").find(c) != std::string_view::npos;
  });
}
std::string word_text(const std::string& word) {
  if (plain(word))
    return word;
  std::string out = "\"";
  for (char c : word)
    out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out + "\"";
}
std::string conditions_text(const std::vector<Condition>& conditions) {
  std::vector<std::string> parts;
  for (const Condition& c : conditions)
    parts.push_back(c.attribute + (c.modulus ? text("%", c.modulus) : "") + c.relation +
                    (c.other.empty() ? std::to_string(c.value) : c.other));
  return "[" + joined(parts) + "]";
}

std::string choice_text(const Choice& c) {
  std::vector<std::string> parts;
  if (c.pick == Pick::intv || c.pick == Pick::floatv) {
    parts = {number_text(c.low), number_text(c.high)};
    if (c.scale != Scale::none)
      parts.emplace_back(name(c.scale));
  } else {
    if (c.pick == Pick::manyof)
      parts.push_back(c.k < 0 ? "*" : std::to_string(c.k));
    for (const SpaceValue& v : c.candidates)
      parts.push_back(text(v));
    if (c.pick == Pick::manyof && c.k >= 0) {
      if (c.distinct)
        parts.emplace_back("distinct");
      if (c.sorted)
        parts.emplace_back("sorted");
    }
  }
  return std::string(name(c.pick)) + "(" + joined(parts) + ")";
}
std::string point_text(const SpacePoint& p) {
  return std::string(p.inner ? "inner " : "") + p.name + " = " + text(p.value);
}
} // namespace

const char* name(Pick pick) {
  static const char* const kNames[] = {"oneof", "manyof", "permute", "intv", "floatv"};
  return kNames[static_cast<int>(pick)];
}
const char* name(Scale scale) {
  static const char* const kNames[] = {"none", "linear", "log", "rlog"};
  return kNames[static_cast<int>(scale)];
}

std::string text(const SpaceValue& v) {
  std::string out;
  std::vector<std::string> parts;
  switch (v.kind) {
  case SpaceValue::word:
    // Words that the grammar gives a meaning to come back only from quotes.
    out = v.text == "distinct" || v.text == "sorted" ? "\"" + v.text + "\"" : word_text(v.text);
    break;
  case SpaceValue::reference:
    out = "$" + v.text;
    break;
  case SpaceValue::choice:
    out = choice_text(v.choices[0]);
    break;
  case SpaceValue::list:
  case SpaceValue::call:
    for (size_t i = 0; i < v.items.size(); ++i)
      parts.push_back((v.kind == SpaceValue::call ? v.names[i] + "=" : "") + text(v.items[i]));
    out =
        v.kind == SpaceValue::call ? v.text + "(" + joined(parts) + ")" : "[" + joined(parts) + "]";
    break;
  }
  if (!v.when.empty())
    out += " when" + conditions_text(v.when);
  if (!v.points.empty()) {
    out += " {";
    for (const SpacePoint& p : v.points)
      out += (&p == v.points.data() ? " " : "; ") + point_text(p);
    out += " }";
  }
  return out;
}

std::string text(const Selector& s) {
  std::string out;
  for (const auto& op : s.operators)
    out += (out.empty() ? "" : "|") + op;
  if (!s.conditions.empty())
    out += conditions_text(s.conditions);
  return s.names == "*" ? out : out + " \"" + s.names + "\"";
}

std::string text(const SpaceText& space) {
  std::string out;
  for (const SpaceBlock& b : space.blocks) {
    static const char* const kPer[] = {"", " per class", " per all"};
    out += b.section.empty() ? std::string(b.optional ? "optional " : "") + "on " +
                                   text(b.selector) + kPer[static_cast<int>(b.per)]
                             : b.section;
    out += " {\n";
    for (const SpacePoint& p : b.points)
      out += "  " + point_text(p) + "\n";
    out += "}\n";
  }
  return out;
}

SpaceText merged(const SpaceText& first, const SpaceText& second) {
  SpaceText out = first;
  out.blocks.insert(out.blocks.end(), second.blocks.begin(), second.blocks.end());
  return out;
}

} // namespace nasc
