// Our scores of cells of NATS-Bench against published ones: fisher (weighted by fan-in), naswot, synflow. Journalled.
#include <CLI/CLI.hpp>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

#include "frontend/batch.h"
#include "frontend/import.h"
#include "frontend/lower.h"
#include "legality/dataset.h"
#include "test/reliability/command.h"
#include "test/reliability/statistics.h"
#include "test/zoo/networks.h"

using namespace nasc;

namespace {
std::vector<std::string> lines_of(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw UserError(code::no_input, path, "cannot read the file");
  std::string all;
  char chunk[1 << 16];
  for (int n; (n = gzread(file, chunk, sizeof chunk)) > 0;) all.append(chunk, static_cast<size_t>(n));
  gzclose(file);
  std::vector<std::string> out;
  std::istringstream in(all);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string f; std::getline(in, f, ',');) out.push_back(f);
  return out;
}

Network base_network(const std::string& cell, int64_t batch) {
  Instances instances;
  Graph g = with_batch(read_onnx(file_bytes(make_nats_cell(cell, {.fold_bn = false})), cell), batch);
  return lower(import_graph(std::move(g), instances, ImportOptions{{}, false}), instances);
}

double weighted_fisher(const ScoringNetwork& n, const Scores& s) {
  double sum = 0;
  for (size_t k = 0; k < s.fisher.size(); ++k) sum += static_cast<double>(n.layers()[k].fan_in) * s.fisher[k];
  return sum;
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Scores cells of NATS-Bench and correlates the scores with published ones.", "published-scores");
  std::string table, images, journal = "published.tsv";
  int cells = 200, batch = 64;
  app.add_option("--table", table, "nb201_zerocost_full.csv.gz")->required();
  app.add_option("--data", images, "CIFAR-10 images")->required();
  app.add_option("--journal", journal, "what it has is not done again")->capture_default_str();
  app.add_option("--cells", cells, "how many of the fixed random order")->capture_default_str();
  app.add_option("--batch", batch, "images of the minibatch")->capture_default_str();
  return run_command(app, argc, argv, [&] {
    std::vector<std::string> lines = lines_of(table), head = fields_of(lines.at(0));
    std::map<std::string, std::map<std::string, double>> published;
    std::vector<std::string> order;
    for (size_t k = 1; k < lines.size(); ++k) {
      std::vector<std::string> f = fields_of(lines[k]);
      std::map<std::string, double> row;
      std::string cell;
      bool cifar = true;
      for (size_t c = 0; c < f.size() && c < head.size(); ++c) {
        if (head[c] == "dataset") cifar = f[c] == "cifar10";
        else if (head[c] == "arch" || head[c] == "code" || head[c] == "arch_code") cell = f[c];
        else if (!f[c].empty()) row[head[c]] = std::strtod(f[c].c_str(), nullptr);
      }
      if (!cifar || cell.size() > 6 || cell.empty()) continue;
      cell.insert(0, 6 - cell.size(), '0');
      published[cell] = row;
      order.push_back(cell);
    }
    std::sort(order.begin(), order.end());
    std::mt19937_64 rng(2026);
    for (size_t i = 0; i + 1 < order.size(); ++i) std::swap(order[i], order[i + rng() % (order.size() - i)]);
    order.resize(std::min(order.size(), static_cast<size_t>(cells)));

    std::map<std::string, std::vector<double>> done;  // fisher, unweighted fisher, naswot, synflow
    std::ifstream before(journal);
    for (std::string line, cell; std::getline(before, line);) {
      std::istringstream in(line);
      std::vector<double> v(4);
      if (in >> cell >> v[0] >> v[1] >> v[2] >> v[3]) done[cell] = v;
    }
    Dataset data = read_dataset(images);
    std::ofstream out(journal, std::ios::app);
    for (const std::string& cell : order) {
      if (done.count(cell)) continue;
      ScoringNetwork n(base_network(cell, batch), {.unit_norm = false, .init = Init::kaiming_uniform});
      Scores s = n.score(1, minibatches(data, n, 1, 1).front());
      ScoringNetwork flow(base_network(cell, 1), {.measured = Measured::flow, .unit_norm = false, .init = Init::kaiming_uniform});
      double total = flow.flow(1).total();
      done[cell] = {weighted_fisher(n, s), s.total(), s.naswot, total};
      out << cell;
      for (double v : done[cell]) out << ' ' << v;
      out << std::endl;
    }
    const char* const kNames[] = {"fisher", "fisher", "nwot", "synflow"};
    const char* const kOurs[] = {"fisher weighted by fan-in", "fisher", "naswot", "synflow"};
    std::cout << done.size() << " cells\n";
    for (size_t k = 0; k < 4; ++k) {
      std::vector<double> ours, theirs;
      for (const std::string& cell : order) {
        if (!done.count(cell) || !published[cell].count(kNames[k])) continue;
        ours.push_back(done[cell][k]);
        theirs.push_back(published[cell][kNames[k]]);
      }
      std::cout << kOurs[k] << ": rank correlation " << spearman(ours, theirs) << " with the published " << kNames[k] << " of " << ours.size() << " cells\n";
    }
  });
}
