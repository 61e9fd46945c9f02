// Einsum: the equation is the definition; the hook only spells it in our notation.
#include <algorithm>
#include <cctype>

#include "frontend/op.h"

namespace nasc {
namespace {

// "bij, bjk -> bik" as terms of letters; '.' stands for an ellipsis.
struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

Equation parse_equation(const std::string& source) {
  auto bad = [&](const std::string& why) -> UserError {
    return UserError(code::bad_attribute, "", "attribute equation '" + escaped(source) + "': " + why);
  };
  std::string all;
  for (size_t k = 0; k < source.size(); ++k) {
    char c = source[k];
    if (c == ' ') continue;
    if (source.compare(k, 3, "...") == 0) all += '.', k += 2;
    else if (source.compare(k, 2, "->") == 0) all += '>', ++k;
    else if (std::isalpha(static_cast<unsigned char>(c)) || c == ',') all += c;
    else throw bad("unexpected character");
  }
  Equation out;
  size_t arrow = all.find('>');
  if (arrow != std::string::npos && all.find('>', arrow + 1) != std::string::npos) throw bad("two arrows");
  std::string left = all.substr(0, arrow);
  for (size_t begin = 0;;) {
    size_t comma = left.find(',', begin);
    out.inputs.push_back(left.substr(begin, comma - begin));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  if (arrow != std::string::npos) {
    out.output = all.substr(arrow + 1);
    if (out.output.find(',') != std::string::npos) throw bad("two outputs");
  } else {  // implicit: the ellipsis, then letters that occur once, in alphabetical order
    std::string letters;
    for (char c : left)
      if (c != ',' && c != '.' && std::count(left.begin(), left.end(), c) == 1) letters += c;
    std::sort(letters.begin(), letters.end());
    out.output = (left.find('.') != std::string::npos ? "." : "") + letters;
  }
  for (size_t k = 0; k < out.output.size(); ++k)
    if (out.output.find(out.output[k], k + 1) != std::string::npos || left.find(out.output[k]) == std::string::npos)
      throw bad("an output letter repeats or is in no input");
  return out;
}

// Letters keep their case: extent E_a or F_a, iterator a or aa.
std::string extent_of(char c) { return std::string(std::isupper(static_cast<unsigned char>(c)) ? "F_" : "E_") + c; }
std::string iterator_of(char c) {
  std::string low(1, static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return std::isupper(static_cast<unsigned char>(c)) ? "it_" + low + "2" : "it_" + low;
}

Instance make(const OpDef&, const Graph& graph, const Node& node) {
  auto it = node.attributes.find("equation");
  const std::string* source = it == node.attributes.end() ? nullptr : std::get_if<std::string>(&it->second);
  if (!source) throw UserError(code::bad_attribute, "", "attribute equation is missing or no string");
  Equation e = parse_equation(*source);
  if (e.inputs.size() != node.inputs.size())
    throw UserError(code::bad_attribute, "",
                    text("attribute equation '", escaped(*source), "' has ", e.inputs.size(), " terms for ", node.inputs.size(), " inputs"));
  std::string in = "type T: num\nin ", dots = "[]", product, reduced, ranges;
  for (size_t k = 0; k < e.inputs.size(); ++k) {
    std::string dims, index;
    for (char c : e.inputs[k]) {
      dims += dims.empty() ? "" : ", ";
      index += index.empty() ? "" : ", ";
      if (c == '.') {
        dims += text("L", k, "..");
        index += text("tail(dots, L", k, ")");
        dots = text("broadcast(", dots, ", L", k, ")");
        continue;
      }
      dims += extent_of(c);
      index += iterator_of(c);
      if (e.output.find(c) == std::string::npos && reduced.find(c) == std::string::npos) reduced += c;
    }
    in += text(k ? ", " : "", "X", k, "[", dims, "]: T");
    product += text(k ? " * " : "", "X", k, "[", index, "]");
  }
  std::string shape, index;
  for (char c : e.output) {
    shape += (shape.empty() ? "" : ", ") + (c == '.' ? "D" : extent_of(c));
    index += (index.empty() ? "" : ", ") + (c == '.' ? "dots.." : iterator_of(c));
  }
  bool lost = e.output.find('.') == std::string::npos;  // an ellipsis that the output lacks is summed
  for (char c : reduced) ranges += (ranges.empty() ? " for " : ", ") + iterator_of(c) + " in " + extent_of(c);
  if (lost) ranges += (ranges.empty() ? " for " : ", ") + std::string("dots.. in D");
  std::string definition = in + "\nlet D = " + dots + "\nout Y[" + shape + "]: T\n" +
                           "def tail(i, L) = [surely(L[k] == 1) ? 0 : i[len(D) - len(L) + k] for k in range(len(L))]\n" +
                           "Y = 0\nY[" + index + "] += " + product + ranges;
  return instance_of(apply_einsum(*parse_einsum(definition), call_of(graph, node)));
}

const Registered<OpDef> einsum{{.name = "Einsum", .since = 12, .text = "", .hook = make}};

}  // namespace
}  // namespace nasc
