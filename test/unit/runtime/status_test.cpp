// Every status code of the C interface, with the message that names the fault.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "runtime/embed/bitcode.h"
#include "test/unit/runtime/tiny.h"

using namespace nasc::test;
using Catch::Contains;

namespace {

// Spoils a right call; the run must give this status and a message with this text, and the next right call must work.
void refused(nasc_status status, const std::string& words, const std::function<void(Call&)>& spoil) {
  Tables tables;
  Handle h(tables);
  REQUIRE(h.status == NASC_OK);
  Call bad(2), good(2);
  spoil(bad);
  CHECK(bad.run(h) == status);
  CHECK_THAT(bad.message(h), Contains(words));
  REQUIRE(good.run(h) == NASC_OK);
  CHECK(good.right());
  CHECK(good.message(h).empty());
}

nasc_status created(const Tables& tables, const std::string& words) {
  Handle h(tables);
  CHECK((h.handle == nullptr) == (h.status != NASC_OK));
  CHECK_THAT(h.message, Contains(words));
  return h.status;
}

}  // namespace

TEST_CASE("status: each has a text") {
  for (int s = 0; s < NASC_STATUS_COUNT; ++s)
    CHECK(std::string(nasc_embed_status_text(static_cast<nasc_status>(s))) != "unknown status");
  CHECK(std::string(nasc_embed_status_text(static_cast<nasc_status>(99))) == "unknown status");
}

TEST_CASE("run: wrong rank") {
  refused(NASC_E_RANK, "input 'b': rank 2 expected, 3 given", [](Call& c) { c.in[1].rank = 3; });
  refused(NASC_E_RANK, "output 'z': rank 1 expected, -1 given", [](Call& c) { c.out[1].rank = -1; });
}

TEST_CASE("run: wrong extents") {
  static const int64_t five[] = {2, 5}, negative[] = {-2, 4}, three[] = {3, 4}, huge[] = {(INT64_C(1) << 60) + 1, 4};
  refused(NASC_E_SHAPE, "input 'a': extent 4 of dimension 1 expected, 5 given", [](Call& c) { c.in[0].shape = five; });
  refused(NASC_E_SHAPE, "-2 given", [](Call& c) { c.in[0].shape = negative; });
  refused(NASC_E_SHAPE, "input 'b': extent 2 of dimension 0 (n) expected, 3 given",
          [](Call& c) { c.in[1].shape = three; });
  refused(NASC_E_SHAPE, "output 'y': extent 2 of dimension 0 (n) expected, 3 given",
          [](Call& c) { c.out[0].shape = three; });
  refused(NASC_E_SHAPE, "dimension 0 (n) must be 0 to", [](Call& c) { c.in[0].shape = huge; });
}

TEST_CASE("run: wrong type, device, strides") {
  refused(NASC_E_DTYPE, "input 'a': type f32 expected, f64 (11) given", [](Call& c) { c.in[0].dtype = NASC_F64; });
  refused(NASC_E_DTYPE, "unknown (99) given", [](Call& c) { c.out[0].dtype = 99; });
  refused(NASC_E_DEVICE, "device 1 given", [](Call& c) { c.out[0].device = 1; });
  static const int64_t transposed[] = {1, 2}, row_major[] = {4, 1};
  refused(NASC_E_STRIDES, "input 'a': strides", [](Call& c) { c.in[0].strides = transposed; });
  Tables tables;
  Handle h(tables);
  Call c(2);
  c.in[0].strides = c.out[0].strides = row_major;
  CHECK(c.run(h) == NASC_OK);
}

TEST_CASE("run: NULL") {
  refused(NASC_E_NULL, "input 'a': data is NULL, 32 bytes expected", [](Call& c) { c.in[0].data = nullptr; });
  refused(NASC_E_NULL, "output 'y': shape is NULL", [](Call& c) { c.out[0].shape = nullptr; });
  Tables tables;
  Handle h(tables);
  Call c(1);
  CHECK(nasc_embed_run(nullptr, c.in, c.out) == NASC_E_NULL);
  CHECK(nasc_embed_run(h.handle, nullptr, c.out) == NASC_E_NULL);
  CHECK(nasc_embed_run(h.handle, c.in, nullptr) == NASC_E_NULL);
  CHECK(nasc_embed_create(&tables.desc, nullptr, nullptr) == NASC_E_NULL);
  CHECK(nasc_embed_shapes(h.handle, c.in, nullptr) == NASC_E_NULL);
  CHECK(nasc_embed_shapes(h.handle, nullptr, nullptr) == NASC_E_NULL);
  CHECK(nasc_embed_destroy(nullptr) == NASC_OK);
}

TEST_CASE("run: alignment and overlap") {
  refused(NASC_E_ARGUMENT, "input 'a': data is not aligned",
          [](Call& c) { c.in[0].data = reinterpret_cast<char*>(c.a.data()) + 2; });
  refused(NASC_E_ARGUMENT, "output 'y' overlaps input 'b'", [](Call& c) { c.out[0].data = c.b.data() + 1; });
  refused(NASC_E_ARGUMENT, "output 'z' overlaps output 'y'", [](Call& c) { c.out[0].data = c.z.data(); });
  Tables tables;
  Handle h(tables);
  Call c(2);
  c.in[1].data = c.a.data();
  c.b = c.a;
  CHECK(c.run(h) == NASC_OK);
  CHECK(c.right());
}

TEST_CASE("run: a fault found while running") {
  refused(NASC_E_RUNTIME, "code 1, detail -5", [](Call& c) { c.reps = -5; });
}

TEST_CASE("create: arguments, versions, processor") {
  Tables tables;
  CHECK(Handle(tables, -1).status == NASC_E_ARGUMENT);
  nasc_options o{};
  o.deallocate = [](void*, void*, size_t) {};
  CHECK(Handle(tables, 1, o).status == NASC_E_ARGUMENT);
  o = {};
  o.abi = NASC_ABI_VERSION + 1;
  CHECK(Handle(tables, 1, o).status == NASC_E_ABI);
  nasc_options small{};
  small.size = 4;
  nasc_handle* h = nullptr;
  CHECK(nasc_embed_create(&tables.desc, &small, &h) == NASC_E_ABI);
  CHECK(nasc_embed_query(&tables.desc, NASC_ABI_VERSION + 1) == nullptr);
  CHECK(nasc_embed_query(&tables.desc, NASC_ABI_VERSION) == &tables.desc.api);

  const char* features[] = {"sse2", "no-such-feature"};
#if defined(__x86_64__)
  tables.info.features = features;
  tables.info.n_features = 1;
  CHECK(Handle(tables).status == NASC_OK);
  tables.info.n_features = 2;
  CHECK(created(tables, "lacks no-such-feature") == NASC_E_CPU);
  const char* rare[] = {"xop"};  // no processor has both
  const char* other[] = {"amx-complex"};
  tables.info.n_features = 1;
  tables.info.features = rare;
  bool xop = Handle(tables).status == NASC_OK;
  tables.info.features = other;
  CHECK_FALSE((xop && Handle(tables).status == NASC_OK));
#else
  (void)features;
#endif
}

TEST_CASE("create, run: out of memory") {
  Tables tables;
  tables.info.state_bytes = INT64_MAX / 2;
  CHECK(created(tables, "of state") == NASC_E_MEMORY);
  Tables fixed;
  fixed.desc.arena = {INT64_MAX, -1, 0};
  CHECK(created(fixed, "out of memory") == NASC_E_MEMORY);

  nasc_options none{};
  none.allocate = [](void*, size_t, size_t) -> void* { return nullptr; };
  none.deallocate = [](void*, void*, size_t) {};
  Tables other;
  CHECK(Handle(other, 1, none).status == NASC_E_MEMORY);

  static const int64_t large[] = {INT64_C(1) << 59, 4}, found[] = {INT64_C(1) << 61};
  auto grown = [](Call& c) {
    c.in[0].shape = c.in[1].shape = c.out[0].shape = large;
    c.out[1].shape = found;
  };
  refused(NASC_E_MEMORY, "a size overflows", [&](Call& c) {
    static const int64_t top[] = {INT64_C(1) << 60, 4};
    grown(c);
    c.in[0].shape = top;
  });
  refused(NASC_E_MEMORY, "overflow", grown);
}

TEST_CASE("create: a buffer outside its memory is refused") {
  Tables tables;
  tables.info.state_bytes = 8;
  CHECK(created(tables, "leaves its memory") == NASC_E_MEMORY);
}

TEST_CASE("create: the caller's allocator gets what it gave") {
  struct Count {
    int live = 0;
    size_t bytes = 0;
  } count;
  nasc_options o{};
  o.memory_context = &count;
  o.allocate = [](void* c, size_t bytes, size_t alignment) -> void* {
    ++static_cast<Count*>(c)->live;
    static_cast<Count*>(c)->bytes += bytes;
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  };
  o.deallocate = [](void* c, void* p, size_t bytes) {
    --static_cast<Count*>(c)->live;
    static_cast<Count*>(c)->bytes -= bytes;
    std::free(p);
  };
  Tables tables;
  {
    Handle h(tables, 1, o);
    for (int64_t n : {3, 300, 5, 0, 100000}) {
      Call c(n);
      REQUIRE(c.run(h) == NASC_OK);
      CHECK(c.right());
    }
    CHECK(count.live == 1);
  }
  CHECK(count.live == 0);
  CHECK(count.bytes == 0);
}

TEST_CASE("create: the weights side file must be the one compiled") {
  namespace fs = std::filesystem;
  const std::string name = "tiny-weights-" + std::to_string(getpid()) + ".bin";
  const fs::path path = fs::read_symlink("/proc/self/exe").parent_path() / name;
  std::string bytes(16, '\0');
  memcpy(bytes.data(), tiny_desc.weights, bytes.size());
  auto write = [&](const std::string& text) { std::ofstream(path, std::ios::binary) << text; };

  static Tables tables;  // its address leads to this program's file: dladdr knows no stack
  tables.desc.weights = nullptr;
  tables.desc.weights_file = name.c_str();
  tables.info.weights_hash = nasc::embed_hash(bytes);
  CHECK(created(tables, "cannot be opened") == NASC_E_WEIGHTS);
  write(bytes.substr(1));
  CHECK(created(tables, "16 bytes expected, 15 found") == NASC_E_WEIGHTS);
  write(std::string(16, 'x'));
  CHECK(created(tables, "not the one compiled") == NASC_E_WEIGHTS);
  write(bytes);
  {
    Handle h(tables);
    REQUIRE(h.status == NASC_OK);
    Call c(3);
    REQUIRE(c.run(h) == NASC_OK);
    CHECK(c.right());
  }
  fs::remove(path);
  tables.desc.weights_file = "../x";
  CHECK(created(tables, "no place to look") == NASC_E_WEIGHTS);
}
