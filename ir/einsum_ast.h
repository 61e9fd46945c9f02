// Syntax tree of the definition notation, private to ir/einsum*.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/einsum.h"

namespace nasc::einsum {

struct Ast;
using AstRef = std::shared_ptr<const Ast>;
struct Ast {
  enum Kind {
    integer, real, string, name, call, unary, binary, ternary, list,
    index,          // args[0] [ args[1..] ]
    slice,          // a:b, either may be null
    spread,         // name..
    comprehension,  // [ args[0] for text in args[1] if args[2] ]
  } kind;
  std::string text;  // operator, name or string
  std::vector<AstRef> args;
  int64_t number = 0;
  double value = 0;
};

struct Signature {
  std::string name;
  std::vector<AstRef> dims{};
  bool optional = false, known = false, variadic = false;
  AstRef type{};  // may be null
};

struct Clause {  // for NAME[..] in EXPR
  std::string name;
  bool spread = false;
  AstRef range{};
};

struct Line {
  enum Kind { in, type, attr, let, need, refuse, out, tmp, statement, choose, repeat, view, content, def } kind;
  std::string name;                    // attr, let, type, repeat, def
  std::string source;                  // text of a condition
  std::vector<std::string> words;      // type: names; attr: type word; def: parameters; statement: combine symbol
  std::vector<Signature> signatures;   // in, out, tmp
  AstRef expr, other;                  // value or condition; attr: default and length; statement: body and target
  std::vector<Clause> clauses;         // statement
  std::vector<AstRef> conditions;      // statement
  std::vector<Line> lines, otherwise;  // choose, repeat
};

std::vector<Line> parse(const std::string& text);
// Functions that every definition may use.
const std::vector<Line>& prelude();

}  // namespace nasc::einsum

namespace nasc {
struct EinsumText {
  std::vector<einsum::Line> lines;
  std::string source;
};
}  // namespace nasc
