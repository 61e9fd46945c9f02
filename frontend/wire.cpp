// Reading files, and skimming the wire format with a table of the fields that nasc keeps.
#include "frontend/wire.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ir/diag.h"

namespace nasc {
namespace {
constexpr uint64_t kReadWhole = 64u << 20;  // larger files are mapped

struct Fd {
  int fd;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

enum Message { kModel, kGraph, kFunction, kNode, kAttribute, kTensor, kSparse, kCopy, kRaw };
struct Field {
  Message in;
  uint32_t number;
  Message kind;
};
// Field numbers of onnx.proto. Documentation, metadata, training and value_info are dropped.
constexpr Field kFields[] = {
    {kModel, 1, kCopy},      {kModel, 8, kCopy},      {kModel, 7, kGraph},       {kModel, 25, kFunction},
    {kGraph, 1, kNode},      {kGraph, 2, kCopy},      {kGraph, 5, kTensor},      {kGraph, 11, kCopy},
    {kGraph, 12, kCopy},     {kGraph, 15, kSparse},   {kFunction, 1, kCopy},     {kFunction, 4, kCopy},
    {kFunction, 5, kCopy},   {kFunction, 6, kCopy},   {kFunction, 7, kNode},     {kFunction, 9, kCopy},
    {kFunction, 10, kCopy},  {kNode, 1, kCopy},       {kNode, 2, kCopy},         {kNode, 3, kCopy},
    {kNode, 4, kCopy},       {kNode, 5, kAttribute},  {kNode, 7, kCopy},         {kAttribute, 1, kCopy},
    {kAttribute, 2, kCopy},  {kAttribute, 3, kCopy},  {kAttribute, 4, kCopy},    {kAttribute, 5, kTensor},
    {kAttribute, 6, kGraph}, {kAttribute, 7, kCopy},  {kAttribute, 8, kCopy},    {kAttribute, 9, kCopy},
    {kAttribute, 10, kTensor}, {kAttribute, 11, kGraph}, {kAttribute, 14, kCopy}, {kAttribute, 20, kCopy},
    {kAttribute, 21, kCopy}, {kAttribute, 22, kSparse}, {kAttribute, 23, kSparse}, {kTensor, 1, kCopy},
    {kTensor, 2, kCopy},     {kTensor, 3, kCopy},     {kTensor, 4, kCopy},       {kTensor, 5, kCopy},
    {kTensor, 6, kCopy},     {kTensor, 7, kCopy},     {kTensor, 8, kCopy},       {kTensor, 9, kRaw},
    {kTensor, 10, kCopy},    {kTensor, 11, kCopy},    {kTensor, 13, kCopy},      {kTensor, 14, kCopy},
    {kSparse, 1, kTensor},   {kSparse, 2, kTensor},   {kSparse, 3, kCopy},
};

// Default attribute values of functions (field 11, newer than the schema) travel as a node of this operator.
constexpr uint32_t kFunctionDefaults = 11;

void put_varint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}
void put_bytes(std::string& out, uint32_t field, const std::string& bytes) {
  put_varint(out, field << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

struct Skimmer {
  const std::byte* base;
  const ReadLimits& limits;
  const std::string& where;
  int64_t nodes = 0, fields = 0, graphs_of_model = 0;

  [[noreturn]] void fail(const std::string& what) const { throw UserError(code::bad_file, where, what); }

  uint64_t varint(const std::byte*& at, const std::byte* end) const {
    uint64_t v = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at == end) fail("the file is truncated or is no ONNX model");
      uint64_t b = static_cast<uint8_t>(*at++);
      if (shift == 63 && b > 1) break;
      v |= (b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
    fail("the file is no ONNX model: a number of more than 64 bits");
  }

  const std::byte* skip(const std::byte* at, const std::byte* end, uint32_t wire) const {
    uint64_t left = static_cast<uint64_t>(end - at), size = 0;
    if (wire == 0) varint(at, end);
    else if (wire == 1) size = 8;
    else if (wire == 5) size = 4;
    else fail("the file is no ONNX model: unknown wire type");
    if (size > left) fail("the file is truncated or is no ONNX model");
    return at + size;
  }

  std::string reduce(const std::byte* at, const std::byte* end, Message kind, int depth) {
    if (depth > 4 * limits.max_nesting) throw UserError(code::limit, where, text("sub-graphs nested deeper than ", limits.max_nesting));
    std::string out;
    while (at != end) {
      const std::byte* start = at;
      uint64_t key = varint(at, end);
      if (key >> 3 == 0 || key >> 3 > (1u << 29) - 1) fail("the file is no ONNX model: bad field number");
      uint32_t number = static_cast<uint32_t>(key >> 3), wire = key & 7;
      if (wire != 2) {
        at = skip(at, end, wire);
        if (kept(kind, number)) out.append(reinterpret_cast<const char*>(start), at - start);
        continue;
      }
      uint64_t size = varint(at, end);
      if (size > static_cast<uint64_t>(end - at)) fail("the file is truncated or is no ONNX model");
      const std::byte* body = at;
      at += size;
      nested(out, kind, number, body, at, start, depth);
    }
    return out;
  }

  static const Field* kept(Message kind, uint32_t number) {
    for (const Field& f : kFields)
      if (f.in == kind && f.number == number) return &f;
    return nullptr;
  }

  void nested(std::string& out, Message kind, uint32_t number, const std::byte* body, const std::byte* end,
              const std::byte* start, int depth) {
    if (kind == kFunction && number == kFunctionDefaults) {
      std::string node;
      put_bytes(node, 4, "nasc.default");
      put_bytes(node, 5, reduce(body, end, kAttribute, depth + 1));
      put_bytes(out, 7, node);
      return;
    }
    const Field* field = kept(kind, number);
    if (!field) return;
    if (++fields > limits.max_fields) throw UserError(code::limit, where, text("more than ", limits.max_fields, " fields (max-fields)"));
    if (field->kind == kNode && ++nodes > limits.max_nodes)
      throw UserError(code::limit, where, text("more than ", limits.max_nodes, " nodes (max-nodes)"));
    if (kind == kModel && field->kind == kGraph && ++graphs_of_model > 1) fail("the model has two graphs");
    if (field->kind == kCopy) {
      out.append(reinterpret_cast<const char*>(start), end - start);
    } else if (field->kind == kRaw) {
      RawRange range{static_cast<uint64_t>(body - base), static_cast<uint64_t>(end - body)};
      put_bytes(out, number, {reinterpret_cast<const char*>(&range), sizeof range});
    } else {
      put_bytes(out, number, reduce(body, end, field->kind, depth + 1));
    }
  }
};

}  // namespace

namespace {
struct Unmap {
  size_t size;
  void operator()(const void* p) const { ::munmap(const_cast<void*>(p), size); }
};
}  // namespace

void forget_pages(const FileBytes& file) {
  if (const Unmap* mapped = std::get_deleter<Unmap>(file.owner))
    ::madvise(const_cast<std::byte*>(file.bytes.data()), mapped->size, MADV_DONTNEED);
}

FileBytes read_file(int fd, const std::string& where) {
  Fd file{fd};
  struct stat st;
  if (::fstat(fd, &st) != 0) throw UserError(code::no_input, where, text("cannot be read: ", std::strerror(errno)));
  if (!S_ISREG(st.st_mode)) throw UserError(code::no_input, where, "is not a regular file");
  uint64_t size = static_cast<uint64_t>(st.st_size);
  if (size > kReadWhole) {
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) throw UserError(code::no_input, where, text("cannot be mapped: ", std::strerror(errno)));
    std::shared_ptr<const void> owner(at, Unmap{size});
    return {owner, {static_cast<const std::byte*>(at), size}};
  }
  auto bytes = std::make_shared<std::vector<std::byte>>(size);
  size_t done = 0;
  while (done < size) {
    ssize_t n = ::read(fd, bytes->data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw UserError(code::no_input, where, text("cannot be read: ", std::strerror(errno)));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return {bytes, {bytes->data(), done}};
}

FileBytes read_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) throw UserError(code::no_input, path, text("cannot be opened: ", std::strerror(errno)));
  return read_file(fd, path);
}

std::string skim(std::span<const std::byte> bytes, Wire root, const ReadLimits& limits, const std::string& where) {
  Skimmer skimmer{bytes.data(), limits, where};
  std::string out = skimmer.reduce(bytes.data(), bytes.data() + bytes.size(), root == Wire::model ? kModel : kTensor, 0);
  if (out.size() > INT32_MAX) throw UserError(code::limit, where, "more than 2 GiB of data outside raw_data");
  return out;
}

RawRange raw_range(const std::string& raw_data) {
  NASC_CHECK(raw_data.size() == sizeof(RawRange)) << "raw_data was not skimmed";
  RawRange range;
  std::memcpy(&range, raw_data.data(), sizeof range);
  return range;
}

std::string looks_like(std::span<const std::byte> bytes) {
  struct Magic {
    size_t at;
    std::string_view bytes;
    const char* what;
  };
  static constexpr Magic kMagics[] = {
      {0, "\x1f\x8b", "a gzip file"}, {0, "PK\x03\x04", "a zip archive"}, {0, "\x89PNG", "a PNG image"},
      {4, "TFL3", "a TFLite model"}, {0, "version https://git-lfs", "a Git LFS pointer: fetch the file itself"},
      {0, "\x7f" "ELF", "an ELF file"}, {0, "<?xml", "an XML file"}, {0, "{", "a JSON file"}, {0, "\x93NUMPY", "a NumPy array"},
  };
  std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const Magic& m : kMagics)
    if (all.size() > m.at && all.substr(m.at).starts_with(m.bytes)) return m.what;
  return "";
}

}  // namespace nasc
