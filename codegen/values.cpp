// Collection of symbolic values and the evaluate function as LLVM IR text.
#include "codegen/values.h"

namespace nasc {
namespace {

// Straight-line IR of one extent; every overflow and division by zero raises the flag %bad.
struct EvaluateWriter {
  std::string body;
  const std::map<std::string, int>& index;
  int next = 0;
  std::string bad = "false";
  // Computed so far, by text: the extents of a network repeat each other.
  std::map<std::string, std::string> atoms = {}, sums = {};

  std::string fresh() { return "%t" + std::to_string(next++); }
  void line(const std::string& s) { body += "  " + s + "\n"; }
  void raise(const std::string& flag) {
    std::string r = fresh();
    line(r + " = or i1 " + bad + ", " + flag);
    bad = r;
  }
  std::string checked(const char* op, const std::string& a, const std::string& b) {
    std::string pair = fresh(), value = fresh(), flag = fresh();
    line(pair + " = call {i64, i1} @llvm.s" + op + ".with.overflow.i64(i64 " + a + ", i64 " + b + ")");
    line(value + " = extractvalue {i64, i1} " + pair + ", 0");
    line(flag + " = extractvalue {i64, i1} " + pair + ", 1");
    raise(flag);
    return value;
  }
  std::string floor_division(const std::string& a, const std::string& b) {
    std::string zero = fresh(), safe = fresh(), q = fresh(), r = fresh(), odd = fresh(), x = fresh(), neg = fresh(),
                down = fresh(), one = fresh(), result = fresh();
    line(zero + " = icmp sle i64 " + b + ", 0");
    raise(zero);
    line(safe + " = select i1 " + zero + ", i64 1, i64 " + b);
    line(q + " = sdiv i64 " + a + ", " + safe);
    line(r + " = srem i64 " + a + ", " + safe);
    line(odd + " = icmp ne i64 " + r + ", 0");
    line(x + " = xor i64 " + a + ", " + safe);
    line(neg + " = icmp slt i64 " + x + ", 0");
    line(down + " = and i1 " + odd + ", " + neg);
    line(one + " = zext i1 " + down + " to i64");
    line(result + " = sub i64 " + q + ", " + one);
    return result;
  }
  std::string atom(const Extent::Atom& a) {
    auto [known, is_new] = atoms.try_emplace(a.text);
    return is_new ? known->second = new_atom(a) : known->second;
  }
  std::string new_atom(const Extent::Atom& a) {
    if (a.kind == Extent::Atom::parameter) {
      std::string p = fresh(), v = fresh();
      line(p + " = getelementptr i64, ptr %values, i64 " + std::to_string(index.at(a.text)));
      line(v + " = load i64, ptr " + p);
      return v;
    }
    std::string x = value(a.a), y = value(a.b);
    if (a.kind == Extent::Atom::floordiv) return floor_division(x, y);
    std::string r = fresh();
    line(r + " = call i64 @llvm.s" + (a.kind == Extent::Atom::max ? "max" : "min") + ".i64(i64 " + x + ", i64 " + y +
         ")");
    return r;
  }
  std::string value(const Extent& e) {
    auto [known, is_new] = sums.try_emplace(e.text());
    return is_new ? known->second = new_value(e) : known->second;
  }
  std::string new_value(const Extent& e) {
    std::string sum = "0";
    for (const auto& term : e.terms()) {
      std::string product = std::to_string(term.coefficient);
      for (const auto& a : term.atoms) product = checked("mul", product, atom(*a));
      sum = checked("add", sum, product);
    }
    return sum;
  }
};
}  // namespace

ValueTable::ValueTable(const Network& network) {
  for (size_t k = 0; k < network.inputs.size(); ++k) {
    const Buffer& b = network.buffers[network.inputs[k]];
    for (int d = 0; d < b.rank(); ++d) {
      std::vector<std::string> names = b.shape[d].parameters();
      if (names.size() != 1 || !(b.shape[d] == Extent::parameter(names[0])) || index_.count(names[0])) continue;
      index_[names[0]] = static_cast<int>(parameters_.size());
      parameters_.push_back({names[0], static_cast<int>(k), d});
    }
  }
  for (const auto& p : network.programs)
    for (const auto& [name, extent] : p->parameters()) {
      for (const auto& used : extent.parameters())
        if (!index_.count(used))
          throw UserError(code::unsupported_shape, p->name,
                          "extent " + used + " is not a dimension of any graph input; give it with --dim " + used + "=N");
      if (!index_.count(name)) add(extent);
    }
}

int ValueTable::add(const Extent& extent) {
  NASC_CHECK(!extent.is_constant()) << extent.text();
  for (const auto& used : extent.parameters())
    if (!index_.count(used))
      throw UserError(code::unsupported_shape, used, "extent " + used + " is not a dimension of any graph input");
  std::string key = extent.is_affine() ? extent.text() : isl_text(extent);
  auto [it, fresh] = index_.try_emplace(key, size());
  if (fresh) derived_.push_back(extent);
  return it->second;
}

std::string ValueTable::evaluate_ir() const {
  if (derived_.empty()) return "";
  EvaluateWriter w{"", index_};
  for (size_t k = 0; k < derived_.size(); ++k) {
    std::string v = w.value(derived_[k]), p = w.fresh();
    w.line(p + " = getelementptr i64, ptr %values, i64 " + std::to_string(parameters_.size() + k));
    w.line("store i64 " + v + ", ptr " + p);
  }
  std::string result = w.fresh();
  w.line(result + " = zext i1 " + w.bad + " to i32");
  return "define internal i32 @nasc_evaluate(ptr %values) {\n" + w.body + "  ret i32 " + result +
         "\n}\n"
         "declare {i64, i1} @llvm.smul.with.overflow.i64(i64, i64)\n"
         "declare {i64, i1} @llvm.sadd.with.overflow.i64(i64, i64)\n"
         "declare i64 @llvm.smax.i64(i64, i64)\n"
         "declare i64 @llvm.smin.i64(i64, i64)\n";
}

}  // namespace nasc
