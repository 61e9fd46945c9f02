// External data: component-wise openat without links, strict ranges, checksums.
#include "frontend/external.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "ir/diag.h"

namespace nasc {
namespace {

std::vector<std::string> components(const std::string& location, const std::string& where, const std::string& about) {
  auto refused = [&](const char* why) {
    throw UserError(code::outside_root, where, text(about, ": external data ", why, "; only files below the model's directory are read"));
  };
  if (location.empty() || location.find('\0') != std::string::npos || location.size() > 4096 || location.back() == '/')
    throw UserError(code::bad_tensor, where, about + ": the location of its external data is no file name");
  if (location[0] == '/' || location[0] == '~' || location[0] == '$' || location.find("://") != std::string::npos ||
      (location.size() > 1 && std::isalpha(static_cast<unsigned char>(location[0])) && location[1] == ':'))
    refused("has an absolute location");
  if (location.find('\\') != std::string::npos) refused("has a backslash in its location");
  std::vector<std::string> out;
  for (size_t at = 0; at <= location.size();) {
    size_t slash = std::min(location.find('/', at), location.size());
    std::string part = location.substr(at, slash - at);
    if (part == "..") refused("leaves the folder");
    if (!part.empty() && part != ".") out.push_back(part);
    at = slash + 1;
  }
  if (out.empty()) throw UserError(code::bad_tensor, where, about + ": the location of its external data is no file name");
  return out;
}

}  // namespace

ExternalRoot::ExternalRoot(const std::string& model, bool allow_hard_links) : allow_hard_links_(allow_hard_links) {
  char* real = ::realpath(model.c_str(), nullptr);
  directory_ = real ? real : model;
  std::free(real);
  size_t slash = directory_.rfind('/');
  directory_ = slash == std::string::npos ? "." : directory_.substr(0, slash + 1);
}
ExternalRoot::~ExternalRoot() {
  if (fd_ >= 0) ::close(fd_);
}

const FileBytes& ExternalRoot::file(const std::string& location, const std::string& where, const std::string& about) {
  if (auto found = files_.find(location); found != files_.end()) return found->second;
  std::vector<std::string> parts = components(location, where, about);
  if (fd_ < 0) fd_ = ::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) throw UserError(code::no_input, where, about + ": the model's directory cannot be opened");
  int at = ::dup(fd_);
  for (size_t i = 0; i < parts.size(); ++i) {
    bool last = i + 1 == parts.size();
    int flags = O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY);
    struct stat st;
    bool link = ::fstatat(at, parts[i].c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
    int next = ::openat(at, parts[i].c_str(), flags);
    int error = errno;
    ::close(at);
    if (next < 0 && (link || error == ELOOP))
      throw UserError(code::outside_root, where, about + ": external data behind a symbolic link");
    if (next < 0)
      throw UserError(code::no_input, where, text(about, ": external data cannot be opened: ", std::strerror(error)));
    at = next;
  }
  struct stat st;
  if (::fstat(at, &st) != 0 || !S_ISREG(st.st_mode)) {
    ::close(at);
    throw UserError(code::outside_root, where, about + ": external data is not a regular file");
  }
  if (st.st_nlink > 1 && !allow_hard_links_) {
    ::close(at);
    throw UserError(code::outside_root, where,
                    about + ": external data is a hard link (--allow-hardlinks permits that)");
  }
  return files_.emplace(location, read_file(at, where)).first->second;
}

std::vector<std::string> ExternalRoot::locations() const {
  std::vector<std::string> out;
  for (const auto& [location, unused] : files_) out.push_back(location);
  return out;
}

Payload ExternalRoot::load(const ExternalData& data, uint64_t size, const std::string& where, const std::string& tensor) {
  std::string about = text("tensor \"", escaped(tensor), "\", file \"", escaped(data.location), "\"");
  const FileBytes& f = file(data.location, where, about);
  if (data.length && *data.length != size)
    throw UserError(code::bad_tensor, where, text(about, ": length ", *data.length, ", but the shape needs ", size, " bytes"));
  if (size > f.bytes.size() || data.offset > f.bytes.size() - size)
    throw UserError(code::bad_tensor, where, text(about, ": bytes ", data.offset, " to ", data.offset, "+", size, " of a file of ", f.bytes.size(), " bytes"));
  Payload out;
  out.owner = f.owner;
  out.data = f.bytes.data() + data.offset;
  out.size = size;
  if (!data.checksum.empty() && sha1_hex({out.data, out.size}) != data.checksum && sha1_hex(f.bytes) != data.checksum)
    throw UserError(code::bad_tensor, where, about + ": checksum does not match");
  return out;
}

std::string sha1_hex(std::span<const std::byte> bytes) {
  std::array<uint32_t, 5> h{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  auto block = [&](const uint8_t* p) {
    uint32_t w[80];
    for (int i = 0; i < 16; ++i) w[i] = p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    auto [a, b, c, d, e] = h;
    for (int i = 0; i < 80; ++i) {
      uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
      uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      uint32_t t = std::rotl(a, 5) + f + e + k + w[i];
      e = d, d = c, c = std::rotl(b, 30), b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  };
  const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t whole = bytes.size() / 64 * 64, rest = bytes.size() - whole;
  for (size_t i = 0; i < whole; i += 64) block(p + i);
  uint8_t tail[128] = {};
  if (rest) std::memcpy(tail, p + whole, rest);
  tail[rest] = 0x80;
  size_t length = rest < 56 ? 64 : 128;
  for (int i = 0; i < 8; ++i) tail[length - 1 - i] = static_cast<uint8_t>(bytes.size() * 8ull >> (8 * i));
  for (size_t i = 0; i < length; i += 64) block(tail + i);
  std::string out;
  for (uint32_t word : h)
    for (int i = 28; i >= 0; i -= 4) out += "0123456789abcdef"[word >> i & 15];
  return out;
}

}  // namespace nasc
