// nasc-zoo: writes a network of the zoo as an ONNX file.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "ir/diag.h"
#include "test/zoo/zoo.h"

namespace {

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  if (!out) throw nasc::UserError(nasc::code::cannot_create, path, "cannot create the file");
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw nasc::UserError(nasc::code::io_error, path, "cannot write the file");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes benchmark networks with random weights, and tiny cousins of them, as ONNX files.", "nasc-zoo");
  std::string name, path, bn = "folded";
  nasc::ZooOptions options;
  bool list = false;
  app.add_option("NAME", name, "network; see --list");
  app.add_option("-o,--output", path, "file to write; NAME.onnx when absent");
  app.add_option("--seed", options.seed, "seed of the weights")->capture_default_str();
  app.add_option("--bn", bn, "BatchNormalization after a convolution: folded into its weights, or a node")
      ->check(CLI::IsMember({"folded", "unfolded"}))
      ->capture_default_str();
  app.add_option("--batch", options.batch, "name of a symbolic batch extent; a batch of 1 when absent");
  app.add_flag("--list", list, "print the names and exit");
  try {
    app.parse(argc, argv);
    options.fold_bn = bn == "folded";
    if (list) {
      for (const nasc::ZooModel& model : nasc::zoo_models()) std::cout << model.name << '\n';
      return 0;
    }
    if (name.empty()) throw nasc::UserError(nasc::code::usage, "nasc-zoo", "no network named; see --list");
    write_file(path.empty() ? name + ".onnx" : path, nasc::zoo_model(name, options));
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(nasc::Exit::usage);
  } catch (const nasc::UserError& error) {
    std::cerr << error.line() << '\n';
    return static_cast<int>(error.code->exit);
  }
}
