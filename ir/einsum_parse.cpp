// Tokens and grammar of the definition notation.
#include <cctype>
#include <cstdlib>

#include "ir/einsum_ast.h"

namespace nasc::einsum {
namespace {

struct Token {
  enum Kind { name, integer, real, string, symbol, newline, end } kind;
  std::string text;
  size_t begin = 0, end_at = 0;
};

std::vector<Token> tokens_of(const std::string& s) {
  static const std::vector<std::string> symbols = {"..", "++", "+=", "*=", "==", "!=", "<=", ">=", "(", ")", "[", "]",
                                                   "{", "}", ",", ";", ":", "?", "!", "=", "+", "-", "*", "/", "%",
                                                   "<", ">", "&", "|"};
  std::vector<Token> out;
  int depth = 0;
  auto push = [&](Token::Kind kind, size_t begin, size_t end) {
    out.push_back({kind, s.substr(begin, end - begin), begin, end});
  };
  auto digit = [&](size_t k) { return k < s.size() && std::isdigit(static_cast<unsigned char>(s[k])); };
  for (size_t at = 0; at < s.size();) {
    char c = s[at];
    size_t begin = at;
    if (c == '#') {
      while (at < s.size() && s[at] != '\n') ++at;
    } else if (c == '\n') {
      if (depth == 0) push(Token::newline, at, at + 1);
      ++at;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      ++at;
    } else if (std::isalpha(static_cast<unsigned char>(c)) || c == '_') {
      while (at < s.size() && (std::isalnum(static_cast<unsigned char>(s[at])) || s[at] == '_')) ++at;
      std::string word = s.substr(begin, at - begin);
      if ((word == "max" || word == "min") && at + 1 < s.size() && s[at] == '=' && s[at + 1] != '=') ++at;
      push(s[at - 1] == '=' ? Token::symbol : Token::name, begin, at);
    } else if (digit(at)) {
      bool real = false;
      while (digit(at)) ++at;
      if (at + 1 < s.size() && s[at] == '.' && digit(at + 1)) {
        real = true;
        ++at;
        while (digit(at)) ++at;
      }
      if (at < s.size() && s[at] == 'e' && (digit(at + 1) || (at + 1 < s.size() && s[at + 1] == '-' && digit(at + 2)))) {
        real = true;
        at += 2;
        while (digit(at)) ++at;
      }
      push(real ? Token::real : Token::integer, begin, at);
    } else if (c == '"') {
      size_t close = s.find('"', at + 1);
      NASC_CHECK(close != std::string::npos) << "open string in definition";
      out.push_back({Token::string, s.substr(at + 1, close - at - 1), at, close + 1});
      at = close + 1;
    } else {
      bool found = false;
      for (const auto& symbol : symbols)
        if (s.compare(at, symbol.size(), symbol) == 0) {
          if (symbol == "(" || symbol == "[") ++depth;
          if (symbol == ")" || symbol == "]") --depth;
          at += symbol.size();
          push(symbol == ";" ? Token::newline : Token::symbol, begin, at);
          found = true;
          break;
        }
      NASC_CHECK(found) << "character '" << c << "' in definition: " << s.substr(at, 40);
    }
  }
  out.push_back({Token::end, "", s.size(), s.size()});
  return out;
}

AstRef node(Ast::Kind kind, std::string text, std::vector<AstRef> args) {
  return std::make_shared<const Ast>(Ast{kind, std::move(text), std::move(args)});
}

struct Parser {
  const std::string& source;
  std::vector<Token> tokens;
  size_t at = 0;

  const Token& peek() const { return tokens[at]; }
  bool is(std::string_view text) const {
    return (peek().kind == Token::symbol || peek().kind == Token::name) && peek().text == text;
  }
  bool eat(std::string_view text) { return is(text) ? (++at, true) : false; }
  [[noreturn]] void fail(const std::string& what) const {
    throw InternalError("definition: " + what + " at: " + source.substr(peek().begin, 60));
  }
  void need(std::string_view text) {
    if (!eat(text)) fail("expected " + std::string(text));
  }
  std::string word() {
    if (peek().kind != Token::name) fail("expected a name");
    return tokens[at++].text;
  }
  void newlines() {
    while (peek().kind == Token::newline) ++at;
  }
  // A line goes on after an operator at its end or before one at the start of the next.
  void join() {
    size_t next = at;
    while (tokens[next].kind == Token::newline) ++next;
    static const std::string starts = "? : + - * / % ++";
    if (next != at && tokens[next].kind == Token::symbol && starts.find(tokens[next].text) != std::string::npos) at = next;
  }

  AstRef expr() {
    AstRef c = disjunction();
    join();
    if (!eat("?")) return c;
    newlines();
    AstRef a = expr();
    join();
    need(":");
    newlines();
    return node(Ast::ternary, "?", {c, a, expr()});
  }
  AstRef binary(const std::vector<std::string_view>& ops, AstRef (Parser::*next)()) {
    AstRef a = (this->*next)();
    for (;;) {
      bool found = false;
      join();
      for (auto op : ops)
        if (eat(op)) {
          newlines();
          AstRef b = (this->*next)();
          a = node(Ast::binary, std::string(op), {a, b});
          found = true;
          break;
        }
      if (!found) return a;
    }
  }
  AstRef disjunction() { return binary({"or"}, &Parser::conjunction); }
  AstRef conjunction() { return binary({"and"}, &Parser::negation); }
  AstRef negation() {
    if (is("not") && tokens[at + 1].text != "(") return ++at, node(Ast::unary, "not", {negation()});
    return comparison();
  }
  AstRef comparison() {
    AstRef a = sum(), all;
    for (;;) {
      std::string op;
      for (std::string_view o : {"==", "!=", "<=", ">=", "<", ">", "in"})
        if (is(o)) op = o;
      if (op.empty()) return all ? all : a;
      ++at;
      AstRef b = sum(), one = node(Ast::binary, op, {a, b});
      all = all ? node(Ast::binary, "and", {all, one}) : one;
      a = b;
    }
  }
  AstRef sum() { return binary({"++", "+", "-"}, &Parser::term); }
  AstRef term() { return binary({"*", "/", "%"}, &Parser::factor); }
  AstRef factor() {
    if (eat("-")) return node(Ast::unary, "-", {factor()});
    AstRef a = primary();
    for (;;) {
      if (is("[")) {
        std::vector<AstRef> args = items("[", "]");
        args.insert(args.begin(), a);
        a = node(Ast::index, "", std::move(args));
      } else {
        return a;
      }
    }
  }
  std::vector<AstRef> items(std::string_view open, std::string_view close) {
    need(open);
    std::vector<AstRef> out;
    while (!is(close)) {
      AstRef first = is(":") ? nullptr : expr();
      if (first && first->kind == Ast::name && eat("..")) first = node(Ast::spread, first->text, {});
      if (eat(":")) first = node(Ast::slice, "", {first, is(close) || is(",") ? nullptr : expr()});
      out.push_back(first);
      if (!eat(",")) break;
    }
    need(close);
    return out;
  }
  AstRef primary() {
    const Token& t = peek();
    if (t.kind == Token::integer) {
      ++at;
      return std::make_shared<const Ast>(Ast{Ast::integer, t.text, {}, std::strtoll(t.text.c_str(), nullptr, 10)});
    }
    if (t.kind == Token::real) {
      ++at;
      return std::make_shared<const Ast>(Ast{Ast::real, t.text, {}, 0, std::strtod(t.text.c_str(), nullptr)});
    }
    if (t.kind == Token::string) return ++at, node(Ast::string, t.text, {});
    if (eat("(")) {
      AstRef e = expr();
      need(")");
      return e;
    }
    if (is("[")) {
      size_t start = at++;
      if (!is("]")) {
        AstRef first = expr();
        if (eat("for")) {
          std::string name = word();
          need("in");
          AstRef range = disjunction(), condition;
          if (eat("if")) condition = expr();
          need("]");
          return node(Ast::comprehension, name, {first, range, condition});
        }
      }
      at = start;
      return node(Ast::list, "", items("[", "]"));
    }
    if (t.kind != Token::name) fail("unexpected '" + t.text + "'");
    std::string name = word();
    if (is("(")) return node(Ast::call, name, items("(", ")"));
    return node(Ast::name, name, {});
  }

  std::vector<Signature> signatures() {
    std::vector<Signature> out;
    do {
      newlines();
      Signature s{word()};
      s.variadic = eat("*");
      s.dims = items("[", "]");
      for (;;) {
        if (eat("?")) s.optional = true;
        else if (eat("!")) s.known = true;
        else break;
      }
      if (eat(":")) s.type = expr();
      out.push_back(std::move(s));
    } while (eat(","));
    return out;
  }
  std::vector<Line> block() {
    need("{");
    std::vector<Line> out = lines();
    need("}");
    return out;
  }
  std::vector<Line> lines() {
    std::vector<Line> out;
    for (newlines(); peek().kind != Token::end && !is("}"); newlines()) {
      out.push_back(line());
      if (peek().kind != Token::newline && peek().kind != Token::end && !is("}")) fail("unexpected text");
    }
    return out;
  }
  Line line() {
    Line l{};
    if (eat("in") || is("out") || is("tmp")) {
      l.kind = Line::in;
      if (eat("out")) l.kind = Line::out;
      else if (eat("tmp")) l.kind = Line::tmp;
      l.signatures = signatures();
    } else if (eat("type")) {
      l.kind = Line::type;
      l.name = word();
      need(":");
      while (peek().kind == Token::name) l.words.push_back(word());
    } else if (eat("attr")) {
      l.kind = Line::attr;
      l.name = word();
      need(":");
      l.words.push_back(word());
      if (eat("[")) {
        l.other = expr();
        need("]");
      }
      if (eat("?")) l.words.push_back("?");
      if (eat("=")) l.expr = expr();
    } else if (is("let") || is("set")) {
      l.kind = Line::let;
      if (is("set")) l.words.push_back("set");
      ++at;
      l.name = word();
      need("=");
      newlines();
      l.expr = expr();
    } else if (eat("def")) {
      l.kind = Line::def;
      l.name = word();
      need("(");
      while (!eat(")")) {
        l.words.push_back(word());
        eat(",");
      }
      need("=");
      newlines();
      l.expr = expr();
    } else if (is("need") || is("refuse")) {
      l.kind = is("need") ? Line::need : Line::refuse;
      ++at;
      size_t begin = peek().begin;
      l.expr = disjunction();
      l.source = source.substr(begin, tokens[at - 1].end_at - begin);
      if (eat(":")) l.words.push_back(tokens[at++].text);
    } else if (eat("view")) {
      l.kind = Line::view;
      l.name = word();
    } else if (eat("content")) {
      l.kind = Line::content;
      l.expr = expr();
    } else if (eat("if")) {
      l.kind = Line::choose;
      l.expr = expr();
      l.lines = block();
      size_t end = at;
      newlines();
      if (!is("else")) at = end;
      if (eat("else")) {
        if (is("if")) l.otherwise.push_back(line());
        else l.otherwise = block();
      }
    } else if (eat("for")) {
      l.kind = Line::repeat;
      l.name = word();
      need("in");
      l.expr = expr();
      l.lines = block();
    } else {
      l.kind = Line::statement;
      l.other = factor();
      std::string symbol = peek().text;
      if (!find_combine(symbol)) fail("expected an assignment");
      ++at;
      newlines();
      l.words.push_back(symbol);
      l.expr = expr();
      if (eat("for")) {
        do {
          Clause c{word()};
          c.spread = eat("..");
          need("in");
          c.range = sum();
          l.clauses.push_back(std::move(c));
        } while (eat(","));
      }
      if (eat("if")) {
        do l.conditions.push_back(expr());
        while (eat(","));
      }
    }
    return l;
  }
};

}  // namespace

std::vector<Line> parse(const std::string& text) {
  Parser p{text, tokens_of(text)};
  std::vector<Line> out = p.lines();
  if (p.peek().kind != Token::end) p.fail("unexpected '}'");
  return out;
}

}  // namespace nasc::einsum

namespace nasc {
std::shared_ptr<const EinsumText> parse_einsum(const std::string& text) {
  return std::make_shared<const EinsumText>(EinsumText{einsum::parse(text), text});
}
}  // namespace nasc
