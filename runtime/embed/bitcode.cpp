// Access to the bytes that the build made of runtime/embed.
#define NASC_ALL_TABLES
#include "runtime/embed/bitcode.h"

#include "runtime/embed/cpu_tables.h"

#include <algorithm>
#include <iterator>

extern "C" std::uint64_t nasc_hash64(const void* data, std::size_t bytes);

namespace nasc {

// Written by EmbedFile.cmake.
extern const unsigned char embedded_x86_64[], embedded_aarch64[], embedded_header[];
extern const unsigned embedded_x86_64_size, embedded_aarch64_size, embedded_header_size;

namespace {

struct Architecture {
  std::string_view name;
  const unsigned char* bytes;
  const unsigned* size;
  const nasc_feature* features;
  std::size_t n_features;
};

const Architecture architectures[] = {
    {"x86_64", embedded_x86_64, &embedded_x86_64_size, nasc_x86_features,
     std::size(nasc_x86_features)},
    {"aarch64", embedded_aarch64, &embedded_aarch64_size, nasc_arm_features,
     std::size(nasc_arm_features)},
};

const Architecture* find(std::string_view name) {
  auto* end = std::end(architectures);
  auto* it = std::find_if(architectures, end, [&](const auto& a) { return a.name == name; });
  return it == end ? nullptr : it;
}

std::string_view view(const unsigned char* bytes, unsigned size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

} // namespace

std::string_view embed_bitcode(std::string_view arch) {
  const Architecture* a = find(arch);
  return a ? view(a->bytes, *a->size) : std::string_view();
}

std::vector<std::string_view> embed_architectures() {
  std::vector<std::string_view> names;
  for (const auto& a : architectures)
    names.push_back(a.name);
  return names;
}

std::string_view embed_public_header() { return view(embedded_header, embedded_header_size); }

bool embed_checks_feature(std::string_view arch, std::string_view feature) {
  const Architecture* a = find(arch);
  return a && std::any_of(a->features, a->features + a->n_features,
                          [&](const nasc_feature& f) { return f.name == feature; });
}

std::uint64_t embed_hash(std::string_view bytes) { return nasc_hash64(bytes.data(), bytes.size()); }

} // namespace nasc
