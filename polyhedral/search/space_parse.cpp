// Recursive descent over the tokens of a space text.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "polyhedral/search/space_lexer.h"
#include "polyhedral/search/space_text.h"

namespace nasc {
namespace {
constexpr int kMaxDepth = 40;
constexpr size_t kMaxCandidates = 4096;
constexpr double kMaxInteger = 1e9;

template <class T> std::optional<T> number(const std::string& s) {
  T value{};
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || end != s.data() + s.size())
    return {};
  return value;
}

class Parser {
public:
  Parser(const std::string& text, std::string file)
      : file_(std::move(file)), tokens_(space_tokens(text, file_)) {}

  SpaceText space() {
    SpaceText out;
    while (peek().kind != SpaceToken::end)
      out.blocks.push_back(block());
    return out;
  }

private:
  // --- tokens
  const SpaceToken& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  SpaceToken take() {
    SpaceToken t = peek();
    at_ = std::min(at_ + 1, tokens_.size() - 1);
    return t;
  }
  bool is(const char* mark, size_t ahead = 0) const {
    return peek(ahead).kind == SpaceToken::mark && peek(ahead).text == mark;
  }
  bool is_word(const char* word) const {
    return peek().kind == SpaceToken::word && peek().text == word;
  }
  bool accept(const char* mark) { return is(mark) && (take(), true); }
  bool accept_word(const char* word) { return is_word(word) && (take(), true); }
  [[noreturn]] void fail(const std::string& what, int line = 0) const {
    throw UserError(code::bad_text, nasc::text(file_, ":", line ? line : peek().line), what);
  }
  void expect(const char* mark) {
    if (!accept(mark))
      fail(nasc::text("expected ", mark, ", found ", escaped(peek().text)));
  }
  std::string word(const char* what) {
    if (peek().kind != SpaceToken::word)
      fail(nasc::text("expected ", what, ", found ", escaped(peek().text)));
    return take().text;
  }
  int64_t integer(const char* what) {
    SpaceToken t = peek();
    auto value = number<int64_t>(word(what));
    if (!value)
      fail(nasc::text("expected ", what, ", found ", escaped(t.text)), t.line);
    return *value;
  }

  // --- blocks
  SpaceBlock block() {
    SpaceBlock out;
    out.file = file_, out.line = peek().line;
    out.optional = accept_word("optional");
    if (accept_word("on")) {
      out.selector = selector();
      if (accept_word("per"))
        out.per = per();
    } else {
      if (out.optional)
        fail("expected on after optional");
      out.section = word("a block: on SELECTOR {, or NAME {");
    }
    section_ = !out.section.empty();
    expect("{");
    points(out.points, "", false);
    if (out.points.empty())
      fail("a block without points", out.line);
    return out;
  }

  Per per() {
    SpaceToken t = take();
    static const std::vector<std::string> kNames = {"layer", "class", "all"};
    auto found = std::find(kNames.begin(), kNames.end(), t.text);
    if (found == kNames.end())
      fail("expected layer, class or all after per, found " + escaped(t.text), t.line);
    return static_cast<Per>(found - kNames.begin());
  }

  Selector selector() {
    Selector out;
    do {
      std::string op;
      for (bool after_word = false;
           is("*") || is("?") || (!after_word && peek().kind == SpaceToken::word);) {
        after_word = peek().kind == SpaceToken::word;
        op += take().text;
      }
      if (op.empty())
        fail("expected an operator pattern, found " + escaped(peek().text));
      out.operators.push_back(op);
    } while (accept("|"));
    if (is("["))
      out.conditions = conditions("[", "]");
    else if (is("("))
      out.conditions = conditions("(", ")");
    if (peek().kind == SpaceToken::quoted)
      out.names = take().text;
    return out;
  }

  std::vector<Condition> conditions(const char* open, const char* close) {
    std::vector<Condition> out;
    expect(open);
    while (!accept(close)) {
      if (!out.empty())
        expect(",");
      SpaceToken start = peek();
      Condition c;
      c.attribute = word("an attribute");
      if (size_t percent = c.attribute.find('%'); percent != std::string::npos) {
        c.modulus = number<int64_t>(c.attribute.substr(percent + 1)).value_or(0);
        if (c.modulus < 1)
          fail("expected a positive number after %", start.line);
        c.attribute.resize(percent);
      }
      check_attribute(c.attribute, start.line);
      static const std::vector<std::string> kRelations = {"=", "!=", "<", "<=", ">", ">="};
      c.relation = take().text;
      if (std::find(kRelations.begin(), kRelations.end(), c.relation) == kRelations.end())
        fail("expected = != < <= > or >=, found " + escaped(c.relation), start.line);
      std::string right = word("a number or an attribute");
      if (auto value = number<int64_t>(right))
        c.value = *value;
      else
        check_attribute(c.other = right, start.line);
      out.push_back(c);
    }
    return out;
  }
  void check_attribute(const std::string& name, int line) const {
    const auto& known = layer_attributes();
    if (std::find(known.begin(), known.end(), name) != known.end())
      return;
    std::string near = nearest(name, known);
    fail(nasc::text("no attribute ", escaped(name),
                    near.empty() ? "" : "; did you mean " + near + "?"),
         line);
  }

  // Points up to and with the closing brace; names of earlier ones can be referred to.
  void points(std::vector<SpacePoint>& out, const std::string& prefix, bool inner) {
    size_t scope = names_.size();
    while (!accept("}")) {
      if (accept(";"))
        continue;
      SpacePoint p;
      p.line = peek().line;
      p.inner = accept_word("inner") || inner;
      p.name = prefix + word("a point NAME = VALUE");
      if (accept("{")) {
        points(out, p.name + ".", p.inner);
        continue;
      }
      expect("=");
      p.value = value(0, prefix, true);
      if (std::any_of(out.begin(), out.end(), [&](const auto& q) { return q.name == p.name; }))
        fail("point " + p.name + " is given twice", p.line);
      names_.push_back(p.name);
      out.push_back(std::move(p));
    }
    if (prefix.empty())
      names_.resize(scope);
  }

  // --- values
  SpaceValue value(int depth, const std::string& prefix, bool candidate) {
    if (depth > kMaxDepth)
      throw UserError(code::limit, nasc::text(file_, ":", peek().line), "values nest too deeply");
    SpaceValue out = primary(depth, prefix);
    if (candidate && accept_word("when"))
      out.when = conditions("[", "]");
    if (candidate && accept("{"))
      points(out.points, "", false);
    return out;
  }

  SpaceValue primary(int depth, const std::string& prefix) {
    SpaceValue out;
    if (accept("[")) {
      out.kind = SpaceValue::list;
      values(out.items, "]", depth, prefix, false);
    } else if (accept("$")) {
      out.kind = SpaceValue::reference;
      out.text = referred(word("a name after $"), prefix);
    } else if (peek().kind == SpaceToken::quoted || !is("(", 1)) {
      if (peek().kind == SpaceToken::quoted)
        out.text = take().text;
      else
        out.text = word("a value");
    } else if (auto pick = choice_name(peek().text)) {
      int line = take().line;
      take();
      out.kind = SpaceValue::choice;
      out.choices.push_back(*pick == Pick::intv || *pick == Pick::floatv
                                ? range(*pick, line)
                                : choice(*pick, line, depth, prefix));
    } else {
      call(out, depth, prefix);
    }
    return out;
  }

  static std::optional<Pick> choice_name(const std::string& word) {
    for (Pick p : {Pick::oneof, Pick::manyof, Pick::permute, Pick::intv, Pick::floatv})
      if (word == name(p))
        return p;
    return {};
  }

  std::string referred(const std::string& name, const std::string& prefix) {
    if (name == "layer")
      return name;
    for (const std::string& full : {prefix + name, name})
      if (std::find(names_.begin(), names_.end(), full) != names_.end())
        return full;
    const auto& known = layer_attributes();
    if (!section_ && std::find(known.begin(), known.end(), name) != known.end())
      return name;
    fail(nasc::text("$", name, " names no earlier point of this block",
                    section_ ? "" : " and no attribute of layers"));
  }

  void values(std::vector<SpaceValue>& out, const char* close, int depth, const std::string& prefix,
              bool candidates) {
    bool first = true;
    while (!accept(close)) {
      if (!first)
        expect(",");
      first = false;
      out.push_back(value(depth + 1, prefix, candidates));
      if (out.size() > kMaxCandidates)
        throw UserError(code::limit, nasc::text(file_, ":", peek().line), "more than 4096 values");
    }
  }

  void call(SpaceValue& out, int depth, const std::string& prefix) {
    out.kind = SpaceValue::call;
    out.text = take().text;
    expect("(");
    while (!accept(")")) {
      if (!out.items.empty())
        expect(",");
      int line = peek().line;
      std::string name = peek().kind == SpaceToken::word && is("=", 1) ? take().text : "";
      if (name.empty()) {
        std::string near = nearest(out.text, {"oneof", "manyof", "permute", "intv", "floatv"});
        fail(nasc::text("arguments of ", escaped(out.text), " are NAME=VALUE",
                        near.empty() ? "" : "; did you mean " + near + "?"));
      }
      expect("=");
      if (std::find(out.names.begin(), out.names.end(), name) != out.names.end())
        fail("argument " + name + " is given twice", line);
      out.names.push_back(name);
      out.items.push_back(value(depth + 1, prefix, false));
    }
  }

  Choice choice(Pick pick, int line, int depth, const std::string& prefix) {
    Choice out;
    out.pick = pick;
    if (pick == Pick::manyof) {
      out.k = accept("*")
                  ? -1
                  : static_cast<int>(std::clamp<int64_t>(integer("how many, or *"), -2, 1 << 20));
      if (out.k < -1 || out.k == 0)
        fail("manyof needs a positive number or *", line);
      if (!is(")"))
        expect(",");
    }
    std::vector<SpaceValue> given;
    while (!accept(")")) {
      if (!given.empty() || out.distinct || out.sorted)
        expect(",");
      bool last = is(",", 1) || is(")", 1);
      if (pick == Pick::manyof && last && accept_word("distinct"))
        out.distinct = true;
      else if (pick == Pick::manyof && last && accept_word("sorted"))
        out.sorted = true;
      else
        given.push_back(value(depth + 1, prefix, true));
      if (given.size() > kMaxCandidates)
        throw UserError(code::limit, nasc::text(file_, ":", line), "more than 4096 values");
    }
    // manyof(2, [a, b, c]) lists its candidates.
    bool listed = pick == Pick::manyof && given.size() == 1 && given[0].kind == SpaceValue::list &&
                  given[0].when.empty() && given[0].points.empty();
    out.candidates = listed ? given[0].items : given;
    if (out.candidates.empty())
      fail(nasc::text(name(pick), " without candidates"), line);
    int n = static_cast<int>(out.candidates.size());
    if (pick == Pick::permute)
      out.k = n, out.distinct = true;
    if (out.k < 0)
      out.distinct = out.sorted = true;
    if (out.distinct && out.k > n)
      fail(nasc::text("manyof wants ", out.k, " distinct of ", n, " candidates"), line);
    if (pick == Pick::permute &&
        std::any_of(given.begin(), given.end(), [](const auto& v) { return !v.when.empty(); }))
      fail("when has no meaning in permute", line);
    return out;
  }

  Choice range(Pick pick, int line) {
    Choice out;
    out.pick = pick;
    auto bound = [&](const char* what) {
      SpaceToken t = peek();
      auto value = number<double>(word(what));
      if (!value || !std::isfinite(*value))
        fail(nasc::text("expected ", what, ", found ", escaped(t.text)), line);
      if (pick == Pick::intv && (*value != std::floor(*value) || std::abs(*value) > kMaxInteger))
        fail("intv needs integers below 1e9, found " + escaped(t.text), line);
      return *value;
    };
    out.low = bound("the lower end");
    expect(",");
    out.high = bound("the upper end");
    if (accept(",")) {
      std::string word_ = word("a scale");
      static const std::vector<std::string> kScales = {"none", "linear", "log", "rlog"};
      auto found = std::find(kScales.begin(), kScales.end(), word_);
      if (found == kScales.end())
        fail("no scale " + escaped(word_) + "; there are none, linear, log and rlog", line);
      out.scale = static_cast<Scale>(found - kScales.begin());
    }
    expect(")");
    if (out.low > out.high)
      fail(nasc::text(name(pick), " from ", out.low, " to ", out.high, " is empty"), line);
    if ((out.scale == Scale::log || out.scale == Scale::rlog) && out.low <= 0)
      fail(nasc::text("scale ", name(out.scale), " needs positive ends"), line);
    return out;
  }

  std::string file_;
  std::vector<SpaceToken> tokens_;
  size_t at_ = 0;
  std::vector<std::string> names_; // of earlier points, for references
  bool section_ = false;           // no layer to refer to
};

} // namespace

SpaceText parse_space(const std::string& text, const std::string& file) {
  return Parser(text, file).space();
}

} // namespace nasc
