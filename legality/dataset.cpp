// Readers of image files, and minibatches of them.
#include "legality/dataset.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <random>

namespace nasc {
namespace {
constexpr size_t kMaxBytes = size_t{2} << 30;
constexpr size_t kMaxArrays = 64;

using Bytes = std::vector<unsigned char>;

[[noreturn]] void bad(const std::string& file, const std::string& why) { throw UserError(code::bad_file, file, why); }

// gzip, zlib or raw deflate from `data`; at most `most` bytes.
Bytes inflated(const std::string& file, const unsigned char* data, size_t size, int window, size_t most) {
  z_stream z{};
  if (inflateInit2(&z, window) != Z_OK) bad(file, "cannot start to decompress");
  Bytes out;
  Bytes chunk(size_t{1} << 20);
  z.next_in = const_cast<unsigned char*>(data);
  z.avail_in = static_cast<uInt>(size);
  int state = Z_OK;
  while (state == Z_OK) {
    z.next_out = chunk.data();
    z.avail_out = static_cast<uInt>(chunk.size());
    state = inflate(&z, Z_NO_FLUSH);
    size_t got = chunk.size() - z.avail_out;
    if (out.size() + got > most) {
      inflateEnd(&z);
      throw UserError(code::limit, file, "more than 2 GiB of images");
    }
    out.insert(out.end(), chunk.begin(), chunk.begin() + static_cast<int64_t>(got));
    if (state == Z_BUF_ERROR || (state == Z_OK && got == 0 && z.avail_in == 0)) break;
  }
  inflateEnd(&z);
  if (state != Z_STREAM_END) bad(file, "the compressed data are damaged or end early");
  return out;
}

Bytes read_bytes(const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) throw UserError(code::no_input, file, "cannot read the file");
  auto size = static_cast<size_t>(in.tellg());
  if (size > kMaxBytes) throw UserError(code::limit, file, "more than 2 GiB of images");
  Bytes out(size);
  in.seekg(0);
  in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(size));
  if (!in) throw UserError(code::no_input, file, "cannot read the file");
  if (size > 2 && out[0] == 0x1f && out[1] == 0x8b) return inflated(file, out.data(), size, 31, kMaxBytes);
  return out;
}

// Values of any array format, row-major.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
size_t checked_count(const std::string& file, const std::vector<int64_t>& shape) {
  size_t n = 1;
  for (int64_t e : shape) {
    if (e < 1 || n > kMaxBytes / static_cast<size_t>(e)) bad(file, "an array of shape " + text(shape_of(shape)));
    n *= static_cast<size_t>(e);
  }
  return n;
}

// IDX: two zero bytes, type 8 (unsigned byte), rank, extents big-endian.
Array idx(const std::string& file) {
  Bytes b = read_bytes(file);
  if (b.size() < 4 || b[0] || b[1] || b[2] != 8 || b[3] < 1 || b[3] > 4) bad(file, "not an IDX file of unsigned bytes");
  size_t rank = b[3], head = 4 + 4 * rank;
  if (b.size() < head) bad(file, "the IDX header ends early");
  Array a;
  for (size_t d = 0; d < rank; ++d) {
    const unsigned char* e = b.data() + 4 + 4 * d;
    a.shape.push_back(int64_t{e[0]} << 24 | int64_t{e[1]} << 16 | int64_t{e[2]} << 8 | e[3]);
  }
  size_t n = checked_count(file, a.shape);
  if (b.size() - head != n) bad(file, text("the IDX header promises ", n, " bytes, the file has ", b.size() - head));
  a.values.assign(b.begin() + static_cast<int64_t>(head), b.end());
  return a;
}

struct NpyType {
  const char* name;
  size_t bytes;
  float (*value)(const unsigned char*);
};
template <class T>
float load(const unsigned char* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return static_cast<float>(v);
}
constexpr NpyType kNpyTypes[] = {{"|u1", 1, load<uint8_t>}, {"|i1", 1, load<int8_t>},  {"<f4", 4, load<float>},   {"<f8", 8, load<double>},
                                 {"<i2", 2, load<int16_t>}, {"<u2", 2, load<uint16_t>}, {"<i4", 4, load<int32_t>}, {"<u4", 4, load<uint32_t>},
                                 {"<i8", 8, load<int64_t>}, {"<u8", 8, load<uint64_t>}};

// A value of the header's dictionary, as text up to the next delimiter.
std::string npy_field(const std::string& file, const std::string& header, const std::string& key) {
  size_t at = header.find("'" + key + "'");
  if (at == std::string::npos || (at = header.find(':', at)) == std::string::npos) bad(file, "a .npy header without " + key);
  at = header.find_first_not_of(' ', at + 1);
  if (at == std::string::npos) bad(file, "a .npy header without a value of " + key);
  char open = header[at];
  size_t end = open == '(' ? header.find(')', at) : open == '\'' ? header.find('\'', at + 1) : header.find_first_of(",}", at);
  if (end == std::string::npos) bad(file, "a .npy header that ends early");
  return open == '(' || open == '\'' ? header.substr(at + 1, end - at - 1) : header.substr(at, end - at);
}
Array npy(const std::string& file, const Bytes& b) {
  if (b.size() < 12 || std::memcmp(b.data(), "\x93NUMPY", 6) != 0) bad(file, "an entry that is no .npy array");
  bool wide = b[6] >= 2;
  size_t length = wide ? size_t{b[8]} | size_t{b[9]} << 8 | size_t{b[10]} << 16 | size_t{b[11]} << 24 : size_t{b[8]} | size_t{b[9]} << 8;
  size_t head = (wide ? 12 : 10) + length;
  if (head > b.size()) bad(file, "a .npy header that ends early");
  std::string header(b.begin() + (wide ? 12 : 10), b.begin() + static_cast<int64_t>(head));
  if (npy_field(file, header, "fortran_order").starts_with("True")) bad(file, "an array in Fortran order");
  std::string type = npy_field(file, header, "descr"), extents = npy_field(file, header, "shape");
  auto known = std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes), [&](const NpyType& t) { return type == t.name; });
  if (known == std::end(kNpyTypes)) bad(file, "an array of type " + type);
  Array a;
  for (size_t at = 0; (at = extents.find_first_of("0123456789", at)) != std::string::npos;) {
    size_t end = extents.find_first_not_of("0123456789", at);
    std::string digits = extents.substr(at, end - at);
    if (digits.size() > 10 || a.shape.size() > 7) bad(file, "an array of shape (" + extents + ")");
    a.shape.push_back(std::stoll(digits));
    at = end;
    if (at == std::string::npos) break;
  }
  size_t n = checked_count(file, a.shape);
  if ((b.size() - head) / known->bytes < n) bad(file, "an array that ends early");
  for (size_t i = 0; i < n; ++i) a.values.push_back(known->value(b.data() + head + i * known->bytes));
  return a;
}

// The entries of a zip file by its central directory: stored or deflated, no encryption, no zip64.
std::map<std::string, Array> npz(const std::string& file, const Bytes& b) {
  auto u16 = [&](size_t at) { return at + 2 <= b.size() ? size_t{b[at]} | size_t{b[at + 1]} << 8 : (bad(file, "a zip file that ends early"), 0); };
  auto u32 = [&](size_t at) { return u16(at) | u16(at + 2) << 16; };
  size_t end = b.size() < 22 ? 0 : b.size() - 22;
  while (end > 0 && u32(end) != 0x06054b50) --end;
  if (b.size() < 22 || u32(end) != 0x06054b50) bad(file, "not an .npz file");
  size_t count = u16(end + 10), at = u32(end + 16);
  if (count > kMaxArrays) bad(file, "an .npz file of too many arrays");
  std::map<std::string, Array> out;
  for (size_t k = 0; k < count; ++k) {
    if (u32(at) != 0x02014b50) bad(file, "a damaged zip directory");
    size_t method = u16(at + 10), packed = u32(at + 20), plain = u32(at + 24), name = u16(at + 28), local = u32(at + 42);
    if (at + 46 + name > b.size()) bad(file, "a damaged zip directory");
    std::string title(b.begin() + static_cast<int64_t>(at + 46), b.begin() + static_cast<int64_t>(at + 46 + name));
    if (u16(at + 8) & 1 || packed == 0xffffffff || plain == 0xffffffff) bad(file, "entry " + title + " is encrypted or zip64");
    size_t start = local + 30 + u16(local + 26) + u16(local + 28);
    if (start > b.size() || packed > b.size() - start) bad(file, "entry " + title + " ends early");
    if (method != 0 && method != 8) bad(file, "entry " + title + " is compressed by another method than deflate");
    Bytes content = method == 8 ? inflated(file, b.data() + start, packed, -15, std::min(kMaxBytes, plain + 1))
                                : Bytes(b.begin() + static_cast<int64_t>(start), b.begin() + static_cast<int64_t>(start + packed));
    if (title.ends_with(".npy")) out[title.substr(0, title.size() - 4)] = npy(file, content);
    at += 46 + name + u16(at + 30) + u16(at + 32);
  }
  return out;
}

const Array& pick(const std::string& file, const std::map<std::string, Array>& arrays, std::vector<const char*> names, bool images) {
  for (const char* n : names)
    if (auto it = arrays.find(n); it != arrays.end()) return it->second;
  const Array* only = nullptr;
  for (const auto& [name, a] : arrays) {
    if (images ? a.shape.size() < 3 : a.shape.size() != 1) continue;
    if (only) bad(file, text("several arrays could be the ", images ? "images" : "labels", "; name one ", names[0]));
    only = &a;
  }
  if (!only) bad(file, text("no array of ", images ? "images" : "labels"));
  return *only;
}

// Images [count, rows, columns], [count, C, H, W] or [count, H, W, C] (1 or 3 channels).
Dataset assembled(const std::string& source, const Array& images, const Array& labels) {
  Dataset d;
  d.source = source;
  std::vector<int64_t> s = images.shape;
  if (s.size() == 3) s.insert(s.begin() + 1, 1);
  if (s.size() != 4) bad(source, "images of shape " + text(shape_of(images.shape)));
  bool last = (s[3] == 1 || s[3] == 3) && s[1] != 1 && s[1] != 3;
  d.image = last ? std::vector<int64_t>{s[3], s[1], s[2]} : std::vector<int64_t>{s[1], s[2], s[3]};
  if (labels.shape.size() != 1 || labels.shape[0] != s[0]) bad(source, text(s[0], " images and ", text(shape_of(labels.shape)), " labels"));
  size_t channels = static_cast<size_t>(d.image[0]), plane = static_cast<size_t>(d.image[1] * d.image[2]), count = static_cast<size_t>(s[0]);
  d.pixels.resize(images.values.size());
  for (size_t n = 0; n < count; ++n)
    for (size_t c = 0; c < channels; ++c)
      for (size_t i = 0; i < plane; ++i)
        d.pixels[(n * channels + c) * plane + i] = images.values[last ? (n * plane + i) * channels + c : (n * channels + c) * plane + i];
  for (float v : labels.values) {
    if (!(v >= 0 && v < 1e6f) || v != std::floor(v)) bad(source, text("label ", v, " is no class"));
    d.labels.push_back(static_cast<int>(v));
  }
  for (size_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0, total = static_cast<double>(count * plane);
    for (size_t n = 0; n < count; ++n)
      for (size_t i = 0; i < plane; ++i) {
        double v = d.pixels[(n * channels + c) * plane + i];
        sum += v;
        square += v * v;
      }
    double mean = sum / total, deviation = std::sqrt(std::max(square / total - mean * mean, 1e-12));
    for (size_t n = 0; n < count; ++n)
      for (size_t i = 0; i < plane; ++i) {
        float& v = d.pixels[(n * channels + c) * plane + i];
        v = static_cast<float>((v - mean) / deviation);
      }
  }
  return d;
}

Dataset cifar(const std::string& file, const Bytes& b) {
  constexpr size_t kPixels = 3 * 32 * 32;
  size_t labels = b.size() % (kPixels + 1) == 0 ? 1 : b.size() % (kPixels + 2) == 0 ? 2 : 0;
  if (b.empty() || labels == 0) bad(file, text(b.size(), " bytes are no CIFAR records of 3,073 or 3,074 bytes, IDX pair or .npz"));
  size_t record = kPixels + labels, count = b.size() / record;
  Array images{{static_cast<int64_t>(count), 3, 32, 32}, {}}, classes{{static_cast<int64_t>(count)}, {}};
  for (size_t n = 0; n < count; ++n) {
    auto at = b.begin() + static_cast<int64_t>(n * record);
    classes.values.push_back(at[static_cast<int64_t>(labels) - 1]);
    images.values.insert(images.values.end(), at + static_cast<int64_t>(labels), at + static_cast<int64_t>(record));
  }
  return assembled(file, images, classes);
}
}  // namespace

Dataset read_dataset(const std::string& where) {
  if (size_t comma = where.find(','); comma != std::string::npos)
    return assembled(where, idx(where.substr(0, comma)), idx(where.substr(comma + 1)));
  Bytes b = read_bytes(where);
  if (b.size() > 4 && b[0] == 'P' && b[1] == 'K') {
    std::map<std::string, Array> arrays = npz(where, b);
    return assembled(where, pick(where, arrays, {"x", "images"}, true), pick(where, arrays, {"y", "labels"}, false));
  }
  if (b.size() > 4 && !b[0] && !b[1] && b[2] == 8 && b.size() % 3073 != 0) bad(where, "an IDX file needs its labels: IMAGES,LABELS");
  return cifar(where, b);
}

std::vector<Minibatch> minibatches(const Dataset& data, const ScoringNetwork& network, int count, uint64_t seed) {
  std::vector<int64_t> shape = network.image_shape();
  if (!std::equal(shape.begin() + 1, shape.end(), data.image.begin(), data.image.end()))
    throw UserError(code::bad_shape, data.source, text("images are ", text(shape_of(data.image)), ", the network takes ", text(shape_of(shape))));
  int64_t batch = network.batch(), classes = network.classes();
  if (data.count() < batch) throw UserError(code::bad_shape, data.source, text(data.count(), " images are fewer than a minibatch of ", batch));
  for (int label : data.labels)
    if (label >= classes) throw UserError(code::bad_shape, data.source, text("label ", label, ", but the network has ", classes, " classes"));
  size_t pixels = static_cast<size_t>(element_count(data.image));
  std::vector<Minibatch> out;
  for (int k = 0; k < count; ++k) {
    std::mt19937_64 rng(seed * 1000003 + static_cast<uint64_t>(k));
    std::vector<size_t> order(static_cast<size_t>(data.count()));
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    Minibatch m{zeros(DType::f32, shape), zeros(DType::f32, {batch, classes}), true, data.source};
    for (size_t n = 0; n < static_cast<size_t>(batch); ++n) {
      std::swap(order[n], order[n + rng() % (order.size() - n)]);
      std::copy_n(data.pixels.data() + order[n] * pixels, pixels, m.images.as<float>() + n * pixels);
      m.labels.as<float>()[n * static_cast<size_t>(classes) + static_cast<size_t>(data.labels[order[n]])] = 1;
    }
    out.push_back(std::move(m));
  }
  return out;
}

std::vector<Minibatch> noise_minibatches(const ScoringNetwork& network, int count, uint64_t seed) {
  std::vector<Minibatch> out;
  for (int k = 0; k < count; ++k) {
    uint64_t own = seed * 1000003 + static_cast<uint64_t>(k);
    std::mt19937_64 rng(own);
    std::normal_distribution<float> normal;
    Minibatch m{zeros(DType::f32, network.image_shape()), zeros(DType::f32, {network.batch(), network.classes()}), false, "Gaussian noise"};
    for (int64_t i = 0; i < m.images.count(); ++i) m.images.as<float>()[i] = normal(rng);
    for (int64_t n = 0; n < network.batch(); ++n) m.labels.as<float>()[n * network.classes() + static_cast<int64_t>(rng() % static_cast<uint64_t>(network.classes()))] = 1;
    out.push_back(std::move(m));
  }
  return out;
}

}  // namespace nasc
