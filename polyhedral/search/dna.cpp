// Walks, text, validation.
#include "polyhedral/search/dna.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "ir/hash.h"

namespace nasc {
namespace {

// Position of a candidate index among the options, or -1.
int position(const SpaceNode& n, double value) {
  auto at = std::find(n.options.begin(), n.options.end(), static_cast<int>(value));
  return at == n.options.end() || *at != value ? -1 : static_cast<int>(at - n.options.begin());
}

// What is wrong with a node's own numbers.
std::optional<std::string> wrong(const SpaceNode& n, const double* v) {
  const Choice& c = *n.choice;
  for (size_t i = 0; i < n.arity(); ++i) {
    double x = v[i];
    if (n.is_range()) {
      if (!(x >= c.low && x <= c.high) || (c.pick == Pick::intv && x != std::floor(x)))
        return text(n.path, ": ", number_text(x), " is not in ", name(c.pick), "(", c.low, ", ",
                    c.high, ")");
    } else if (n.is_subset() ? x != 0 && x != 1 : position(n, x) < 0) {
      return text(n.path, ": no candidate ", number_text(x));
    } else if (!n.is_subset()) {
      if (c.distinct && std::find(v, v + i, x) != v + i)
        return text(n.path, ": candidate ", number_text(x), " twice");
      if (c.sorted && i > 0 && v[i - 1] > x)
        return text(n.path, ": candidates are not sorted");
    }
  }
  return {};
}

struct Printer {
  const Space& space;
  const Dna& dna;
  size_t at = 0;
  std::string out;

  void node(int id) {
    const SpaceNode& n = space.nodes[id];
    size_t start = at;
    at += n.arity();
    if (n.is_range()) {
      out += number_text(dna.values[start]);
      return;
    }
    bool many = n.choice->pick != Pick::oneof, first = true;
    if (many)
      out += '[';
    for (size_t s = 0; s < n.arity(); ++s) {
      double value = dna.values[start + s];
      if (n.is_subset() && value == 0)
        continue;
      out += first ? "" : ",";
      first = false;
      const auto& ids = below(n, s, value);
      out += ids.empty() ? "" : "(";
      out += number_text(n.is_subset() ? n.options[s] : value);
      for (int child : ids)
        out += ',', node(child);
      out += ids.empty() ? "" : ")";
    }
    if (many)
      out += ']';
  }
};

// The numbers of a node come before what is below all of its slots, while the text nests: each
// node's text is parsed to its numbers and, per slot, the values below.
struct Reader {
  const Space& space;
  const std::string& text_;
  std::string where;
  size_t at = 0;

  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(code::bad_text, text(where, ":", at + 1), what);
  }
  void skip() {
    while (at < text_.size() && text_[at] == ' ')
      ++at;
  }
  bool accept(char c) {
    skip();
    return at < text_.size() && text_[at] == c && ++at;
  }
  void expect(char c) {
    if (!accept(c))
      fail(text("expected ", c));
  }
  double number() {
    skip();
    double value = 0;
    auto [end, error] = std::from_chars(text_.data() + at, text_.data() + text_.size(), value);
    if (error != std::errc() || !std::isfinite(value))
      fail("expected a number");
    at = static_cast<size_t>(end - text_.data());
    return value == 0 ? 0 : value; // no negative zero
  }

  void node(int id, std::vector<double>& out) {
    const SpaceNode& n = space.nodes[id];
    std::vector<double> own, rest;
    if (n.is_range()) {
      own.push_back(number());
    } else if (n.choice->pick == Pick::oneof) {
      item(n, 0, own, rest);
    } else if (n.is_subset()) {
      own.assign(n.options.size(), 0);
      std::vector<double> given;
      expect('[');
      while (!accept(']')) {
        if (!given.empty())
          expect(',');
        size_t start = at;
        item(n, static_cast<size_t>(-1), given, rest);
        int p = position(n, given.back());
        if (given.size() > 1 && given.back() <= given[given.size() - 2])
          at = start, fail(n.path + ": a subset is written in order, each candidate once");
        own[static_cast<size_t>(p)] = 1;
      }
    } else {
      expect('[');
      for (size_t s = 0; s < n.arity(); ++s) {
        if (s)
          expect(',');
        item(n, s, own, rest);
      }
      expect(']');
    }
    if (auto why = wrong(n, own.data()))
      fail(*why);
    out.insert(out.end(), own.begin(), own.end());
    out.insert(out.end(), rest.begin(), rest.end());
  }

  // index, or (index, decisions below); slot -1: that of the subset's candidate.
  void item(const SpaceNode& n, size_t slot, std::vector<double>& own, std::vector<double>& rest) {
    bool open = accept('(');
    own.push_back(number());
    int p = position(n, own.back());
    if (p < 0)
      fail(text(n.path, ": no candidate ", number_text(own.back())));
    const auto& ids = n.below[slot == static_cast<size_t>(-1) ? p : slot][p];
    if (open != !ids.empty())
      fail(text(n.path, ": candidate ", own.back(), ids.empty() ? " has nothing" : " has decisions",
                " below"));
    for (int id : ids)
      expect(','), node(id, rest);
    if (open)
      expect(')');
  }
};

} // namespace

const std::vector<int>& below(const SpaceNode& n, size_t slot, double value) {
  static const std::vector<int> none;
  if (n.is_range() || (n.is_subset() && value == 0))
    return none;
  return n.below[slot][n.is_subset() ? slot : static_cast<size_t>(position(n, value))];
}

void walk_below(const Space& space, int id, std::vector<double>& values, const Decider& decide) {
  size_t at = values.size();
  decide(id, values);
  const SpaceNode& n = space.nodes[id];
  for (size_t s = 0; s < n.below.size(); ++s)
    for (int child : below(n, s, values[at + s]))
      walk_below(space, child, values, decide);
}

Dna walked(const Space& space, const Decider& decide) {
  Dna out;
  for (const SpaceGroup& g : space.groups)
    for (int id : g.roots)
      walk_below(space, id, out.values, decide);
  return out;
}

uint64_t Dna::hash() const { return hash_bytes(values.data(), values.size() * sizeof(double)); }

std::string text(const Space& space, const Dna& dna) {
  Printer printer{space, dna, 0, "["};
  for (int id : space.roots())
    printer.out += printer.out == "[" ? "" : ",", printer.node(id);
  return printer.out + "]";
}

Dna parse_dna(const Space& space, const std::string& text, const std::string& where) {
  Reader reader{space, text, where, 0};
  Dna out;
  reader.expect('[');
  bool first = true;
  for (int id : space.roots()) {
    if (!first)
      reader.expect(',');
    first = false;
    reader.node(id, out.values);
  }
  reader.expect(']');
  reader.skip();
  if (reader.at != text.size())
    reader.fail("text after the last decision");
  return out;
}

std::optional<std::string> invalid(const Space& space, const Dna& dna) {
  size_t at = 0;
  std::optional<std::string> why;
  struct Stop {};
  try {
    walked(space, [&](int id, std::vector<double>& out) {
      const SpaceNode& n = space.nodes[id];
      if (at + n.arity() > dna.values.size())
        why = n.path + ": decisions end here";
      else
        why = wrong(n, dna.values.data() + at);
      if (why)
        throw Stop{};
      out.insert(out.end(), dna.values.begin() + static_cast<long>(at),
                 dna.values.begin() + static_cast<long>(at + n.arity()));
      at += n.arity();
    });
  } catch (const Stop&) {
    return why;
  }
  if (at != dna.values.size())
    return text(dna.values.size() - at, " decisions too many");
  return {};
}

std::vector<Site> sites(const Space& space, const Dna& dna) {
  std::vector<Site> out;
  size_t at = 0;
  std::function<void(int)> visit = [&](int id) {
    const SpaceNode& n = space.nodes[id];
    size_t index = out.size(), start = at;
    out.push_back({id, at, 0});
    at += n.arity();
    for (size_t s = 0; s < n.below.size(); ++s)
      for (int child : below(n, s, dna.values[start + s]))
        visit(child);
    out[index].end = at;
  };
  for (const SpaceGroup& g : space.groups)
    for (int id : g.roots)
      visit(id);
  return out;
}

Dna canonical(const Space& space, const Dna& dna) {
  size_t at = 0;
  std::function<void(int, std::vector<double>&)> visit = [&](int id, std::vector<double>& out) {
    const SpaceNode& n = space.nodes[id];
    size_t start = at;
    at += n.arity();
    std::vector<std::pair<double, std::vector<double>>> slots;
    for (size_t s = 0; s < n.arity(); ++s) {
      double value = dna.values[start + s] == 0 ? 0 : dna.values[start + s];
      slots.emplace_back(value, std::vector<double>{});
      if (s < n.below.size())
        for (int child : below(n, s, value))
          visit(child, slots.back().second);
    }
    if (n.choice->sorted && !n.is_subset())
      std::sort(slots.begin(), slots.end());
    for (const auto& s : slots)
      out.push_back(s.first);
    for (const auto& s : slots)
      out.insert(out.end(), s.second.begin(), s.second.end());
  };
  Dna out;
  for (int id : space.roots())
    visit(id, out.values);
  return out;
}

} // namespace nasc
