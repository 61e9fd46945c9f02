// What the compiler carries: bitcode, header text, hash, features.
#include <catch2/catch.hpp>

#include "runtime/embed/bitcode.h"

TEST_CASE("bitcode: one per architecture, four-byte aligned") {
  for (auto arch : nasc::embed_architectures()) {
    auto bytes = nasc::embed_bitcode(arch);
    CHECK(bytes.substr(0, 4) == "BC\xC0\xDE");
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 4 == 0);
  }
  CHECK(nasc::embed_bitcode("z80").empty());
}

TEST_CASE("header: the text of the interface") {
  CHECK(nasc::embed_public_header().find("NASC_ABI_VERSION") != std::string_view::npos);
  CHECK(nasc::embed_public_header().find("#include \"") == std::string_view::npos);
}

TEST_CASE("hash: XXH64") {
  CHECK(nasc::embed_hash("") == 0xef46db3751d8e999u);
  CHECK(nasc::embed_hash("abc") == 0x44bc2cf5ad770999u);
  CHECK(nasc::embed_hash("Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1u);
}

TEST_CASE("features: per architecture") {
  CHECK(nasc::embed_checks_feature("x86_64", "avx512vnni"));
  CHECK(nasc::embed_checks_feature("aarch64", "dotprod"));
  CHECK_FALSE(nasc::embed_checks_feature("aarch64", "avx2"));
  CHECK_FALSE(nasc::embed_checks_feature("x86_64", "prefer-256-bit"));
}
