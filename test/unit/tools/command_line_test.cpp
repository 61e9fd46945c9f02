// Compiler spellings become long options; mistakes are named.
#include "tools/command_line.h"

#include <catch2/catch.hpp>

#include "ir/diag.h"

using namespace nasc;
using Strings = std::vector<std::string>;

namespace {
const std::vector<Spelling> kTable = {{"-MD", "--dep", Spelling::flag},
                                      {"-MF", "--dep-file", Spelling::value},
                                      {"-mcpu", "--mcpu", Spelling::joined}};

int parsed(const Strings& words) {
  CLI::App app("test", "test");
  std::string model, file;
  bool dep = false;
  app.add_option("MODEL", model);
  app.add_option("--dep-file", file);
  app.add_flag("--dep", dep);
  std::vector<const char*> argv = {"test"};
  for (const auto& w : words)
    argv.push_back(w.c_str());
  return parse_command_line(app, static_cast<int>(argv.size()), argv.data(), kTable);
}
} // namespace

TEST_CASE("command line: single-dash spellings are rewritten by the table") {
  CHECK(rewritten({"-MD", "-MF", "x.d", "m.onnx"}, kTable) ==
        Strings{"--dep", "--dep-file=x.d", "m.onnx"});
  CHECK(rewritten({"-MFx.d"}, kTable) == Strings{"--dep-file=x.d"});
  CHECK(rewritten({"-mcpu=native"}, kTable) == Strings{"--mcpu=native"});
  CHECK(rewritten({"-MDx"}, kTable) == Strings{"-MDx"});
  CHECK(rewritten({"-O2"}, kTable) == Strings{"-O2"});
}

TEST_CASE("command line: values and what follows -- are left alone") {
  CHECK(rewritten({"-o", "-MD"}, kTable) == Strings{"-o", "-MD"});
  CHECK(rewritten({"-MF", "-MD"}, kTable) == Strings{"--dep-file=-MD"});
  CHECK(rewritten({"--", "-MD"}, kTable) == Strings{"--", "-MD"});
  CHECK_THROWS_AS(rewritten({"-MF"}, kTable), UserError);
}

TEST_CASE("command line: an unknown option gets the nearest known one") {
  CHECK_THROWS_WITH(parsed({"--dep-fiel=x"}), Catch::Contains("did you mean --dep-file?"));
  CHECK_THROWS_WITH(parsed({"-MX"}), Catch::Contains("did you mean -M"));
  CHECK_THROWS_WITH(parsed({"a", "b"}), Catch::Contains("unexpected argument"));
  CHECK(parsed({"a", "-MD"}) == -1);
}

TEST_CASE("command line: a model named like an option follows --") {
  CHECK(parsed({"--", "-MD"}) == -1);
}
