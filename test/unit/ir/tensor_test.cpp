// Extents, layouts, and the invariants that verify() holds.
#include <catch2/catch.hpp>

#include <random>

#include "ir/interpret.h"
#include "ir/network.h"
#include "test/unit/ir/programs.h"

using namespace nasc;
using namespace nasc::test;

TEST_CASE("Extent: [property] arithmetic commutes with evaluation, text parses back") {
  std::mt19937 random(11);
  Extent n = Extent::parameter("N"), h = Extent::parameter("H");
  for (int round = 0; round < 300; ++round) {
    std::vector<Extent> pool = {n, h, Extent(1 + static_cast<int64_t>(random() % 7)), n * 2 + 3};
    std::vector<int64_t> values = {5, 8, pool[2].constant(), 13};
    for (int step = 0; step < 6; ++step) {
      size_t a = random() % pool.size(), b = random() % pool.size();
      int64_t x = values[a], y = values[b];
      switch (random() % 6) {
        case 0: pool.push_back(pool[a] + pool[b]), values.push_back(x + y); break;
        case 1: pool.push_back(pool[a] - pool[b]), values.push_back(x - y); break;
        case 2: pool.push_back(pool[a] * pool[b]), values.push_back(x * y); break;
        case 3: pool.push_back(max(pool[a], pool[b])), values.push_back(std::max(x, y)); break;
        case 4: pool.push_back(min(pool[a], pool[b])), values.push_back(std::min(x, y)); break;
        default:
          if (y == 0) break;
          pool.push_back(floordiv(pool[a], pool[b]));
          values.push_back(x / y - (x % y != 0 && (x < 0) != (y < 0)));
      }
      if (std::abs(values.back()) > 100000 || pool.back().text().size() > 300) break;
      INFO(pool.back().text());
      REQUIRE(pool.back().evaluate([](const std::string& p) { return p == "N" ? 5 : 8; }) == values.back());
      REQUIRE(Extent::parse(pool.back().text()) == pool.back());
      REQUIRE(pool.back().substitute([](const std::string& p) { return Extent(p == "N" ? 5 : 8); }).is(values.back()));
    }
  }
}

TEST_CASE("Extent: exact divisions vanish, overflow is a limit error") {
  Extent n = Extent::parameter("N");
  CHECK(floordiv(n * 768, 768) == n);
  CHECK(ceildiv(n * 64, 64) == n);
  CHECK((n - n).is(0));
  CHECK_THROWS_AS(Extent(INT64_MAX) * Extent(2), UserError);
  for (const char* bad : {"", "N +", "floor(N)", "3x", "((((", "N)"}) CHECK_THROWS_AS(Extent::parse(bad), UserError);
}

TEST_CASE("Layout: packed, offset_of and layout_map agree on the place of every element") {
  for (const char* source : {"[0, 1, 2]", "[2, 0, 1]", "[0, 1/4, 2, 1%4]", "[0, 1/4, 2, 1%4] halo [0:0, 0:0, 1:2]",
                             "[1/2, 0, 2, 1%2] halo [1:0, 0:0, 0:0] pad [0, 0, 3, 0]"}) {
    INFO(source);
    Tensor t = tensor("t", {2, 7, 3}, Role::weight);
    t.layout = parse_layout(source);
    Tensor again = t;
    again.layout = parse_layout(text(layout_of(t)));
    CHECK(layout_of(again) == layout_of(t));
    std::vector<float> values(42);
    for (int i = 0; i < 42; ++i) values[i] = static_cast<float>(i + 1);
    t.payload = payload_of(values);
    Payload out = packed(t);
    REQUIRE(static_cast<int64_t>(out.size) == storage_bytes(t).constant());
    auto strides = constants(physical_strides(t)), extents = constants(physical_extents(t));
    std::vector<IndexFn> map;
    isl::multi_aff physical = layout_map(t);
    for (unsigned d = 0; d < physical.size(); ++d) map.push_back(index_fn(physical.at(d), {}));
    int64_t index[3];
    double sum = 0;
    for (index[0] = 0; index[0] < 2; ++index[0])
      for (index[1] = 0; index[1] < 7; ++index[1])
        for (index[2] = 0; index[2] < 3; ++index[2]) {
          int64_t offset = offset_of(layout_of(t), strides, index), mapped = 0;
          for (size_t d = 0; d < map.size(); ++d) {
            REQUIRE(map[d](index) < extents[d]);
            mapped += map[d](index) * strides[d];
          }
          REQUIRE(mapped == offset);
          REQUIRE(out.as<float>()[offset] == values[(index[0] * 7 + index[1]) * 3 + index[2]]);
        }
    for (size_t i = 0; i < out.size / 4; ++i) sum += out.as<float>()[i];
    CHECK(sum == 42 * 43 / 2);  // the rest is zero
  }
}

TEST_CASE("Layout: bad text is an error") {
  for (const char* bad : {"", "[", "[0,]", "[-1]", "[0/0]", "[0] halo [1]", "[0] what"}) CHECK_THROWS_AS(parse_layout(bad), UserError);
}

TEST_CASE("verify: each broken invariant is named") {
  auto message = [](const Program& p) -> std::string {
    try {
      verify(p);
    } catch (const InternalError& e) {
      return e.what();
    }
    return "valid";
  };
  auto broken = [&](auto&& change, const std::string& expected) {
    Program p = conv();
    change(p);
    INFO(message(p));
    CHECK(message(p).find(expected) != std::string::npos);
  };
  broken([](Program&) {}, "valid");
  broken([](Program& p) { p.tensors[1].name = "x"; }, "tensor name x");
  broken([](Program& p) { p.tensors[0].name = "a/b"; }, "tensor name a/b");
  broken([](Program& p) { p.tensors[0].shape[3] = 4; }, "leaves x");
  broken([](Program& p) { p.tensors[0].shape.pop_back(); }, "rank of x");
  broken([](Program& p) { p.tensors[2].role = Role::input; }, "writes y");
  broken([](Program& p) { p.tensors[0].role = Role::temp; }, "before it is written");
  broken([](Program& p) { p.statements.erase(p.statements.begin()); }, "combines into y before");
  broken([](Program& p) { p.statements[1].body = constant(DType::f64, 1); }, "type of the body");
  broken([](Program& p) { p.statements[1].iterators.pop_back(); }, "iterators");
  broken([](Program& p) { p.statements[1].reads.pop_back(); }, "read 1");
}

TEST_CASE("verify: a Network that reads before it writes, or writes twice, is refused") {
  Network n;
  n.programs = {std::make_shared<Program>(conv())};
  for (const Tensor& t : n.programs[0]->tensors) {
    Buffer b;
    static_cast<Tensor&>(b) = t;
    n.buffers.push_back(b);
  }
  n.inputs = {0, 1};
  n.outputs = {2};
  CHECK_THROWS_AS(verify(n), InternalError);
  n.calls = {{0, {0, 1, 2}, "c"}};
  CHECK_NOTHROW(verify(n));
  n.calls.push_back(n.calls[0]);
  CHECK_THROWS_AS(verify(n), InternalError);
}
