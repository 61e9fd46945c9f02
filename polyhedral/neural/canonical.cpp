// Merging of loops and pieces.
#include "polyhedral/neural/canonical.h"

#include <algorithm>
#include <sstream>

#include "ir/hash.h"
#include "polyhedral/neural/merge.h"

namespace nasc {
namespace {

// What a loop means apart from its weights, which follow from it.
using Meaning = std::array<int64_t, 8>;
Meaning meaning(const Steps& s, int64_t kh, int64_t kw) {
  return {s[kCo], s[kOh], s[kOw], s[kCi], s[kIh], s[kIw], kh, kw};
}
Meaning meaning(const ConvLoop& l) { return meaning(l.at, l.at[kKh], l.at[kKw]); }

bool continues(const ConvLoop& outer, const ConvLoop& inner) {
  for (size_t a = 0; a < kAxes; ++a)
    if (a != kRow && a != kCol && outer.at[a] != inner.at[a] * inner.extent) return false;
  return true;
}

}  // namespace

void merge_loops(ConvPiece& p) {
  std::erase_if(p.loops, [](const ConvLoop& l) { return l.extent == 1; });
  for (bool again = true; again;) {
    again = false;
    for (size_t a = 0; a < p.loops.size() && !again; ++a)
      for (size_t b = 0; b < p.loops.size() && !again; ++b) {
        if (a == b || !continues(p.loops[a], p.loops[b])) continue;
        p.loops[b].extent *= p.loops[a].extent;
        p.loops.erase(p.loops.begin() + static_cast<std::ptrdiff_t>(a));
        again = true;
      }
  }
  std::sort(p.loops.begin(), p.loops.end(), [](const ConvLoop& a, const ConvLoop& b) {
    Meaning x = meaning(a), y = meaning(b);
    return x != y ? x > y : a.extent > b.extent;
  });
}

namespace {
Meaning difference(const ConvPiece& a, const ConvPiece& b) {
  Meaning x = meaning(a.first, a.taken_first[2], a.taken_first[3]), y = meaning(b.first, b.taken_first[2], b.taken_first[3]);
  for (size_t k = 0; k < x.size(); ++k) y[k] -= x[k];
  return y;
}

// b as the continuation of a: of a loop over outputs that both have, or as a further iteration of equal boxes.
bool merge_pieces(ConvPiece& a, const ConvPiece& b) {
  if (a.repeat != b.repeat || a.loops.size() != b.loops.size()) return false;
  Meaning by = difference(a, b);
  if (!by[0] || by[1] || by[2]) return false;  // not along channels: weights of their own
  int differs = -1;
  for (size_t k = 0; k < a.loops.size(); ++k) {
    if (meaning(a.loops[k]) != meaning(b.loops[k])) return false;
    if (a.loops[k].extent == b.loops[k].extent) continue;
    if (differs >= 0) return false;
    differs = static_cast<int>(k);
  }
  for (size_t k = 0; k < a.loops.size(); ++k) {
    if (differs >= 0 && differs != static_cast<int>(k)) continue;
    Meaning end = meaning(a.loops[k]);
    for (int64_t& s : end) s *= a.loops[k].extent;
    if (end != by) continue;
    a.loops[k].extent += b.loops[k].extent;
    return true;
  }
  if (differs >= 0 || by[4] || by[5] || by[6] || by[7]) return false;
  if (by[0] < 0 || by[3] < 0) return false;
  ConvLoop g{"g", 2, {}};
  g.at[kCo] = by[0], g.at[kCi] = by[3];
  a.loops.push_back(g);
  return true;
}
}  // namespace

ConvForm canonical(const ConvForm& form) {
  ConvForm out = form;
  for (ConvPiece& p : out.pieces) {
    p.taken_first = {0, 0, p.first[kKh], p.first[kKw]};
    merge_loops(p);
  }
  for (bool again = true; again;) {
    again = false;
    std::sort(out.pieces.begin(), out.pieces.end(),
              [](const ConvPiece& a, const ConvPiece& b) { return a.first < b.first; });
    for (size_t a = 0; a < out.pieces.size() && !again; ++a)
      for (size_t b = a + 1; b < out.pieces.size() && !again; ++b) {
        if (!merge_pieces(out.pieces[a], out.pieces[b])) continue;
        merge_loops(out.pieces[a]);
        out.pieces.erase(out.pieces.begin() + static_cast<std::ptrdiff_t>(b));
        again = true;
      }
  }
  return out;
}

std::string canonical_text(const ConvForm& form) {
  constexpr const char* kNames[] = {"co", "oh", "ow", "ci", "ih", "iw", "kh", "kw"};
  ConvForm c = canonical(form);
  std::ostringstream out;
  auto steps = [&](const Meaning& m) {
    bool any = false;
    for (size_t k = 0; k < m.size(); ++k)
      if (m[k]) out << (any ? " " : "") << m[k] << kNames[k], any = true;
    if (!any) out << "0";
  };
  out << "conv " << name(c.dtype) << " " << c.batch.text() << "x" << c.image[0] << "x" << c.image[1] << "x" << c.image[2]
      << " to " << c.out[0] << "x" << c.out[1] << "x" << c.out[2] << (c.bias ? " bias" : "");
  for (const ConvPiece& p : c.pieces) {
    out << " {";
    // Taps count from 0 in every piece: the image index says where they lie.
    steps(meaning(p.first, 0, 0));
    if (p.repeat[0] * p.repeat[1] > 1) out << " repeat " << p.repeat[0] << "x" << p.repeat[1];
    for (const ConvLoop& l : p.loops) {
      out << "; " << l.extent << " of ";
      steps(meaning(l));
    }
    out << "}";
  }
  return out.str();
}

uint64_t canonical_hash(const ConvForm& form) {
  return hash_text(canonical_text(form), 0xcbf29ce484222325ull);
}

}  // namespace nasc
