// Dependency files as make reads them.
#include "tools/depfile.h"

#include <catch2/catch.hpp>

#include "ir/diag.h"

using namespace nasc;

TEST_CASE("depfile: names are quoted for make") {
  CHECK(make_quoted("a b.so") == "a\\ b.so");
  CHECK(make_quoted("a$b") == "a$$b");
  CHECK(make_quoted("a#b") == "a\\#b");
  CHECK(make_quoted("a:b") == "a\\:b");
  CHECK(make_quoted("a\\ b") == "a\\\\\\ b");
  CHECK(make_quoted("a\\b") == "a\\b");
  CHECK_THROWS_AS(make_quoted("a\nb"), UserError);
}

TEST_CASE("depfile: phony rules for all inputs but the model") {
  CHECK(text(DepFile{{"m.so"}, {"m.onnx", "w.bin"}, false}) == "m.so: \\\n  m.onnx \\\n  w.bin\n");
  CHECK(text(DepFile{{"m.so", "m.h"}, {"m.onnx", "w.bin"}, true}) ==
        "m.so m.h: \\\n  m.onnx \\\n  w.bin\n\nw.bin:\n");
}
