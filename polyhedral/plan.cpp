// Plans and steps as text.
#include "polyhedral/plan.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "ir/hash.h"

namespace nasc {
namespace {
constexpr size_t kMaxBytes = 1 << 20;
constexpr size_t kMaxSteps = 10'000;

bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.:/%+-").find(c) != std::string_view::npos;
}
bool plain(const std::string& s) { return !s.empty() && std::all_of(s.begin(), s.end(), word_char); }
std::optional<int64_t> integer(const std::string& s) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || end != s.data() + s.size()) return {};
  return value;
}

std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}
// Quoted when it would not come back as the same word.
std::string word_text(const std::string& s, bool quote_numbers) {
  return plain(s) && !(quote_numbers && integer(s)) ? s : quoted(s);
}

struct ValueText {
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(const std::string& v) const { return word_text(v, true); }
  std::string operator()(const std::vector<int64_t>& v) const {
    std::string out;
    for (int64_t x : v) out += (out.empty() ? "" : ", ") + std::to_string(x);
    return "[" + out + "]";
  }
  std::string operator()(const std::vector<std::string>& v) const {
    bool numbers = std::all_of(v.begin(), v.end(), [](const auto& s) { return integer(s).has_value(); });
    std::string out;
    for (const auto& x : v) out += (out.empty() ? "" : ", ") + word_text(x, numbers);
    return "[" + out + "]";
  }
};

class Parser {
 public:
  Parser(const std::string& text, std::string file) : text_(text), file_(std::move(file)) {
    if (text.size() > kMaxBytes) throw UserError(code::limit, file_, "plan is larger than 1 MiB");
    skip();
  }

  Plan plan() {
    Plan out;
    expect_word("nasc"), expect_word("plan"), expect_word("1");
    while (!at_end()) {
      std::string key = word();
      if (key == "network") {
        for (auto& s : section()) out.network.push_back(std::move(s));
      } else if (key == "kernel") {
        std::string name = word();
        out.kernels.emplace_back(name, section());
      } else if (!header(out.header, key)) {
        fail("expected a header line, network or kernel, found " + key);
      }
    }
    return out;
  }

  Step step() {
    if (++steps_ > kMaxSteps) throw UserError(code::limit, file_, "plan has more than 10000 steps");
    Step out;
    out.transformation = word();
    expect('(');
    while (!accept(')')) {
      if (!out.args.empty()) expect(',');
      std::string name = word();
      expect('=');
      if (!out.args.emplace(name, value()).second) fail("argument " + name + " is given twice");
    }
    return out;
  }

  bool at_end() const { return pos_ == text_.size(); }
  [[noreturn]] void fail(const std::string& what) const {
    size_t line = 1 + std::count(text_.begin(), text_.begin() + start_, '\n');
    size_t newline = text_.rfind('\n', start_ ? start_ - 1 : 0);
    size_t column = newline == std::string::npos || newline >= start_ ? start_ + 1 : start_ - newline;
    throw UserError(code::bad_plan, nasc::text(file_, ":", line, ":", column), what);
  }

 private:
  bool header(PlanHeader& h, const std::string& key) {
    if (key == "model") {
      std::string digits = word();
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), h.model_hash, 16);
      if (error != std::errc() || end != digits.data() + digits.size()) fail("model needs a hexadecimal number");
    } else if (key == "threads") {
      auto n = integer(word());
      if (!n || *n < 1 || *n > 1 << 16) fail("threads needs a positive number");
      h.threads = static_cast<int>(*n);
    } else if (key == "target") h.target = word();
    else if (key == "flags") h.flags = word();
    else if (key == "version") h.version = word();
    else return false;
    return true;
  }

  std::vector<Step> section() {
    std::vector<Step> out;
    expect('{');
    while (!accept('}')) out.push_back(step());
    return out;
  }

  ArgValue value() {
    if (!accept('[')) {
      bool number = peek() != '"';
      std::string w = word();
      if (auto n = integer(w); n && number) return *n;
      return w;
    }
    std::vector<std::string> words;
    std::vector<int64_t> numbers;
    while (!accept(']')) {
      if (!words.empty()) expect(',');
      bool number = peek() != '"';
      words.push_back(word());
      if (auto n = integer(words.back()); n && number) numbers.push_back(*n);
    }
    if (numbers.size() == words.size()) return numbers;
    return words;
  }

  char peek() const { return at_end() ? '\0' : text_[pos_]; }
  void skip() {
    for (; pos_ < text_.size(); ++pos_) {
      if (text_[pos_] == '#')
        while (pos_ + 1 < text_.size() && text_[pos_ + 1] != '\n') ++pos_;
      else if (!std::isspace(static_cast<unsigned char>(text_[pos_]))) break;
    }
    start_ = pos_;
  }
  bool accept(char c) {
    if (peek() != c || at_end()) return false;
    ++pos_;
    skip();
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(nasc::text("expected ", c));
  }
  void expect_word(const char* wanted) {
    size_t at = pos_;
    if (word() != wanted) start_ = at, fail(nasc::text("expected ", wanted));
  }
  std::string word() {
    std::string out;
    if (peek() == '"') {
      for (++pos_; peek() != '"'; ++pos_) {
        if (peek() == '\\') ++pos_;
        if (at_end()) fail("unterminated string");
        out += peek();
      }
      ++pos_;
    } else {
      while (!at_end() && word_char(peek())) out += text_[pos_++];
      if (out.empty()) fail(at_end() ? "unexpected end" : "expected a word, found " + escaped(text_.substr(pos_, 1)));
    }
    skip();
    return out;
  }

  const std::string& text_;
  std::string file_;
  size_t pos_ = 0, start_ = 0, steps_ = 0;
};

std::string section_text(const std::vector<Step>& steps) {
  std::string out = " {\n";
  for (const auto& s : steps) out += "  " + text(s) + "\n";
  return out + "}\n";
}
}  // namespace

std::string text(const Step& step) {
  std::string args;
  for (const auto& [name, value] : step.args)
    args += (args.empty() ? "" : ", ") + name + "=" + std::visit(ValueText{}, value);
  return step.transformation + "(" + args + ")";
}

std::string text(const Plan& plan) {
  char model[17];
  std::snprintf(model, sizeof model, "%016llx", static_cast<unsigned long long>(plan.header.model_hash));
  std::string out = text("nasc plan 1\nmodel ", model, "\ntarget ", quoted(plan.header.target), "\nthreads ",
                         plan.header.threads, "\nflags ", quoted(plan.header.flags), "\nversion ",
                         quoted(plan.header.version), "\n");
  if (!plan.network.empty()) out += "\nnetwork" + section_text(plan.network);
  for (const auto& [name, steps] : plan.kernels) out += "\nkernel " + word_text(name, false) + section_text(steps);
  return out;
}

Plan parse_plan(const std::string& text, const std::string& file) { return Parser(text, file).plan(); }

Step parse_step(const std::string& text) {
  Parser parser(text, "step");
  Step out = parser.step();
  if (!parser.at_end()) parser.fail("text after the step");
  return out;
}

uint64_t hash(const Plan& plan) { return hash_text(text(plan)); }

}  // namespace nasc
