// ELF64 writing by hand: header, blob, symbol table, string tables, section headers.
#include "codegen/elf_blob.h"

#include <elf.h>

#include <cstdio>
#include <cstring>
#include <memory>

namespace nasc {
namespace {
constexpr size_t kAlign = 64;
size_t padded(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

struct File {
  std::unique_ptr<FILE, int (*)(FILE*)> handle;
  bool ok = true;
  explicit File(const std::string& path) : handle(std::fopen(path.c_str(), "wb"), std::fclose) {}
  void put(const void* data, size_t size) {
    if (size) ok &= handle && std::fwrite(data, 1, size, handle.get()) == size;
  }
  void pad(size_t size) {
    static const char zeros[kAlign] = {};
    put(zeros, size);
  }
  std::string close(const std::string& path) {
    ok &= handle && std::fflush(handle.get()) == 0;
    return ok ? "" : "cannot write " + path + ": " + std::strerror(errno);
  }
};

// XXH64 with seed 0 of bytes that come in multiples of 32, as embed_hash computes it of all at once.
class BlobHash {
 public:
  void add(const void* data, size_t size) {
    NASC_CHECK(size % 32 == 0) << size << " bytes";
    const auto* p = static_cast<const unsigned char*>(data);
    for (const auto* end = p + size; p < end; p += 32)
      for (int k = 0; k < 4; ++k) {
        uint64_t word;
        std::memcpy(&word, p + 8 * k, 8);
        lane_[k] = mixed(lane_[k], word);
      }
    bytes_ += size;
  }
  uint64_t value() const {
    uint64_t h = rotated(lane_[0], 1) + rotated(lane_[1], 7) + rotated(lane_[2], 12) + rotated(lane_[3], 18);
    for (uint64_t lane : lane_) h = (h ^ mixed(0, lane)) * k1 + k4;
    h = bytes_ ? h : k5;
    h += bytes_;
    h = (h ^ h >> 33) * k2;
    h = (h ^ h >> 29) * k3;
    return h ^ h >> 32;
  }

 private:
  static constexpr uint64_t k1 = 0x9E3779B185EBCA87, k2 = 0xC2B2AE3D27D4EB4F, k3 = 0x165667B19E3779F9,
                            k4 = 0x85EBCA77C2B2AE63, k5 = 0x27D4EB2F165667C5;
  static uint64_t rotated(uint64_t x, int by) { return x << by | x >> (64 - by); }
  static uint64_t mixed(uint64_t sum, uint64_t word) { return rotated(sum + word * k2, 31) * k1; }
  uint64_t lane_[4] = {k1 + k2, k2, 0, 0 - k1};
  uint64_t bytes_ = 0;
};

uint64_t put_chunks(File& file, const std::vector<Chunk>& chunks) {
  BlobHash hash;
  for (const Chunk& c : chunks) {
    Payload bytes = c.make();
    NASC_CHECK(bytes.size == c.size) << "a chunk of " << bytes.size << " bytes where " << c.size << " were promised";
    file.put(bytes.data, bytes.size);
    size_t whole = c.size / 32 * 32;
    hash.add(bytes.data, whole);
    std::byte rest[kAlign] = {};
    if (c.size > whole) std::memcpy(rest, bytes.data + whole, c.size - whole);
    file.put(rest + (c.size - whole), padded(c.size) - c.size);
    hash.add(rest, padded(c.size) - whole);
  }
  return hash.value();
}
}  // namespace

int64_t blob_bytes(const std::vector<Chunk>& chunks) {
  size_t total = 0;
  for (const Chunk& c : chunks) total += padded(c.size);
  return static_cast<int64_t>(total);
}

WrittenBlob write_blob_file(const std::string& path, const std::vector<Chunk>& chunks) {
  File file(path);
  uint64_t hash = put_chunks(file, chunks);
  return {file.close(path), hash};
}

WrittenBlob write_blob_object(const std::string& path, const Target& target, const std::string& symbol,
                              const std::vector<Chunk>& chunks) {
  size_t blob = static_cast<size_t>(blob_bytes(chunks));
  std::string strings = '\0' + symbol + '\0';
  static const char kNames[] = "\0.nasc.weights\0.symtab\0.strtab\0.shstrtab\0.note.GNU-stack";
  std::string names(kNames, sizeof kNames);

  size_t blob_at = kAlign, symtab_at = blob_at + blob;
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = 1;
  symbols[1].st_size = blob;
  size_t strtab_at = symtab_at + sizeof symbols, shstrtab_at = strtab_at + strings.size();
  size_t headers_at = padded(shstrtab_at + names.size());

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = target.triple.rfind("aarch64", 0) == 0 ? EM_AARCH64 : EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shoff = headers_at;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 4;

  Elf64_Shdr sections[6] = {};
  auto section = [&](int k, Elf64_Word name, Elf64_Word type, size_t at, size_t size, size_t align) {
    sections[k].sh_name = name;
    sections[k].sh_type = type;
    sections[k].sh_offset = at;
    sections[k].sh_size = size;
    sections[k].sh_addralign = align;
  };
  section(1, 1, SHT_PROGBITS, blob_at, blob, kAlign);
  sections[1].sh_flags = SHF_ALLOC;
  section(2, 15, SHT_SYMTAB, symtab_at, sizeof symbols, 8);
  sections[2].sh_link = 3;
  sections[2].sh_info = 1;
  sections[2].sh_entsize = sizeof(Elf64_Sym);
  section(3, 23, SHT_STRTAB, strtab_at, strings.size(), 1);
  section(4, 31, SHT_STRTAB, shstrtab_at, names.size(), 1);
  section(5, 41, SHT_PROGBITS, headers_at, 0, 1);

  File file(path);
  file.put(&header, sizeof header);
  file.pad(blob_at - sizeof header);
  uint64_t hash = put_chunks(file, chunks);
  file.put(symbols, sizeof symbols);
  file.put(strings.data(), strings.size());
  file.put(names.data(), names.size());
  file.pad(headers_at - shstrtab_at - names.size());
  file.put(sections, sizeof sections);
  return {file.close(path), hash};
}

}  // namespace nasc
