// What a search found, and what became of one candidate, in lines for people.
#include <fmt/core.h>

#include <algorithm>

#include "tools/neural/neural_search.h"
#include "tools/neural/steps.h"

namespace nasc {

namespace {
std::string fate(const Finalist& f, double original_ms) {
  if (f.judged.allowed)
    return f.measured_ms > 0 ? fmt::format("accepted, measured {:.3f} ms, the original {:.3f} ms",
                                           f.measured_ms, original_ms)
                             : "accepted, not measured";
  return f.refused.empty() ? refusal_text(f.judged) : f.refused;
}
std::string verdict_lines(const Judged& judged) {
  std::string out;
  for (const NamedVerdict& v : judged.verdicts) {
    out += "  " + v.judge + ": " + name(v.verdict.answer);
    for (const Measure& m : v.verdict.measures)
      out += fmt::format(", {} {:.4g}{}", m.name, m.value,
                         m.error > 0 ? fmt::format(" +- {:.2g}", m.error) : "");
    out += "\n";
  }
  return out;
}
} // namespace

std::string why_none(const NeuralSearch& s) {
  return s.none_faster ? "no accepted candidate is faster than the original, as measured"
                       : "no candidate was accepted";
}

std::string summary(const NeuralSearch& s) {
  std::string out = fmt::format("neural: {} distinct candidates of {:.3g} in {:.1f} s ({})\n",
                                s.search.judged.size(), s.space_size, s.seconds, s.ended);
  for (const NeuralStageCount& c : s.stages) {
    auto most = std::max_element(c.reasons.begin(), c.reasons.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
    out += fmt::format(
        "  {:<12} {:>5} judged {:>5} rejected {:>4} evaluations {:>8.2f} s{}\n", c.name, c.judged,
        c.rejected, c.evaluations, c.seconds,
        most == c.reasons.end() ? "" : fmt::format("  mostly {} ({})", most->first, most->second));
  }
  if (!s.winner) {
    for (const Finalist& f : s.finalists)
      out += fmt::format("  candidate {}: MACs {:.3f}, predicted {:.3f} of {:.3f} ms, {}\n",
                         s.search.judged[f.candidate].number,
                         static_cast<double>(s.forms[f.candidate].macs) /
                             static_cast<double>(s.original.macs),
                         s.forms[f.candidate].ms, s.original.ms, fate(f, s.original_ms));
    return out + fmt::format("  no winner: {}\n", why_none(s));
  }
  const Finalist& f = s.finalists[*s.winner];
  const CandidateForms& w = s.forms[f.candidate];
  out += fmt::format("  winner: candidate {}, {} of {} convolutions changed, MACs {:.3f}, "
                     "parameters {:.3f}, predicted {:.3f} "
                     "of {:.3f} ms\n",
                     s.search.judged[f.candidate].number, w.changed.size(), s.layers.size(),
                     static_cast<double>(w.macs) / static_cast<double>(s.original.macs),
                     static_cast<double>(w.parameters) / static_cast<double>(s.original.parameters),
                     w.ms, s.original.ms);
  if (f.measured_ms > 0)
    out += fmt::format("  measured {:.3f} ms{}\n", f.measured_ms,
                       s.original_ms > 0
                           ? fmt::format(", the original {:.3f} ms: {:.2f} times as fast",
                                         s.original_ms, s.original_ms / f.measured_ms)
                           : "");
  out += verdict_lines(f.judged);
  return out + fmt::format("  judged on {}{}\n", s.data_source,
                           s.real_data ? "" : " (low trust: no real data, see --fisher-data)");
}

std::string candidate_text(const Candidate& c, const PlanLayers& steps,
                           const std::vector<NeuralLayer>& layers, const Judged* judged) {
  std::string out =
      fmt::format("candidate {}: {}{}{}\n", c.number, name(c.status),
                  c.stage.empty() ? "" : " by " + c.stage, c.why.empty() ? "" : ", " + c.why);
  for (const auto& [name, m] : c.metrics)
    out += fmt::format("  {} {:.6g}\n", name, m.value);
  for (const auto& [layer, all] : steps)
    for (const Step& step : all)
      out += fmt::format("  {}: {}\n", layers[layer].name, in_words(step));
  if (!judged)
    return c.status != CandidateStatus::ok
               ? out
               : out + "  no judge was asked: the sum of its layers' changes is too low, or others "
                       "were accepted before\n";
  out += verdict_lines(*judged);
  for (const auto& [layer, m] : judged->fisher)
    out += fmt::format("  {}: log Fisher ratio {:.3f} +- {:.3f}\n", layer, m.value, m.error);
  return out + (judged->allowed ? "  accepted by all judges\n"
                                : "  refused by " + refusal_text(*judged) + "\n");
}

} // namespace nasc
