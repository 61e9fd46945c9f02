// Table lookup, and CLI11's errors as ours.
#include "tools/command_line.h"

#include <algorithm>
#include <iostream>

#include "ir/diag.h"

namespace nasc {

std::vector<std::string> rewritten(const std::vector<std::string>& arguments,
                                   const std::vector<Spelling>& table) {
  std::vector<std::string> out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    if (a == "--") {
      out.insert(out.end(), arguments.begin() + static_cast<long>(i), arguments.end());
      break;
    }
    // The longest spelling that fits: -MFX is -MF X, but -MD is itself.
    const Spelling* best = nullptr;
    for (const Spelling& s : table) {
      std::string given = s.given;
      bool fits = s.kind == Spelling::flag     ? a == given
                  : s.kind == Spelling::joined ? a.starts_with(given + "=")
                                               : a.starts_with(given);
      if (fits && (!best || given.size() > std::string(best->given).size()))
        best = &s;
    }
    if (best) {
      std::string given = best->given;
      if (best->kind == Spelling::flag)
        out.push_back(best->option);
      if (best->kind == Spelling::joined)
        out.push_back(best->option + a.substr(given.size()));
      if (best->kind == Spelling::value) {
        if (a.size() == given.size() && i + 1 == arguments.size())
          throw UserError(code::usage, given, "needs a value");
        out.push_back(std::string(best->option) + "=" +
                      (a.size() > given.size() ? a.substr(given.size()) : arguments[++i]));
      }
    } else {
      out.push_back(a);
      if (a == "-o" && i + 1 < arguments.size())
        out.push_back(arguments[++i]);
    }
  }
  return out;
}

namespace {

std::vector<std::string> option_names(const CLI::App& app, const std::vector<Spelling>& table) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options()) {
    for (const auto& n : o->get_lnames())
      names.push_back("--" + n);
    for (const auto& n : o->get_snames())
      names.push_back("-" + n);
  }
  for (const CLI::App* sub : app.get_subcommands({}))
    for (auto& n : option_names(*sub, {}))
      names.push_back(n);
  for (const Spelling& s : table)
    names.push_back(s.given);
  return names;
}

void refuse_extras(const std::vector<std::string>& extras, const std::vector<std::string>& names) {
  for (const std::string& extra : extras) {
    std::string word = extra.substr(0, extra.find('='));
    if (word.size() < 2 || word[0] != '-')
      throw UserError(code::usage, extra, "unexpected argument");
    std::string near = nearest(word, names);
    throw UserError(code::usage, word,
                    "unknown option" + (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

} // namespace

int parse_command_line(CLI::App& app, int argc, const char* const* argv,
                       const std::vector<Spelling>& table) {
  std::vector<std::string> arguments = rewritten({argv + 1, argv + argc}, table);
  std::vector<std::string> names = option_names(app, table);
  std::reverse(arguments.begin(), arguments.end()); // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ExtrasError&) {
    refuse_extras(app.remaining(true), names);
    throw UserError(code::usage, app.get_name(), "unexpected argument");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    refuse_extras(app.remaining(true), names); // the likely reason, and the better message
    throw UserError(code::usage, app.get_name(), std::string(error.what()) + "; see --help");
  }
  return -1;
}

} // namespace nasc
