// The tiny networks for other processors: Haswell on this one, AArch64 in an emulator.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "codegen/emit.h"
#include "test/e2e/reference.h"

using namespace nasc;

namespace {

constexpr const char* kCross = "aarch64-linux-gnu-gcc";
constexpr const char* kEmulator = "qemu-aarch64";
constexpr const char* kLibraries = "/usr/aarch64-linux-gnu"; // of Debian's cross packages

bool runs(const char* program) {
  return std::system((std::string(program) + " --version > /dev/null 2>&1").c_str()) == 0;
}

CompileOptions options_for_target(const std::string& model, const Target& target) {
  CompileOptions options = options_for(model, 2);
  options.target = target;
  return options;
}

// What the library of another architecture computes, by a small C program in the emulator.
std::vector<HostTensor> emulated(const std::string& driver, Compilation& c,
                                 const std::vector<HostTensor>& inputs,
                                 std::vector<HostTensor> outputs) {
  TemporaryFolder folder;
  std::string library = link_library(c, folder.path.string()).library;
  for (size_t k = 0; k < inputs.size(); ++k)
    std::ofstream(folder / ("in." + std::to_string(k)), std::ios::binary)
        .write(reinterpret_cast<const char*>(inputs[k].bytes.data()),
               static_cast<std::streamsize>(inputs[k].bytes.size()));
  Ran ran = run_program({"/usr/bin/env", kEmulator, "-L", kLibraries, driver, library, "2"},
                        folder.path.string());
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  for (size_t k = 0; k < outputs.size(); ++k) {
    std::string bytes = file_content(folder / ("out." + std::to_string(k)));
    REQUIRE(bytes.size() == outputs[k].bytes.size());
    std::memcpy(outputs[k].bytes.data(), bytes.data(), bytes.size());
  }
  return outputs;
}

} // namespace

TEST_CASE("targets: the tiny networks are right on Haswell and on AArch64") {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    WARN("skipped: this processor lacks AVX2");
    return;
  }
#else
  WARN("skipped: this processor is no x86-64");
  return;
#endif
  const bool cross = runs(kCross) && runs(kEmulator);
  if (!cross)
    WARN("AArch64 skipped: no " << kCross << " or " << kEmulator);
  TemporaryFolder folder;
  std::string driver = folder / "driver";
  if (cross) {
    const std::string root = NASC_SOURCE_DIR;
    Ran made = run_program({"/usr/bin/env", kCross, "-std=c11", "-O1", "-Wall", "-Werror", "-I",
                            root, root + "/test/e2e/raw_driver.c", "-o", driver, "-ldl"},
                           folder.path.string());
    INFO(made.out);
    REQUIRE(made.exit == 0);
  }
  TinyZoo zoo;
  REQUIRE(zoo.models.size() >= 8);
  for (const auto& [name, path] : zoo.models) {
    INFO(name);
    Compilation haswell = compiled(options_for_target(path, target_for("haswell")));
    Loaded l = loaded(haswell, 2);
    CHECK(l.runner.model().info().cpu == std::string("haswell"));
    std::vector<HostTensor> x = inputs_of(l.runner, 1), y = l.runner.run(x);
    std::vector<HostTensor> want = reference(path, x);
    check_results(y, want);
    if (!cross)
      continue;
    INFO("aarch64");
    Compilation arm =
        compiled(options_for_target(path, target_for("", "aarch64-unknown-linux-gnu")));
    check_results(emulated(driver, arm, x, y), want);
  }
}
