// Printing of Programs and Networks.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "ir/isl_box.h"
#include "ir/text.h"
#include "ir/text_reader.h"

namespace nasc {
namespace {
std::string hex(uint64_t v) {
  char digits[16];
  auto end = std::to_chars(digits, digits + 16, v, 16).ptr;
  std::string s(digits, end);
  return "0x" + std::string(16 - s.size(), '0') + s;
}

// Iterator names that isl and the parser of bodies can read back, unique in the statement.
std::vector<std::string> printable_names(const Statement& s, const std::set<std::string>& taken) {
  std::vector<std::string> out;
  for (std::string n : s.iterators) {
    for (char& c : n)
      if (!is_word(c)) c = '_';
    if (n.empty() || (n[0] >= '0' && n[0] <= '9')) n = "i" + n;
    while (is_reserved(n) || taken.count(n) || std::find(out.begin(), out.end(), n) != out.end()) n += "_";
    out.push_back(n);
  }
  return out;
}

void add_term(std::string& sum, long c, const std::string& factor) {
  if (c == 0) return;
  std::string magnitude = std::to_string(c);
  if (c < 0) magnitude.erase(0, 1);
  sum += sum.empty() ? (c < 0 ? "-" : "") : c < 0 ? " - " : " + ";
  if (factor.empty()) sum += magnitude;
  else sum += (magnitude == "1" ? "" : magnitude + "*") + factor;
}
std::string index_text(const QuasiAff& q, const std::vector<std::string>& names) {
  std::string sum;
  for (size_t i = 0; i < q.linear.coefficients.size(); ++i) add_term(sum, q.linear.coefficients[i], names[i]);
  for (const auto& [name, c] : q.linear.parameters) add_term(sum, c, name);
  std::vector<std::pair<std::string, long>> floors;  // sorted: isl's order of divisions may change by parsing
  for (const auto& [c, inner] : q.floors) floors.emplace_back("floor(" + index_text(inner, names) + ")", c);
  std::sort(floors.begin(), floors.end());
  for (const auto& [text, c] : floors) add_term(sum, c, text);
  add_term(sum, q.linear.constant, "");
  if (sum.empty()) sum = "0";
  if (q.linear.denominator == 1) return sum;
  bool word = std::all_of(sum.begin(), sum.end(), is_word);
  return (word ? sum : "(" + sum + ")") + "/" + std::to_string(q.linear.denominator);
}
std::string access_text(const Access& a, const std::vector<std::string>& names) {
  std::string out = a.tensor + "[";
  for (unsigned d = 0; d < a.map.size(); ++d) out += (d ? ", " : "") + index_text(quasi(a.map.at(d)), names);
  return out + "]";
}

std::string number_text(DType type, double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  char digits[32];
  bool single = type != DType::f64 && static_cast<double>(static_cast<float>(v)) == v;
  auto end = single ? std::to_chars(digits, digits + 32, static_cast<float>(v)).ptr
                    : std::to_chars(digits, digits + 32, v).ptr;
  return {digits, end};
}

struct BodyPrinter {
  const Statement& s;
  const std::vector<std::string>& names;
  DType type;

  std::string constant(const Expr& e) const {
    if (e.dtype == DType::boolean) return e.integer ? "true" : "false";
    std::string n = is_float(e.dtype)          ? number_text(e.dtype, e.number)
                    : e.dtype == DType::u64 ? std::to_string(static_cast<uint64_t>(e.integer))
                                               : std::to_string(e.integer);
    return e.dtype == type ? n : n + ":" + name(e.dtype);
  }
  std::string text(const Expr& e, int outer) const {
    if (e.fn == Fn::constant) return constant(e);
    if (e.fn == Fn::read) return access_text(s.reads[e.index], names);
    if (e.fn == Fn::iterator) return names[e.index];
    if (e.fn == Fn::extent) return "extent(" + e.extent_value.text() + ")";
    const FnInfo& row = info(e.fn);
    if (row.infix) {
      int level = infix_level(row.infix);
      std::string out = text(*e.args[0], level) + " " + row.infix + " " + text(*e.args[1], level + 1);
      return level < outer ? "(" + out + ")" : out;
    }
    std::string out = e.fn == Fn::cast ? name(e.dtype) : row.name;
    for (size_t i = 0; i < e.args.size(); ++i) out += (i ? ", " : "(") + text(*e.args[i], 0);
    return out + ")";
  }
};

std::string tensor_text(const Tensor& t, bool canonical) {
  std::string out = t.name + " : " + name(t.dtype) + text(t.shape) + " " + name(t.role);
  if (t.layout && !is_row_major(t)) out += " layout " + text(layout_of(t));
  if (t.payload || t.payload.digest) out += " hash " + hex(hash(t.payload)) + " bytes " + std::to_string(t.payload.size);
  if (!canonical && !t.original.empty()) out += " original " + quoted(t.original);
  return out + "\n";
}

// A fixpoint of printing and parsing.
std::string settled_text(const std::string& first) {
  std::vector<std::string> seen = {first};
  for (int step = 0; step < 64; ++step) {
    std::string next = text(read_set(seen.back()));
    auto cycle = std::find(seen.begin(), seen.end(), next);
    if (cycle != seen.end()) return *std::min_element(cycle, seen.end());
    seen.push_back(next);
  }
  return seen.back();
}

// isl's text of a set. Parsing it may order disjuncts otherwise and drop redundant constraints: follow that to its end
// (of a cycle, the least text), so that printing what was parsed gives the same text.
std::string set_text(const isl::set& set, const std::vector<std::string>& names) {
  constexpr size_t kMost = 20'000, kMostSets = 2048;
  struct Printed {
    isl::set set;  // keeps its address
    std::string text;
  };
  static thread_local std::map<std::pair<isl_set*, std::vector<std::string>>, Printed> printed;  // as layouts change, sets do not
  auto shown = printed.find({set.get(), names});
  if (shown != printed.end()) return shown->second.text;
  static thread_local std::map<std::string, std::string> known;  // parsing is most of a Program's text
  const std::string first = text(with_dim_names(set, names));
  auto it = known.find(first);
  if (it == known.end()) {
    if (known.size() >= kMost) known.clear();
    std::string settled = settled_text(first);
    check_isl_quota();
    it = known.emplace(first, std::move(settled)).first;
  }
  if (printed.size() >= kMostSets) printed.clear();
  printed.emplace(std::pair(set.get(), names), Printed{set, it->second});
  return it->second;
}

std::string statement_text(const Program& p, const Statement& s, const std::string& indent) {
  std::set<std::string> taken;
  for (const auto& [parameter, extent] : p.parameters()) taken.insert(parameter);
  std::vector<std::string> names = printable_names(s, taken);
  std::string domain = set_text(s.domain, names), box = set_text(s.box, names);
  std::string out = indent + "stmt " + s.name + (s.reassociable ? " " : " ordered ") + domain + "\n";
  if (box != domain) out += indent + "  box " + box + "\n";
  BodyPrinter body{s, names, p.tensor(s.write.tensor).dtype};
  return out + indent + "  " + access_text(s.write, names) + " " + symbol(s.combine) + " " + body.text(*s.body, 0) + "\n";
}

std::string program_text(const Program& p, const std::string& indent, bool canonical) {
  std::string out = indent + "program";
  if (!canonical) {
    out += " " + name_text(p.name);
    if (!p.origin.empty()) out += " origin " + quoted(p.origin);
  }
  if (p.phase != Phase::run) out += std::string(" phase ") + name(p.phase);
  out += " {\n";
  for (const Tensor& t : p.tensors) out += indent + "  tensor " + tensor_text(t, canonical);
  for (const Statement& s : p.statements) out += "\n" + statement_text(p, s, indent + "  ");
  return out + indent + "}\n";
}
}  // namespace

std::string print(const Program& program) { return program_text(program, "", false); }
std::string canonical_text(const Program& program) { return program_text(program, "", true); }

std::string print(const Network& n) {
  auto list = [&](const std::vector<int>& buffers) {
    std::string out;
    for (int b : buffers) out += (out.empty() ? "" : ", ") + n.buffers[b].name;
    return out;
  };
  std::string out = "network " + name_text(n.name) + (n.model_hash ? " hash " + hex(n.model_hash) : "") + " {\n";
  for (const Buffer& b : n.buffers) {
    std::string line = tensor_text(b, false);
    std::string part = b.part ? text(" part ", b.part->dim, ":", b.part->at) : "";
    if (b.alias_of >= 0) line.insert(line.size() - 1, " alias " + n.buffers[b.alias_of].name + part);
    out += "  buffer " + line;
  }
  for (const auto& p : n.programs) out += "\n" + program_text(*p, "  ", false);
  out += "\n  inputs [" + list(n.inputs) + "]\n  outputs [" + list(n.outputs) + "]\n";
  for (const Call& c : n.calls) {
    out += "  call " + std::to_string(c.program) + " " + name_text(n.programs[c.program]->name) + "(" + list(c.args) + ")";
    out += c.name.empty() ? "\n" : " " + quoted(c.name) + "\n";
  }
  return out + "}\n";
}

}  // namespace nasc
