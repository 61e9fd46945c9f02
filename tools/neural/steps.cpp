// The named sequences, and words for reports.
#include "tools/neural/steps.h"

#include <map>

#include "polyhedral/transformation.h"

namespace nasc {
namespace {

int64_t integer(const Step& s, const char* name) {
  auto found = s.args.find(name);
  if (found == s.args.end() || !std::holds_alternative<int64_t>(found->second))
    throw UserError(code::bad_text, s.transformation, text("needs an integer ", name));
  return std::get<int64_t>(found->second);
}

void no_more(const Step& s, size_t known) {
  if (s.args.size() != known)
    throw UserError(code::bad_text, text(s), text("takes ", known, " arguments"));
}

Step grouped(int64_t piece, int64_t by) { return {"group", {{"piece", piece}, {"by", by}}}; }

std::vector<Step> seq1(const Step& s) {
  no_more(s, 1);
  auto found = s.args.find("groups");
  if (found == s.args.end() || !std::holds_alternative<std::vector<int64_t>>(found->second))
    throw UserError(code::bad_text, text(s), "needs groups=[a, b, ..]");
  const auto& groups = std::get<std::vector<int64_t>>(found->second);
  std::vector<Step> out = {
      {"split_domain", {{"loop", std::string("co")}, {"parts", static_cast<int64_t>(groups.size())}}}};
  for (size_t k = 0; k < groups.size(); ++k)
    if (groups[k] > 1)
      out.push_back(grouped(static_cast<int64_t>(k), groups[k]));
  return out;
}

std::vector<Step> seq2(const Step& s) {
  no_more(s, 2);
  int64_t peel = integer(s, "peel"), by = integer(s, "by");
  return {{"peel_domain", {{"loop", std::string("co")}, {"count", peel}}},
          {"restrict_domain", {{"piece", int64_t{1}}, {"loop", std::string("ci")}, {"first", peel}}},
          grouped(1, by)};
}

std::vector<Step> seq3(const Step& s) {
  no_more(s, 2);
  int64_t parts = integer(s, "split"), by = integer(s, "by");
  std::vector<Step> out = {{"split_domain", {{"loop", std::string("oh")}, {"parts", parts}}}};
  for (int64_t k = 0; k < parts; ++k)
    out.push_back(grouped(k, by));
  return out;
}

const std::map<std::string, std::vector<Step> (*)(const Step&)>& sequences() {
  static const std::map<std::string, std::vector<Step> (*)(const Step&)> all = {
      {"seq1", seq1}, {"seq2", seq2}, {"seq3", seq3}};
  return all;
}

std::string word(const Step& s, const char* name) {
  auto found = s.args.find(name);
  if (found == s.args.end())
    return "";
  if (const auto* i = std::get_if<int64_t>(&found->second))
    return std::to_string(*i);
  if (const auto* w = std::get_if<std::string>(&found->second))
    return *w;
  return "";
}
std::string loop_word(const std::string& loop) {
  static const std::map<std::string, std::string> known = {
      {"co", "output channels"}, {"ci", "input channels"}, {"oh", "rows"}, {"ow", "columns"}, {"g", "groups"}};
  auto found = known.find(loop);
  return found == known.end() ? "values of " + loop : found->second;
}

} // namespace

std::vector<Step> layer_steps(const std::string& given, const std::string& layer) {
  Step step = parse_step(given);
  auto sequence = sequences().find(step.transformation);
  std::vector<Step> out =
      sequence == sequences().end() ? std::vector<Step>{step} : sequence->second(step);
  for (Step& s : out) {
    const Transformation* known = find_registered<Transformation>(s.transformation);
    if (known && known->kind != Kind::neural)
      throw UserError(code::usage, given, "is a step of schedules, which --tune looks for: not of neural spaces");
    s.args["layer"] = layer;
  }
  return out;
}

std::string in_words(const Step& s) {
  const std::string& t = s.transformation;
  std::string by = word(s, "by"), loop = loop_word(word(s, "loop")), out;
  if (t == "group")
    out = "in " + by + " groups";
  else if (t == "depthwise")
    out = "one input channel per output channel";
  else if (t == "bottleneck")
    out = "the first 1/" + by + " of the " + loop;
  else if (t == "spatial_bottleneck")
    out = "at 1/" + by + " of the resolution, results repeated";
  else if (t == "split_domain")
    out = loop + " in " + word(s, "parts") + " parts with weights of their own";
  else if (t == "peel_domain")
    out = "the first " + word(s, "count") + " " + loop + " apart";
  else if (t == "restrict_domain")
    out = "only " + loop + " from " + word(s, "first") + " on";
  else
    out = text(Step{t, [&] {
      auto args = s.args;
      args.erase("layer");
      return args;
    }()});
  if (word(s, "weights") == "init")
    out += ", weights drawn anew";
  std::string piece = word(s, "piece");
  return piece.empty() ? out : "part " + piece + ": " + out;
}

} // namespace nasc
