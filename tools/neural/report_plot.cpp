// The plot, as inline SVG.
#include <fmt/core.h>

#include <algorithm>

#include "tools/neural/report.h"

namespace nasc {
namespace {
constexpr double kWidth = 720, kHeight = 400, kLeft = 60, kRight = 16, kTop = 16, kBottom = 44;

struct Axes {
  double x = 1, y = 1; // largest values
  double at_x(double value) const { return kLeft + (kWidth - kLeft - kRight) * value / x; }
  double at_y(double value) const { return kHeight - kBottom - (kHeight - kTop - kBottom) * value / y; }
};

std::string dot(const Axes& a, double x, double y, double radius, const char* kind, const std::string& title) {
  return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" class=\"{}\"><title>{}</title></circle>\n", a.at_x(x),
                     a.at_y(y), radius, kind, html_escaped(title));
}

std::string grid(const Axes& a) {
  std::string out;
  for (int k = 0; k <= 5; ++k) {
    double x = a.x * k / 5, y = a.y * k / 5;
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" class=\"grid\"/>"
                       "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:.2f}</text>\n",
                       a.at_x(x), kTop, kHeight - kBottom, kHeight - kBottom + 16, x);
    out += fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" class=\"grid\"/>"
                       "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.2f}</text>\n",
                       kLeft, kWidth - kRight, a.at_y(y), kLeft - 6, a.at_y(y) + 4, y);
  }
  return out + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">predicted time, ms</text>"
                           "<text x=\"14\" y=\"{}\" transform=\"rotate(-90 14 {})\" text-anchor=\"middle\">share of MACs</text>\n",
                           (kLeft + kWidth) / 2, kHeight - 8, kHeight / 2, kHeight / 2);
}
} // namespace

std::string html_escaped(const std::string& given) {
  std::string out;
  for (char c : given)
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    default: out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
    }
  return out;
}

std::string pareto_svg(const NeuralSearch& s) {
  Axes axes;
  axes.x = s.original.ms;
  auto share = [&](const CandidateForms& c) { return static_cast<double>(c.macs) / static_cast<double>(s.original.macs); };
  for (const CandidateForms& c : s.forms)
    axes.x = std::max(axes.x, c.ms), axes.y = std::max(axes.y, c.layers.empty() ? 0 : share(c));
  axes.x *= 1.05, axes.y *= 1.05;
  std::vector<const char*> kind(s.forms.size(), "free");
  for (size_t k = 0; k < s.search.judged.size(); ++k)
    if (s.search.judged[k].status == CandidateStatus::ok)
      kind[k] = "open";
  for (const Finalist& f : s.finalists)
    kind[f.candidate] = f.judged.allowed ? "yes" : "no";
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"candidates by time and MACs\">\n", kWidth, kHeight);
  out += grid(axes);
  for (const char* layer : {"free", "open", "no", "yes"}) // the judged ones on top
    for (size_t k = 0; k < s.forms.size(); ++k) {
      if (s.forms[k].layers.empty() || kind[k] != std::string(layer))
        continue;
      const Candidate& c = s.search.judged[k];
      out += dot(axes, s.forms[k].ms, share(s.forms[k]), 3, layer, fmt::format("candidate {} {}", c.number, c.why));
    }
  if (s.winner) {
    const CandidateForms& w = s.forms[s.finalists[*s.winner].candidate];
    out += dot(axes, w.ms, share(w), 6, "winner", "winner");
  }
  out += dot(axes, s.original.ms, 1, 6, "original", "original");
  return out + "</svg>\n";
}

} // namespace nasc
