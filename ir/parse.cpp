// Parsing of Programs and Networks.
#include <algorithm>
#include <set>

#include "ir/isl_box.h"
#include "ir/text.h"
#include "ir/text_reader.h"

namespace nasc {
namespace {
constexpr size_t kMaxBytes = 256u << 20, kMaxSetBytes = 64u << 10, kMaxRank = 64;
constexpr unsigned long kParseOperations = 100'000'000;  // of isl, for one statement or verification: a second or two

// f() with isl's and our own complaints about what was read turned into errors at `start`.
template <class F>
auto guarded(const TextReader& in, size_t start, const std::string& what, F&& f) -> decltype(f()) {
  try {
    detail::QuotaScope scope(kParseOperations);
    return f();
  } catch (const isl::exception_quota&) {
    in.fail_at(start, what + " is too complex", true);
  } catch (const isl::exception& e) {
    in.fail_at(start, "bad " + what);
  } catch (const InternalError& e) {
    std::string why = e.what();
    size_t reason = why.find(": ", why.find("check failed: ") + 14);
    in.fail_at(start, "invalid " + what + ": " + (reason == std::string::npos ? why : why.substr(reason + 2)));
  }
}

Shape read_shape(TextReader& in) {
  in.space();
  size_t start = in.at;
  if (in.peek() != '[') in.fail("expected '['");
  std::string source = in.balanced();
  Shape shape;
  int depth = 0;
  std::string part;
  for (char c : source) {
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    bool end = (c == ',' && depth == 1) || depth == 0;
    if (!end) {
      if (depth > 1 || c != '[') part += c;
      continue;
    }
    if (depth == 0 && shape.empty() && part.find_first_not_of(" \n\t\r") == std::string::npos) break;
    try {
      shape.push_back(Extent::parse(part));
    } catch (const UserError& e) {
      in.fail_at(start, e.what());
    }
    part.clear();
  }
  if (shape.size() > kMaxRank) in.fail_at(start, "a tensor has more than 64 dimensions", true);
  for (const Extent& e : shape)
    if (e.is_constant() && e.constant() < 0) in.fail_at(start, "an extent is negative");
  return shape;
}

void read_layout(TextReader& in, Tensor& t) {
  in.space();
  size_t start = in.at;
  std::string source = in.balanced();
  while (in.peek() == 'h' || in.peek() == 'p') {
    if (in.eat("halo")) source += " halo ";
    else if (in.eat("pad")) source += " pad ";
    else break;
    in.space();
    source += in.balanced();
  }
  try {
    t.layout = parse_layout(source);
  } catch (const UserError& e) {
    in.fail_at(start, e.what());
  }
  Layout& l = *t.layout;
  std::set<int> named;
  for (const LayoutDim& d : l.dims) named.insert(d.dim);
  bool good = (l.halo.empty() || l.halo.size() == t.shape.size()) && (l.pad.empty() || l.pad.size() == l.dims.size()) &&
              named.size() == t.shape.size() && (named.empty() || *named.rbegin() < t.rank());
  if (!good) in.fail_at(start, text("the layout does not fit rank ", t.rank()));
}

// `x : f32[1, 3] input ...` up to a keyword that only buffers have.
void read_tensor(TextReader& in, Tensor& t) {
  t.name = in.word();
  in.need(":");
  in.space();
  size_t start = in.at;
  std::string word = in.word();
  const DTypeInfo* type = find_dtype(word);
  if (!type) in.fail_at(start, "unknown type '" + word + "'");
  t.dtype = type->type;
  t.shape = read_shape(in);
  in.space();
  start = in.at;
  word = in.word();
  auto role = find_role(word);
  if (!role) in.fail_at(start, "unknown role '" + word + "'");
  t.role = *role;
  if (in.eat("layout")) read_layout(in, t);
  if (in.eat("hash")) t.payload.digest = in.hexadecimal();
  if (in.eat("bytes")) t.payload.size = static_cast<size_t>(in.integer());
  if (in.eat("original")) t.original = in.string();
}

struct SetText {
  std::string text;
  std::vector<std::string> parameters;
};
SetText read_set(TextReader& in) {
  SetText out;
  in.space();
  size_t start = in.at;
  if (in.eat("[")) {
    while (!in.eat("]")) {
      out.parameters.push_back(in.word());
      in.eat(",");
    }
    in.need("->");
  }
  if (in.peek() != '{') in.fail("expected '{'");
  in.balanced();
  out.text = in.source.substr(start, in.at - start);
  if (out.text.size() > kMaxSetBytes) in.fail_at(start, "a domain has more than 64 KiB", true);
  std::string squeezed;  // isl recurses over prefix operators
  for (char c : out.text)
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') squeezed += c;
  for (const char* pair : {"--", "notnot", "!!", "\"", "'", "#"})
    if (squeezed.find(pair) != std::string::npos) in.fail_at(start, text("a domain with ", pair));
  return out;
}

isl::set set_of(TextReader& in, const SetText& source, const std::string& name, size_t start) {
  isl::set set = guarded(in, start, "domain", [&] { return nasc::read_set(source.text); });
  if (tuple_name(set) != name) in.fail_at(start, "the domain is not one of " + name);
  return set;
}

void read_statement(TextReader& in, Program& p) {
  std::string name = in.word();
  bool ordered = in.eat("ordered");
  in.space();
  size_t start = in.at;
  SetText source = read_set(in);
  isl::set domain = set_of(in, source, name, start), box = domain;
  std::vector<std::string> iterators = dim_names(domain);
  std::set<std::string> unique(iterators.begin(), iterators.end());
  if (unique.size() != iterators.size() || unique.count("")) in.fail_at(start, "give every dimension a name of its own");
  if (in.eat("box")) {
    in.space();
    size_t at = in.at;
    SetText box_source = read_set(in);
    box = set_of(in, box_source, name, at);
    if (dims(box) != dims(domain)) in.fail_at(at, "the box has another number of dimensions");
    source.parameters.insert(source.parameters.end(), box_source.parameters.begin(), box_source.parameters.end());
  }
  std::vector<std::string> parameters;
  auto add = [&](const std::string& parameter) {
    if (unique.count(parameter)) in.fail_at(start, "iterator '" + parameter + "' is a parameter");
    if (std::find(parameters.begin(), parameters.end(), parameter) == parameters.end()) parameters.push_back(parameter);
  };
  for (const auto& parameter : source.parameters) add(parameter);
  for (const auto& [parameter, extent] : p.parameters()) add(parameter);
  in.space();
  start = in.at;
  Assignment a = guarded(in, start, "assignment", [&] { return parse_assignment(in, p, name, iterators, parameters); });
  Statement s(name, iterators, domain, a.write);
  s.box = box;
  s.reads = std::move(a.reads);
  s.combine = a.combine;
  s.reassociable = !ordered;
  s.body = a.body;
  p.statements.push_back(std::move(s));
}

Program read_program(TextReader& in) {
  Program p;
  if (in.peek() != '{') p.name = in.name();
  if (in.eat("origin")) p.origin = in.string();
  if (in.eat("phase")) {
    for (Phase phase : {Phase::compile, Phase::create, Phase::run})
      if (in.eat(name(phase))) {
        p.phase = phase;
        break;
      } else if (phase == Phase::run) in.fail("unknown phase");
  }
  in.need("{");
  while (in.eat("tensor")) {
    in.space();
    size_t start = in.at;
    Tensor t;
    read_tensor(in, t);
    if (p.find_tensor(t.name)) in.fail_at(start, "tensor '" + t.name + "' is there twice");
    p.tensors.push_back(std::move(t));
  }
  while (in.eat("stmt")) read_statement(in, p);
  in.need("}");
  return p;
}

void check_size(const std::string& text, const std::string& file) {
  if (text.size() > kMaxBytes) throw UserError(code::limit, file, "the text has more than 256 MiB");
}

struct NetworkReader {
  struct Alias {
    size_t buffer;
    std::string of;
    size_t start;
  };
  TextReader& in;
  Network n;
  std::vector<Alias> aliases;

  int buffer(const std::string& name, size_t start) const {
    for (size_t b = 0; b < n.buffers.size(); ++b)
      if (n.buffers[b].name == name) return static_cast<int>(b);
    in.fail_at(start, "unknown buffer '" + name + "'");
  }
  std::vector<int> list(const char* open, const char* close) {
    std::vector<int> out;
    in.need(open);
    if (in.eat(close)) return out;
    do {
      in.space();
      size_t start = in.at;
      out.push_back(buffer(in.word(), start));
    } while (in.eat(","));
    in.need(close);
    return out;
  }
  void read_buffer() {
    Buffer b;
    in.space();
    size_t start = in.at;
    read_tensor(in, b);
    for (const Buffer& other : n.buffers)
      if (other.name == b.name) in.fail_at(start, "buffer '" + b.name + "' is there twice");
    if (in.eat("alias")) {
      in.space();
      size_t at = in.at;
      aliases.push_back({n.buffers.size(), in.word(), at});
      if (in.eat("part")) {
        int64_t dim = in.integer();
        in.need(":");
        b.part = Part{static_cast<int>(std::clamp<int64_t>(dim, 0, b.rank())), in.integer()};
      }
    }
    n.buffers.push_back(std::move(b));
  }
  void resolve_aliases() {
    for (const Alias& a : aliases) n.buffers.edit(a.buffer).alias_of = buffer(a.of, a.start);
    for (const Alias& a : aliases) {
      const Buffer& b = n.buffers[a.buffer];
      if (b.part) {
        if (!part_offset(n.buffers[b.alias_of], b, *b.part)) in.fail_at(a.start, "no part of that buffer lies so");
      } else if (!(storage_bytes(b) == storage_bytes(n.buffers[b.alias_of]))) {
        in.fail_at(a.start, "the alias has another size");
      }
      size_t steps = 0;
      for (int at = b.alias_of; at >= 0; at = n.buffers[at].alias_of)
        if (++steps > aliases.size()) in.fail_at(a.start, "aliases form a cycle");
    }
  }
  void read_call() {
    in.space();
    size_t start = in.at;
    int64_t index = in.integer();
    if (index < 0 || index >= static_cast<int64_t>(n.programs.size())) in.fail_at(start, "no such program");
    Call c;
    c.program = static_cast<int>(index);
    start = in.at;
    if (in.name() != n.programs[index]->name) in.fail_at(start, text("program ", index, " has another name"));
    c.args = list("(", ")");
    if (in.peek() == '"') c.name = in.string();
    n.calls.push_back(std::move(c));
  }
  void read() {
    in.need("network");
    n.name = in.name();
    if (in.eat("hash")) n.model_hash = in.hexadecimal();
    in.need("{");
    while (in.eat("buffer")) read_buffer();
    resolve_aliases();
    while (in.eat("program")) n.programs.push_back(std::make_shared<Program>(read_program(in)));
    in.need("inputs");
    n.inputs = list("[", "]");
    in.need("outputs");
    n.outputs = list("[", "]");
    while (in.eat("call")) read_call();
    in.need("}");
  }
};
}  // namespace

Program parse_program(const std::string& text, const std::string& file) {
  check_size(text, file);
  TextReader in{text, file};
  in.need("program");
  Program p = read_program(in);
  if (!in.done()) in.fail("text after the program");
  guarded(in, 0, "program", [&] { verify(p); });
  return p;
}

Network parse_network(const std::string& text, const std::string& file) {
  check_size(text, file);
  TextReader in{text, file};
  NetworkReader reader{in, {}, {}};
  reader.read();
  if (!in.done()) in.fail("text after the network");
  guarded(in, 0, "network", [&] { verify(reader.n); });
  return std::move(reader.n);
}

}  // namespace nasc
