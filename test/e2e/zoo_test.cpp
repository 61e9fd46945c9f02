// Tiny cousins of the benchmark networks: compiled, loaded, run, and compared with the executor in
// double precision.
#include <catch2/catch.hpp>

#include "test/e2e/reference.h"

using namespace nasc;

TEST_CASE("zoo: tiny networks compute what the executor computes") {
  TinyZoo zoo;
  for (const auto& [name, path] : zoo.models)
    for (int level : {0, 1, 2}) {
      INFO(name << " -O" << level);
      CHECK_NOTHROW(check_model(path, level, level == 0 ? 1 : 2));
    }
}
