// Judges of neural candidates, their conjunctions, the protocol, and the readers of images.
#include <catch2/catch.hpp>
#include <zlib.h>

#include <cmath>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "legality/conjunction.h"
#include "legality/dataset.h"
#include "legality/protocol.h"
#include "networks.h"
#include "test/support/test_data.h"

using namespace nasc;
using namespace nasc::test;

namespace {
constexpr int64_t kBatch = 8;

Network base_network(int64_t batch) { return mark_positions(zoo_network("tiny-resnet", batch)); }

struct Fixture {
  Network base = base_network(kBatch), single = base_network(1);
  std::shared_ptr<const ScoringNetwork> network = std::make_shared<const ScoringNetwork>(base, ScoringOptions{.with_jacobian = true});
  std::shared_ptr<ScoreData> data = std::make_shared<ScoreData>();
  std::unique_ptr<SeededScores> original;

  Fixture() {
    data->minibatches = noise_minibatches(*network, 6, 1);
    original = std::make_unique<SeededScores>(network, data, [this] {
      return std::make_shared<const ScoringNetwork>(single, ScoringOptions{.measured = Measured::flow});
    });
  }
  std::unique_ptr<SeededScores> candidate(const std::vector<std::string>& steps) const {
    auto n = std::make_shared<const ScoringNetwork>(rewritten(base, steps), ScoringOptions{.with_jacobian = true}, network.get());
    return std::make_unique<SeededScores>(n, data, [this, steps] {
      ScoringOptions flow{.measured = Measured::flow};
      ScoringNetwork of(single, flow);
      return std::make_shared<const ScoringNetwork>(rewritten(single, steps), flow, &of);
    });
  }
};
Verdict ask(const char* judge, NetworkPair& pair) {
  Subject s;
  s.networks = &pair;
  return find_registered<Judge>(judge)->judge(s);
}
}  // namespace

TEST_CASE("judges: the original itself is allowed by all that need no trained model", "[judge]") {
  Fixture f;
  auto same = f.candidate({});
  NetworkPair pair{*f.original, *same, {.max_seeds = 6}};
  for (const char* judge : {"capacity", "naswot", "fisher", "fisher:median", "fisher:paper", "synflow", "jacov"}) {
    INFO(judge);
    Verdict v = ask(judge, pair);
    CHECK(text(v) == text(Verdict{Verdict::yes, "", "", {}, v.measures}));
  }
  CHECK(ask("output", pair).answer == Verdict::undecided);
  pair.agreement = [] { return Agreement{100, 99, 0.01, "kept"}; };
  CHECK(ask("output", pair).answer == Verdict::yes);
  pair.agreement = [] { return Agreement{100, 50, 0.5, "sliced"}; };
  CHECK(ask("output", pair).answer == Verdict::no);
  pair.agreement = [] { return Agreement{100, 99, 0.01, "fitted", 50}; };  // the compiled network's weights are not fitted
  CHECK(ask("output", pair).answer == Verdict::no);
  CHECK(ask("output", pair).measures.at(1).value == 0.99);
}

TEST_CASE("judges: seeds are scored in any order with the same verdict, and time that is over leaves it undecided", "[judge]") {
  Fixture f;
  std::vector<std::string> steps = {"group(layer=conv_5, by=2)"};
  auto one = f.candidate(steps);
  NetworkPair pair{*f.original, *one, {.max_seeds = 6}};
  REQUIRE(f.network->any_thread());
  for (const char* judge : {"naswot", "fisher", "fisher:median", "fisher:paper", "jacov"}) {
    INFO(judge);
    Fixture g;
    auto other = g.candidate(steps);
    NetworkPair threads{*g.original, *other, {.max_seeds = 6}};
    size_t rounds = 0;
    threads.team.each = [&](size_t n, const std::function<void(size_t)>& work) {
      ++rounds;
      std::vector<std::thread> team;
      for (size_t k = n; k-- > 0;) team.emplace_back([&work, k] { work(k); });
      for (std::thread& t : team) t.join();
    };
    Verdict v = ask(judge, threads), wanted = ask(judge, pair);
    CHECK(rounds > 0);
    CHECK(v.answer == wanted.answer);
    REQUIRE(v.measures.size() == wanted.measures.size());
    for (size_t k = 0; k < v.measures.size(); ++k) CHECK(v.measures[k].value == wanted.measures[k].value);
  }
  for (const char* judge : {"naswot", "fisher", "fisher:median", "fisher:paper", "jacov", "synflow", "output"}) {
    INFO(judge);
    Fixture g;
    auto other = g.candidate(steps);
    NetworkPair late{*g.original, *other, {.max_seeds = 6}};
    late.agreement = [] { return Agreement{100, 99, 0.01, "kept"}; };
    late.team.stop = [] { return true; };
    CHECK(ask(judge, late).reason == kOutOfTime);
    CHECK(ask(judge, late).answer == Verdict::undecided);
    CHECK(other->evaluations() == 0);
  }
}

TEST_CASE("judges: a candidate shares the original's draws, and capacity counts layer by layer", "[judge]") {
  Fixture f;
  auto grouped = f.candidate({"group(layer=conv_5, by=2)"});
  const ScoringNetwork& n = grouped->network();
  REQUIRE(n.layers().size() == f.network->layers().size());
  bool found = false;
  for (const ScoredWeight& w : n.weights()) {
    if (w.layer != "conv_5") {
      CHECK(w.elements.empty());
      continue;
    }
    found = true;
    CHECK(static_cast<int64_t>(w.elements.size()) * 2 == element_count(w.drawn_shape));
  }
  CHECK(found);
  // The first layer comes before the change: the same draws and images give the same activations.
  CHECK(grouped->at(0).loss != f.original->at(0).loss);
  NetworkPair pair{*f.original, *grouped, {.max_seeds = 6}};
  CHECK(ask("capacity", pair).answer == Verdict::yes);
  pair.options.layer_floor = 0.6;
  Verdict v = ask("capacity", pair);
  CHECK(v.reason == "capacity-low");
  CHECK(v.text.find("conv_5") != std::string::npos);
  Verdict flow = ask("synflow", pair);
  CHECK(flow.measures.at(0).value < 0);
}

TEST_CASE("judges: lists are conjunctions", "[judge]") {
  CHECK(parse_legality(kDefaultLegality).size() >= 2);
  CHECK(std::string(parse_legality("fisher:paper")[0]->name) == "fisher:paper");
  CHECK_THROWS_WITH(parse_legality("fischer"), Catch::Contains("did you mean 'fisher'"));
  CHECK_THROWS_AS(parse_legality(""), UserError);
  CHECK_THROWS_AS(parse_legality("fisher,,naswot"), UserError);
}

TEST_CASE("judges: decisions say yes, no, or that seeds do not suffice", "[judge]") {
  auto noisy = [](double mean, double spread) { return [=](int k) { return mean + (k % 2 ? spread : -spread); }; };
  CHECK(decide("x", "low", 0, 24, noisy(1, 0.1)).answer == Verdict::yes);
  CHECK(decide("x", "low", 0, 24, noisy(-1, 0.1)).answer == Verdict::no);
  Verdict v = decide("x", "low", 0, 24, noisy(0.01, 1));
  CHECK(v.answer == Verdict::undecided);
  CHECK(!v.allowed());
  CHECK(v.measures.at(1).value == 24);
}

TEST_CASE("protocol: stages count what they reject, and accepted candidates are by latency", "[judge]") {
  Fixture f;
  int next = 0;
  ProtocolHooks hooks;
  hooks.next = [&]() -> std::optional<ProtocolCandidate> {
    if (next == 6) return std::nullopt;
    ProtocolCandidate p;
    p.id = text(next);
    p.latency = 6 - next;
    p.choices = {{"conv_5", "8x8", next % 2 ? "group 2" : "group 4"}};
    if (next == 0) p.least_layer_share = 0.01;
    ++next;
    return p;
  };
  hooks.build = [&](const std::vector<LayerChoice>& choices) {
    return f.candidate({text("group(layer=", choices[0].layer, ", by=", choices[0].option.back(), ")")});
  };
  ProtocolOptions options;
  options.judges = parse_legality("capacity,fisher:paper");
  options.judge.tau = 0.5;
  options.evaluations = 3;
  options.accepted = 10;
  options.rescored = 5;
  ProtocolReport r = run_protocol(*f.original, hooks, options);
  CHECK(r.stages[0].seen == 6);
  CHECK(r.stages[0].rejected == 1);
  CHECK(r.stages[1].seen == 5);
  CHECK(r.stages[1].evaluations == 6);
  CHECK(r.stages[2].evaluations >= 3);
  CHECK(r.stages[2].seen <= 4);
  for (size_t k = 1; k < r.accepted.size(); ++k) CHECK(r.accepted[k - 1].proposal.latency <= r.accepted[k].proposal.latency);
  CHECK(text(r).find("to be trusted little") != std::string::npos);
}

TEST_CASE("dataset: CIFAR, IDX and npz, plain or gzip, and what is wrong with others", "[dataset]") {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / text("nasc_dataset_", ::getpid());
  std::filesystem::create_directories(folder);
  auto write = [&](const std::string& name, const std::string& bytes, bool gzip = false) {
    std::string path = (folder / name).string();
    if (gzip) {
      gzFile out = gzopen(path.c_str(), "wb");
      gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
      gzclose(out);
    } else {
      std::ofstream(path, std::ios::binary) << bytes;
    }
    return path;
  };
  std::string record(2 * 3073, '\1');
  record[0] = 7, record[3073] = 3, record[100] = 90;
  for (bool gzip : {false, true}) {
    Dataset d = read_dataset(write("cifar", record, gzip));
    CHECK(d.labels == std::vector<int>{7, 3});
    CHECK(d.image == std::vector<int64_t>{3, 32, 32});
  }
  std::string images("\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2abcdefgh", 24), labels("\0\0\10\1\0\0\0\2\5\6", 10);
  Dataset d = read_dataset(write("i", images) + "," + write("l", labels, true));
  CHECK(d.labels == std::vector<int>{5, 6});
  CHECK(d.image == std::vector<int64_t>{1, 2, 2});
  double sum = 0;
  for (float v : d.pixels) sum += v;
  CHECK(std::abs(sum) < 1e-5);
  CHECK_THROWS_WITH(read_dataset(write("short", images.substr(0, 20)) + "," + write("l", labels)), Catch::Contains("promises 8 bytes"));
  CHECK_THROWS_WITH(read_dataset(write("odd", "abc")), Catch::Contains("no CIFAR records"));
  CHECK_THROWS_WITH(read_dataset(write("cut", record, true).append("x")), Catch::Contains("cannot read"));

  // A stored zip of two arrays, as numpy.savez writes it.
  auto u16 = [](size_t v) { return std::string{static_cast<char>(v & 255), static_cast<char>(v >> 8 & 255)}; };
  auto u32 = [&](size_t v) { return u16(v & 65535) + u16(v >> 16); };
  auto npy = [&](const std::string& type, const std::string& shape, const std::string& bytes) {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }\n";
    return std::string("\x93NUMPY\1\0", 8) + u16(header.size()) + header + bytes;
  };
  std::string zip, directory;
  for (auto [name, content] : {std::pair<std::string, std::string>{"x.npy", npy("|u1", "2, 2, 2, 3", std::string(24, 'a') )}, {"y.npy", npy("<i8", "2,", std::string("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16))}}) {
    std::string sizes = u32(0) + u32(content.size()) + u32(content.size()) + u16(name.size());
    directory += u32(0x02014b50) + u16(20) + u16(20) + u16(0) + u16(0) + u32(0) + sizes + u16(0) + u16(0) + u16(0) + u16(0) + u32(0) + u32(zip.size()) + name;
    zip += u32(0x04034b50) + u16(20) + u16(0) + u16(0) + u32(0) + sizes + u16(0) + name + content;
  }
  std::string whole = zip + directory + u32(0x06054b50) + u16(0) + u16(0) + u16(2) + u16(2) + u32(directory.size()) + u32(zip.size()) + u16(0);
  Dataset z = read_dataset(write("z.npz", whole));
  CHECK(z.labels == std::vector<int>{1, 2});
  CHECK(z.image == std::vector<int64_t>{3, 2, 2});
  CHECK_THROWS_AS(read_dataset(write("cut.npz", whole.substr(0, whole.size() / 2))), UserError);
  if (auto real = test_data("cifar10/train_sample.bin.gz")) CHECK(read_dataset(real->string()).count() == 1500);
  std::filesystem::remove_all(folder);
}
