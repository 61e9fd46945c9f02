// Tables and words around the plot.
#include "tools/neural/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "nasc_version.h"
#include "tools/neural/latency.h"
#include "tools/neural/steps.h"

namespace nasc {
namespace {

const char kStyle[] =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}.scroll{overflow-x:auto}svg{width:100%;height:auto;font-size:11px}"
    ".grid{stroke:#e4e4e4}.free{fill:#ccc}.open{fill:#8ab}.no{fill:#c43}.yes{fill:#2a7}.winner{fill:none;stroke:#2a7;"
    "stroke-width:3}.original{fill:#222}.low{background:#fff3d6;padding:.5rem 1rem;border-left:4px solid #d90}"
    ".key span{display:inline-block;width:.7rem;height:.7rem;border-radius:50%;margin:0 .3rem 0 .8rem}";

std::string cell(const std::string& t) { return "<td>" + html_escaped(t) + "</td>"; }
std::string pair_cell(double before, double after, const char* pattern) {
  if (before == after)
    return cell(fmt::format(fmt::runtime(pattern), before));
  return cell(fmt::format(fmt::runtime(pattern), before) + " \xE2\x86\x92 " + fmt::format(fmt::runtime(pattern), after));
}

std::string stage_rows(const NeuralSearch& s) {
  std::string out = "<table><tr><th>stage</th><th>judged</th><th>rejected</th><th>networks run</th><th>seconds</th><th>why</th></tr>\n";
  for (const NeuralStageCount& c : s.stages) {
    std::string why;
    for (const auto& [reason, times] : c.reasons)
      why += fmt::format("{}{} ({})", why.empty() ? "" : "; ", reason, times);
    out += "<tr>" + cell(c.name) + cell(text(c.judged)) + cell(text(c.rejected)) + cell(text(c.evaluations)) +
           cell(fmt::format("{:.2f}", c.seconds)) + cell(why) + "</tr>\n";
  }
  return out + "</table>\n";
}

std::string verdict_rows(const NeuralSearch& s) {
  if (s.finalists.empty())
    return "<p>No candidate came to the judges.</p>\n";
  std::string out = "<div class=scroll><table><tr><th>candidate</th><th>predicted ms</th><th>judge</th><th>answer</th><th>numbers</th></tr>\n";
  for (const Finalist& f : s.finalists) {
    std::string number = text(s.search.judged[f.candidate].number), ms = fmt::format("{:.3f}", s.forms[f.candidate].ms);
    if (!f.refused.empty())
      out += "<tr>" + cell(number) + cell(ms) + cell("-") + cell("refused") + cell(f.refused) + "</tr>\n";
    for (const NamedVerdict& v : f.judged.verdicts) {
      std::string numbers = v.verdict.reason;
      for (const Measure& m : v.verdict.measures)
        numbers += fmt::format("{}{} {:.4g}{}", numbers.empty() ? "" : "; ", m.name, m.value,
                               m.error > 0 ? fmt::format(" \xC2\xB1 {:.2g}", m.error) : "");
      out += "<tr>" + cell(number) + cell(ms) + cell(v.judge) + cell(name(v.verdict.answer)) + cell(numbers) + "</tr>\n";
    }
  }
  return out + "</table></div>\n";
}

std::string layer_rows(const NeuralSearch& s, const Finalist& f) {
  const CandidateForms& w = s.forms[f.candidate];
  std::string out = "<div class=scroll><table><tr><th>layer</th><th>operator</th><th>MACs, M</th><th>parameters, K</th>"
                    "<th>predicted, \xC2\xB5s</th><th>log Fisher ratio</th></tr>\n";
  for (size_t k = 0; k < s.layers.size(); ++k) {
    const FormEntry &before = *s.original.layers[k], &after = *w.layers[k];
    std::string words;
    for (const auto& [layer, steps] : s.plan_layers)
      for (const Step& step : steps)
        if (layer == k)
          words += (words.empty() ? "" : "; ") + in_words(step);
    if (words.empty())
      words = before.canonical == after.canonical ? "as it was" : "reads fewer channels";
    auto fisher = f.judged.fisher.find(s.layers[k].name);
    std::string bar = "-";
    if (fisher != f.judged.fisher.end() && std::isfinite(fisher->second.error))
      bar = fmt::format("{:.3f} \xC2\xB1 {:.3f}", fisher->second.value, fisher->second.error);
    out += "<tr>" + cell(s.layers[k].name) + cell(words) +
           pair_cell(static_cast<double>(before.macs) / 1e6, static_cast<double>(after.macs) / 1e6, "{:.2f}") +
           pair_cell(static_cast<double>(before.parameters) / 1e3, static_cast<double>(after.parameters) / 1e3, "{:.1f}") +
           pair_cell(predicted_ms(before.cycles) * 1e3, predicted_ms(after.cycles) * 1e3, "{:.0f}") + cell(bar) + "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string plan_words(const NeuralSearch& s) {
  std::string out = "<ol>\n";
  for (const auto& [layer, steps] : s.plan_layers) {
    std::string words;
    for (const Step& step : steps)
      words += (words.empty() ? "" : "; ") + in_words(step);
    out += "<li><b>" + html_escaped(s.layers[layer].name) + "</b>: " + html_escaped(words) + "</li>\n";
  }
  return out + "</ol>\n";
}

std::string plan_lines(const NeuralSearch& s) {
  std::string out;
  for (const Step& step : s.plan)
    out += html_escaped(text(step)) + "\n";
  return "<details><summary>The steps of the plan</summary><pre>" + out + "</pre></details>\n";
}

} // namespace

std::string report_html(const NeuralSearch& s, const std::string& model, const NeuralOptions& o) {
  std::string out = "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
                    "<title>nasc: neural search</title><style>" + std::string(kStyle) + "</style>\n";
  out += "<h1>Neural search of " + html_escaped(model) + "</h1>\n";
  if (s.winner) {
    const CandidateForms& w = s.forms[s.finalists[*s.winner].candidate];
    out += fmt::format("<p>Candidate {} won: {} of {} convolutions are changed; MACs {:.1f} M of {:.1f} M, parameters {:.3f} M of "
                       "{:.3f} M, predicted {:.3f} ms of {:.3f} ms. The compiled network computes another function than the model; "
                       "it wants fine-tuning.</p>\n",
                       s.search.judged[s.finalists[*s.winner].candidate].number, w.changed.size(), s.layers.size(),
                       static_cast<double>(w.macs) / 1e6, static_cast<double>(s.original.macs) / 1e6,
                       static_cast<double>(w.parameters) / 1e6, static_cast<double>(s.original.parameters) / 1e6, w.ms, s.original.ms);
  } else {
    out += "<p>There is no winner: " + html_escaped(why_none(s)) + ". The exact network was compiled.</p>\n";
  }
  if (!s.real_data)
    out += "<p class=low><b>Low trust.</b> The judges saw " + html_escaped(s.data_source.empty() ? "no data" : s.data_source) +
           ": give labelled images with --fisher-data.</p>\n";
  else
    out += "<p>The judges saw " + html_escaped(s.data_source) + ".</p>\n";
  out += fmt::format("<p>{} distinct candidates of {:.3g} in the space {}, {:.1f} s, strategy {}, objective {}, legality {}, seed {}; "
                     "ended by {}.</p>\n",
                     s.search.judged.size(), s.space_size, html_escaped(s.space), s.seconds, html_escaped(o.strategy),
                     html_escaped(o.objective), html_escaped(o.legality), o.seed, html_escaped(s.ended));
  out += "<h2>Candidates</h2>\n" + pareto_svg(s) +
         "<p class=key><span style=\"background:#222\"></span>original<span style=\"background:#2a7\"></span>accepted"
         "<span style=\"background:#c43\"></span>refused by a judge<span style=\"background:#8ab\"></span>not judged"
         "<span style=\"background:#ccc\"></span>refused by a free check</p>\n";
  out += "<h2>Stages</h2>\n" + stage_rows(s) + "<h2>Judges</h2>\n" + verdict_rows(s);
  if (s.winner)
    out += "<h2>Layers</h2>\n" + layer_rows(s, s.finalists[*s.winner]) + "<h2>The winning plan</h2>\n" + plan_words(s) +
           "<p>Weights: those of the model, as far as the new operators have room for them, where nothing else is said.</p>\n" +
           plan_lines(s);
  return out + "<p>" + html_escaped(kVersionText) + "</p>\n</html>\n";
}

} // namespace nasc
