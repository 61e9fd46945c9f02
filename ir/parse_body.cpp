// Parsing of assignments: index expressions and scalar bodies.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "ir/text.h"
#include "ir/text_reader.h"

namespace nasc {
namespace {
constexpr int kMaxDepth = 200;

struct Depth {
  int& depth;
  Depth(int& d, const TextReader& in) : depth(d) {
    if (++depth > kMaxDepth) in.fail_at(in.at, "nested too deeply", true);
  }
  ~Depth() { --depth; }
};

struct IndexParser {
  TextReader& in;
  const std::vector<std::string>& known;
  int depth = 0;

  std::string sum() {
    Depth scope(depth, in);
    std::string out = in.eat("-") ? "-" + term() : term();
    for (;;) {
      if (in.eat("+")) out += " + " + term();
      else if (in.eat("-")) out += " - " + term();
      else return out;
    }
  }
  std::string term() {
    std::string out = factor();
    for (;;) {
      if (in.eat("*")) out += "*" + factor();
      else if (in.eat("/")) out = "(" + out + ")/" + number();
      else if (in.eat("mod")) out = "((" + out + ") mod " + number() + ")";
      else return out;
    }
  }
  std::string number() { return std::to_string(in.integer()); }
  std::string factor() {
    if (in.eat("(")) {
      std::string out = "(" + sum() + ")";
      in.need(")");
      return out;
    }
    if (!in.at_word()) return number();
    size_t start = in.at;
    std::string name = in.word();
    if (name == "floor" && in.eat("(")) {
      std::string out = "floor(" + sum() + ")";
      in.need(")");
      return out;
    }
    if (std::find(known.begin(), known.end(), name) == known.end())
      in.fail_at(start, "unknown iterator or parameter '" + name + "'");
    return name;
  }
};

struct BodyParser {
  TextReader& in;
  const Program& program;
  std::string statement, prefix;  // "[N] -> { mac[i, j] -> "
  const std::vector<std::string>& iterators;
  std::vector<std::string> known;
  DType type = DType::f32;
  std::vector<Access> reads;
  std::map<std::string, int> read_of;
  int depth = 0;

  Access access(const std::string& tensor, size_t start) {
    const Tensor* t = program.find_tensor(tensor);
    if (!t) in.fail_at(start, "unknown tensor '" + tensor + "'");
    std::string map = prefix + tensor + "[" + parse_index_list(in, known) + "] }";
    try {
      Access a{tensor, isl::multi_aff(isl_context(), map)};
      if (static_cast<int>(a.map.size()) != t->rank()) in.fail_at(start, text("tensor ", tensor, " has rank ", t->rank()));
      return a;
    } catch (const isl::exception&) {
      in.fail_at(start, "index of '" + tensor + "' is not quasi-affine");
    }
  }
  ExprRef infix(int level) {
    Depth scope(depth, in);
    ExprRef left = primary();
    for (;;) {
      in.space();
      std::string symbol;
      for (size_t n : {2, 1}) {
        symbol = in.source.substr(in.at, n);
        if (int l = infix_level(symbol); l > 0 && symbol.size() == n) break;
        symbol.clear();
      }
      int l = symbol.empty() ? 0 : infix_level(symbol);
      if (l == 0 || l < level) return left;
      size_t start = in.at;
      in.at += symbol.size();
      left = build(find_fn(symbol)->fn, {left, infix(l + 1)}, start);
    }
  }
  ExprRef build(Fn fn, std::vector<ExprRef> args, size_t start) {
    const FnInfo& row = info(fn);
    if (static_cast<int>(args.size()) != row.arity) in.fail_at(start, text(row.name, " takes ", row.arity, " operands"));
    size_t first = fn == Fn::select ? 1 : 0;
    if (first && args[0]->dtype != DType::boolean) in.fail_at(start, "the condition of select is not a bool");
    for (size_t i = first; i < args.size(); ++i)
      if (args[i]->dtype != args[first]->dtype)
        in.fail_at(start, text("operands of ", row.name, " are ", name(args[first]->dtype), " and ", name(args[i]->dtype)));
    return apply(fn, std::move(args));
  }
  ExprRef suffixed(const std::string& digits, size_t start) {
    DType t = type;
    if (in.peek() == ':') {
      in.need(":");
      std::string name = in.word();
      const DTypeInfo* found = find_dtype(name);
      if (!found) in.fail_at(start, "unknown type '" + name + "'");
      t = found->type;
    }
    const char *begin = digits.data(), *end = begin + digits.size();
    if (is_float(t)) {
      double v = 0;
      if (digits == "nan") v = std::numeric_limits<double>::quiet_NaN();
      else if (auto r = std::from_chars(begin, end, v); r.ptr != end || r.ec != std::errc()) in.fail_at(start, "bad number");
      if (t == DType::f32) v = static_cast<float>(v);
      return constant(t, v);
    }
    int64_t v = 0;
    uint64_t u = 0;
    auto r = t == DType::u64 ? std::from_chars(begin, end, u) : std::from_chars(begin, end, v);
    if (r.ptr != end || r.ec != std::errc()) in.fail_at(start, text("bad number for ", name(t)));
    return constant_int(t, t == DType::u64 ? static_cast<int64_t>(u) : v);
  }
  ExprRef primary() {
    char c = in.peek();
    size_t start = in.at;
    if (in.eat("(")) {
      ExprRef e = infix(0);
      in.need(")");
      return e;
    }
    if (!in.at_word()) {
      std::string digits;
      if (c == '-') digits += in.source[in.at++];
      while (in.at < in.source.size() && digits.size() < 64) {
        char d = in.source[in.at];
        bool sign = (d == '-' || d == '+') && !digits.empty() && (digits.back() == 'e' || digits.back() == 'E');
        if (!is_word(d) && d != '.' && !sign) break;
        digits += d;
        ++in.at;
      }
      if (digits.empty() || digits == "-") in.fail_at(start, "expected an expression");
      return suffixed(digits, start);
    }
    std::string word = in.word();
    if (word == "true" || word == "false") return constant_int(DType::boolean, word == "true");
    if (word == "nan" || word == "inf") return suffixed(word, start);
    if (in.eat("[")) {
      Access a = access(word, start);
      std::string key = text(a.map);
      auto [it, fresh] = read_of.try_emplace(key, static_cast<int>(reads.size()));
      if (fresh) reads.push_back(a);
      return read(it->second, program.tensor(word).dtype);
    }
    if (in.peek() == '(') return call(word, start);
    auto it = std::find(iterators.begin(), iterators.end(), word);
    if (it == iterators.end()) in.fail_at(start, "unknown name '" + word + "'");
    return iterator(static_cast<int>(it - iterators.begin()));
  }
  ExprRef call(const std::string& word, size_t start) {
    if (word == "extent") {
      size_t inner = in.at;
      std::string source = in.balanced();
      try {
        return extent(Extent::parse(source.substr(1, source.size() - 2)));
      } catch (const UserError& e) {
        in.fail_at(inner, e.what());
      }
    }
    in.need("(");
    std::vector<ExprRef> args;
    do args.push_back(infix(0));
    while (in.eat(","));
    in.need(")");
    if (const DTypeInfo* t = find_dtype(word)) {
      if (args.size() != 1) in.fail_at(start, "a cast takes one operand");
      return cast(t->type, args[0]);
    }
    const FnInfo* row = find_fn(word);
    if (!row || row->arity == 0 || row->fn == Fn::cast) in.fail_at(start, "unknown function '" + word + "'");
    return build(row->fn, std::move(args), start);
  }
};
}  // namespace

std::string parse_index_list(TextReader& in, const std::vector<std::string>& known) {
  std::string out;
  if (in.eat("]")) return out;
  IndexParser parser{in, known};
  do out += (out.empty() ? "" : ", ") + parser.sum();
  while (in.eat(","));
  in.need("]");
  return out;
}

Assignment parse_assignment(TextReader& in, const Program& program, const std::string& statement,
                            const std::vector<std::string>& iterators, const std::vector<std::string>& parameters) {
  std::string prefix = "[", tuple;
  for (const auto& p : parameters) prefix += (prefix.size() > 1 ? ", " : "") + p;
  for (const auto& i : iterators) tuple += (tuple.empty() ? "" : ", ") + i;
  prefix += "] -> { " + statement + "[" + tuple + "] -> ";
  std::vector<std::string> known = iterators;
  known.insert(known.end(), parameters.begin(), parameters.end());
  BodyParser parser{in, program, statement, prefix, iterators, known, DType::f32, {}, {}, 0};

  in.space();
  size_t start = in.at;
  std::string tensor = in.word();
  in.need("[");
  Access write = parser.access(tensor, start);
  parser.type = program.tensor(tensor).dtype;
  std::optional<Combine> combine;
  for (const char* symbol : {"max=", "min=", "+=", "*=", "="})
    if (!combine && in.eat(symbol)) combine = find_combine(symbol);
  if (!combine) in.fail("expected = += *= max= or min=");
  in.space();
  start = in.at;
  ExprRef body = parser.infix(0);
  if (body->dtype != parser.type)
    in.fail_at(start, text("the body is ", name(body->dtype), ", tensor ", tensor, " ", name(parser.type)));
  return {write, std::move(parser.reads), *combine, body};
}

}  // namespace nasc
