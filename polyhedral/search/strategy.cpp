// Choosing a strategy by text; replay.
#include "polyhedral/search/strategy.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace nasc {

bool better(const Outcome& a, const Outcome& b) {
  if (a.usable() != b.usable())
    return a.usable();
  if (!a.usable() || a.violation != b.violation)
    return a.usable() && a.violation < b.violation;
  return a.objectives[0] < b.objectives[0];
}

StrategyChoice parse_strategy(const std::string& given) {
  auto fail = [&](const std::string& what) { throw UserError(code::usage, "--strategy", what); };
  size_t colon = given.find(':');
  std::string name = given.substr(0, colon);
  StrategyChoice out;
  out.def = find_registered<StrategyDef>(name == "rea" ? "evolution" : name);
  if (!out.def) {
    std::vector<std::string> names;
    for (const StrategyDef* def : all_registered<StrategyDef>())
      names.emplace_back(def->name);
    std::string near = nearest(name, names), all;
    for (const auto& n : names)
      all += (all.empty() ? "" : ", ") + n;
    fail(text("no strategy ", escaped(name),
              near.empty() ? "; there are " + all : "; did you mean " + near + "?"));
  }
  for (const StrategyOption& o : out.def->options)
    out.options[o.name] = o.standard;
  std::string rest = colon == std::string::npos ? "" : given.substr(colon + 1);
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    std::string item = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    size_t equals = item.find('=');
    std::string key = item.substr(0, equals);
    double value = std::numeric_limits<double>::quiet_NaN();
    if (equals != std::string::npos)
      std::from_chars(item.data() + equals + 1, item.data() + item.size(), value);
    const StrategyOption* option = nullptr;
    std::vector<std::string> names;
    for (const StrategyOption& o : out.def->options) {
      names.emplace_back(o.name);
      if (key == o.name)
        option = &o;
    }
    if (!option) {
      std::string near = nearest(key, names);
      fail(text(name, " has no option ", escaped(key),
                near.empty() ? "" : "; did you mean " + near + "?"));
    }
    if (!(value >= option->low && value <= option->high))
      fail(text(name, ": ", key, " needs a number from ", option->low, " to ", option->high));
    out.options[key] = value;
  }
  return out;
}

std::string text(const StrategyChoice& choice) {
  std::string out = choice.def->name;
  const char* mark = ":";
  for (const auto& [name, value] : choice.options) {
    out += text(mark, name, "=", value);
    mark = ",";
  }
  return out;
}

std::unique_ptr<Strategy> make(const StrategyChoice& choice, StrategyContext context) {
  context.options = choice.options;
  if (choice.def->needs_additive && !context.additive)
    throw UserError(code::usage, "--strategy",
                    text(choice.def->name, " needs objectives that are sums over layers"));
  if (context.objectives > 1 && !choice.def->multi_objective)
    throw UserError(code::usage, "--strategy",
                    text(choice.def->name, " minimises one objective; nsga2 takes several"));
  return choice.def->make(context);
}

std::string strategy_help() {
  std::string out;
  for (const StrategyDef* def : all_registered<StrategyDef>()) {
    out += text(def->name, ": ", def->doc, "\n");
    for (const StrategyOption& o : def->options)
      out += text("    ", o.name, "=", o.standard, "  ", o.doc, "\n");
  }
  return out;
}

void recover(Strategy& strategy, const std::vector<Told>& history, const std::string& where) {
  for (size_t i = 0; i < history.size(); ++i) {
    std::optional<Proposal> again = strategy.propose();
    if (!again || again->dna != history[i].proposal.dna ||
        again->fidelity != history[i].proposal.fidelity)
      throw UserError(
          code::bad_text, where,
          text("candidate ", i + 1, " is not what this strategy, space and seed propose"));
    strategy.feedback(*again, history[i].outcome);
  }
}

} // namespace nasc
