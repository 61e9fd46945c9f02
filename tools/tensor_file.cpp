// The .npy header is a Python dictionary: read strictly, keys in any order.
#include "tools/tensor_file.h"

#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "frontend/onnx.h"
#include "frontend/wire.h"

namespace nasc {
namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;
constexpr size_t kMaxHeader = 1 << 16;
constexpr size_t kMaxRank = 64;

struct NumpyType {
  DType type;
  const char* code;
};
const NumpyType kTypes[] = {{DType::f32, "f4"}, {DType::f64, "f8"}, {DType::f16, "f2"},
                            {DType::i8, "i1"},  {DType::i16, "i2"}, {DType::i32, "i4"},
                            {DType::i64, "i8"}, {DType::u8, "u1"},  {DType::u16, "u2"},
                            {DType::u32, "u4"}, {DType::u64, "u8"}, {DType::boolean, "b1"}};

// Reader of the header's dictionary.
class Header {
public:
  Header(std::string text, const std::string& path) : text_(std::move(text)), path_(path) {}

  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;

  void read() {
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      std::string key = string();
      expect(':');
      int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (which < 0 || seen[which])
        bad(text("key \"", escaped(key), "\""));
      seen[which] = true;
      if (which == 0)
        descr = string();
      if (which == 1)
        fortran = boolean();
      if (which == 2)
        tuple();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    blank();
    if (at_ != text_.size())
      bad("text after the header");
    if (!(seen[0] && seen[1] && seen[2]))
      bad("a key is missing");
  }

private:
  [[noreturn]] void bad(const std::string& what) {
    throw UserError(code::bad_tensor, path_, text("malformed .npy header: ", what));
  }
  void blank() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
  }
  bool accept(char c) {
    blank();
    bool is = at_ < text_.size() && text_[at_] == c;
    at_ += is;
    return is;
  }
  void expect(char c) {
    if (!accept(c))
      bad(text("'", c, "' expected at byte ", at_));
  }
  std::string string() {
    blank();
    char quote = at_ < text_.size() ? text_[at_] : 0;
    size_t end = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : std::string::npos;
    if (end == std::string::npos)
      bad(text("a string expected at byte ", at_));
    std::string out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    blank();
    for (const char* word : {"True", "False"})
      if (text_.compare(at_, std::strlen(word), word) == 0) {
        at_ += std::strlen(word);
        return word[0] == 'T';
      }
    bad(text("True or False expected at byte ", at_));
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      blank();
      int64_t extent = -1;
      auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0 || shape.size() == kMaxRank)
        bad(text("an extent expected at byte ", at_));
      at_ = static_cast<size_t>(end - text_.data());
      shape.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string text_;
  const std::string& path_;
  size_t at_ = 0;
};

DType numpy_type(const std::string& descr, const std::string& path) {
  for (const NumpyType& t : kTypes) {
    bool one_byte = bytes(t.type) == 1;
    if (descr == text("<", t.code) || descr == text("=", t.code) ||
        (one_byte && descr == text("|", t.code)))
      return t.type;
    if (descr == text(">", t.code))
      throw UserError(code::unsupported_type, path, "big-endian elements are not supported");
  }
  throw UserError(code::unsupported_type, path,
                  text("element type ", escaped(descr), " is not supported"));
}

} // namespace

HostTensor parse_npy(const std::string& file, const std::string& path) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(file[i]); };
  if (file.size() < kMagicSize + 4 || std::memcmp(file.data(), kMagic, kMagicSize) != 0)
    throw UserError(code::bad_tensor, path, "is not a .npy file");
  int version = byte(6);
  if (version < 1 || version > 3)
    throw UserError(code::bad_tensor, path, text(".npy version ", version, " is unknown"));
  size_t start = version == 1 ? 10 : 12;
  if (file.size() < start)
    throw UserError(code::bad_tensor, path, "ends inside the .npy header");
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1)
    length |= static_cast<size_t>(byte(10)) << 16 | static_cast<size_t>(byte(11)) << 24;
  if (length > kMaxHeader || length > file.size() - start)
    throw UserError(code::bad_tensor, path,
                    text(".npy header of ", length, " bytes in a file of ", file.size()));
  Header header(file.substr(start, length), path);
  header.read();
  if (header.fortran)
    throw UserError(code::unsupported_type, path,
                    "Fortran order is not supported; save a C-order array");
  DType type = numpy_type(header.descr, path);
  size_t data = start + length;
  int64_t count = 0;
  try {
    count = element_count(header.shape);
  } catch (const UserError&) {
    throw UserError(code::bad_tensor, path, "the extents overflow");
  }
  if (static_cast<size_t>(count) != (file.size() - data) / static_cast<size_t>(bytes(type)) ||
      (file.size() - data) % static_cast<size_t>(bytes(type)) != 0)
    throw UserError(
        code::bad_tensor, path,
        text(file.size() - data, " bytes of data, the shape needs ", count, " x ", bytes(type)));
  HostTensor out = zeros(type, std::move(header.shape));
  if (!out.bytes.empty())
    std::memcpy(out.bytes.data(), file.data() + data, out.bytes.size());
  if (type == DType::boolean)
    for (std::byte& b : out.bytes)
      b = std::byte(b != std::byte(0));
  return out;
}

HostTensor read_tensor_file(const std::string& path) {
  FileBytes file = read_file(path);
  if (file.bytes.empty())
    throw UserError(code::bad_tensor, path, "the file is empty");
  std::string head(reinterpret_cast<const char*>(file.bytes.data()),
                   std::min(file.bytes.size(), kMagicSize));
  if (head == std::string(kMagic, kMagicSize))
    return parse_npy({reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()}, path);
  Constant value = read_tensor(path).value;
  return host_tensor(value.dtype, value.shape, value.payload);
}

std::string npy_bytes(const HostTensor& tensor) {
  const char* code = nullptr;
  for (const NumpyType& t : kTypes)
    if (t.type == tensor.dtype)
      code = t.code;
  NASC_CHECK(code) << name(tensor.dtype);
  std::string shape;
  for (int64_t e : tensor.shape)
    shape += text(e, ", ");
  if (tensor.shape.size() > 1)
    shape.resize(shape.size() - 2);
  if (tensor.shape.size() == 1)
    shape.resize(shape.size() - 1); // (3,)
  std::string dict = text("{'descr': '", bytes(tensor.dtype) == 1 ? "|" : "<", code,
                          "', 'fortran_order': False, 'shape': (", shape, "), }");
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string out(kMagic, kMagicSize);
  out +=
      {'\x01', '\x00', static_cast<char>(dict.size() & 255), static_cast<char>(dict.size() >> 8)};
  out += dict;
  return out.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
}

std::string file_stem(const std::string& tensor_name) {
  std::string out;
  for (char c : tensor_name.substr(0, 200))
    out += std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
                   (c == '.' && !out.empty())
               ? c
               : '_';
  return out.empty() ? "tensor" : out;
}

} // namespace nasc
