// Layout arithmetic, packing and payload handling.
#include "ir/tensor.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "ir/isl_box.h"

namespace nasc {
namespace {
constexpr const char* kRoles[] = {"input", "output", "weight", "temp"};
}

Payload payload_from(std::vector<std::byte> bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {owner, owner->data(), owner->size(), 0};
}

uint64_t hash(const Payload& payload) {
  if (!payload) return payload.digest;
  uint64_t h = 1469598103934665603ull;
  size_t i = 0;
  for (; i + 8 <= payload.size; i += 8) {  // eight bytes a step: weights are large
    uint64_t word;
    std::memcpy(&word, payload.data + i, 8);
    h = (h ^ word) * 1099511628211ull;
    h ^= h >> 29;
  }
  for (; i < payload.size; ++i) h = (h ^ static_cast<uint64_t>(payload.data[i])) * 1099511628211ull;
  return h;
}

const char* name(Role role) { return kRoles[static_cast<int>(role)]; }
std::optional<Role> find_role(std::string_view name) {
  for (int i = 0; i < 4; ++i)
    if (name == kRoles[i]) return static_cast<Role>(i);
  return std::nullopt;
}

namespace {
isl::set box(const Tensor& t, const std::vector<std::pair<int64_t, int64_t>>& halo) {
  std::string dims, bounds;
  for (int d = 0; d < t.rank(); ++d) {
    std::string i = "i" + std::to_string(d), e = isl_text(t.shape[d]);
    dims += (d ? ", " : "") + i;
    bounds += (d ? " and " : " : ") + text(-halo[d].first, " <= ", i, " < ", e, " + ", halo[d].second);
  }
  std::string key = isl_parameters(t.shape) + "{ " + t.name + "[" + dims + "]" + bounds + " }";
  // Parsing dominates otherwise: each verification and each layout asks for the same few dozen sets again.
  constexpr size_t kMost = 4096;
  static thread_local std::unordered_map<std::string, isl::set> known;
  if (known.size() >= kMost) known.clear();
  auto found = known.find(key);
  if (found == known.end()) found = known.emplace(key, read_set(key)).first;
  return found->second;
}
}  // namespace

isl::set extent_set(const Tensor& tensor) {
  return box(tensor, std::vector<std::pair<int64_t, int64_t>>(tensor.rank()));
}
isl::set storage_set(const Tensor& tensor) { return box(tensor, layout_of(tensor).halo); }

Layout layout_of(const Tensor& tensor) {
  Layout l = tensor.layout.value_or(Layout{});
  if (l.dims.empty())
    for (int d = 0; d < tensor.rank(); ++d) l.dims.push_back({d});
  l.halo.resize(tensor.rank());
  l.pad.resize(l.dims.size());
  return l;
}

bool is_row_major(const Tensor& tensor) {
  Tensor plain;
  plain.shape = tensor.shape;
  return layout_of(tensor) == layout_of(plain);
}

Shape physical_extents(const Tensor& tensor) {
  Layout l = layout_of(tensor);
  Shape out;
  for (size_t k = 0; k < l.dims.size(); ++k) {
    const LayoutDim& p = l.dims[k];
    Extent logical = tensor.shape[p.dim] + l.halo[p.dim].first + l.halo[p.dim].second;
    Extent e = p.mod > 0 ? Extent(p.mod) : ceildiv(logical, p.div);
    out.push_back(e + l.pad[k]);
  }
  return out;
}

Shape physical_strides(const Tensor& tensor) {
  Shape extents = physical_extents(tensor), strides(extents.size());
  Extent s = 1;
  for (size_t k = extents.size(); k-- > 0;) {
    strides[k] = s;
    s = s * extents[k];
  }
  return strides;
}

Extent storage_elements(const Tensor& tensor) { return product(physical_extents(tensor)); }
Extent storage_bytes(const Tensor& tensor) { return storage_elements(tensor) * bytes(tensor.dtype); }
Extent element_count(const Tensor& tensor) { return product(tensor.shape); }

isl::multi_aff layout_map(const Tensor& tensor) {
  Layout l = layout_of(tensor);
  std::string in, out;
  for (int d = 0; d < tensor.rank(); ++d) in += text(d ? ", " : "", "i", d);
  for (size_t k = 0; k < l.dims.size(); ++k) {
    const LayoutDim& p = l.dims[k];
    std::string i = text("(i", p.dim, " + ", l.halo[p.dim].first, ")");
    if (p.div != 1) i = text("floor(", i, "/", p.div, ")");
    if (p.mod > 0) i = text("(", i, " mod ", p.mod, ")");
    out += (k ? ", " : "") + i;
  }
  return isl::multi_aff(isl_context(), "{ " + tensor.name + "[" + in + "] -> [" + out + "] }");
}

int64_t offset_of(const Layout& layout, const std::vector<int64_t>& strides, const int64_t* index) {
  int64_t offset = 0;
  for (size_t k = 0; k < layout.dims.size(); ++k) {
    const LayoutDim& p = layout.dims[k];
    int64_t i = (index[p.dim] + layout.halo[p.dim].first) / p.div;  // never negative inside the storage
    offset += (p.mod > 0 ? i % p.mod : i) * strides[k];
  }
  return offset;
}

namespace {
// Elements in row-major order to the sum of what each index adds to the offset. At least one element.
template <class Word>
void scatter(const std::vector<std::vector<int64_t>>& part, const std::byte* from, std::byte* to) {
  const int rank = static_cast<int>(part.size());
  const std::vector<int64_t> none = {0};
  const std::vector<int64_t>& inner = rank ? part.back() : none;
  std::vector<size_t> index(rank, 0);
  for (bool more = true; more;) {
    int64_t base = 0;
    for (int d = 0; d + 1 < rank; ++d) base += part[d][index[d]];
    for (int64_t p : inner) {
      std::memcpy(to + (base + p) * static_cast<int64_t>(sizeof(Word)), from, sizeof(Word));
      from += sizeof(Word);
    }
    more = false;
    for (int d = rank - 2; d >= 0 && !more; --d) {
      more = ++index[d] < part[d].size();
      if (!more) index[d] = 0;
    }
  }
}
}  // namespace

Payload packed(const Tensor& tensor) {
  if (is_row_major(tensor)) return tensor.payload;
  Layout l = layout_of(tensor);
  std::vector<int64_t> extents = constants(tensor.shape), strides = constants(physical_strides(tensor));
  size_t width = bytes(tensor.dtype);
  std::vector<std::byte> out(storage_bytes(tensor).constant());
  int rank = tensor.rank();
  std::vector<std::vector<int64_t>> part(rank);  // offset contribution is a sum over logical dims
  for (int d = 0; d < rank; ++d) {
    part[d].assign(extents[d], 0);
    for (int64_t i = 0; i < extents[d]; ++i)
      for (size_t k = 0; k < l.dims.size(); ++k) {
        if (l.dims[k].dim != d) continue;
        int64_t p = (i + l.halo[d].first) / l.dims[k].div;
        part[d][i] += (l.dims[k].mod > 0 ? p % l.dims[k].mod : p) * strides[k];
      }
  }
  if (element_count(tensor).is(0)) return payload_from(std::move(out));
  switch (width) {
    case 1: scatter<uint8_t>(part, tensor.payload.data, out.data()); break;
    case 2: scatter<uint16_t>(part, tensor.payload.data, out.data()); break;
    case 4: scatter<uint32_t>(part, tensor.payload.data, out.data()); break;
    default: NASC_CHECK(width == 8) << width; scatter<uint64_t>(part, tensor.payload.data, out.data());
  }
  return payload_from(std::move(out));
}

std::string text(const Layout& layout) {
  std::string out = "[";
  for (size_t k = 0; k < layout.dims.size(); ++k) {
    const LayoutDim& p = layout.dims[k];
    out += text(k ? ", " : "", p.dim);
    if (p.div != 1) out += text("/", p.div);
    if (p.mod > 0) out += text("%", p.mod);
  }
  out += "]";
  bool halo = false, pad = false;
  for (auto& h : layout.halo) halo |= h.first || h.second;
  for (auto p : layout.pad) pad |= p != 0;
  if (halo) {
    out += " halo [";
    for (size_t d = 0; d < layout.halo.size(); ++d)
      out += text(d ? ", " : "", layout.halo[d].first, ":", layout.halo[d].second);
    out += "]";
  }
  if (pad) {
    out += " pad [";
    for (size_t k = 0; k < layout.pad.size(); ++k) out += text(k ? ", " : "", layout.pad[k]);
    out += "]";
  }
  return out;
}

Layout parse_layout(const std::string& source) {
  Layout out;
  std::istringstream in(source);
  auto fail = [&]() -> void { throw UserError(code::bad_text, "", "bad layout '" + escaped(source) + "'"); };
  auto list = [&](auto&& element) {
    char c = 0;
    if (!(in >> c) || c != '[') fail();
    if ((in >> std::ws).peek() == ']') return (void)in.get();
    do {
      element();
      if (!(in >> c) || (c != ',' && c != ']')) fail();
    } while (c == ',');
  };
  auto number = [&] {
    int64_t v = 0;
    if (!(in >> v) || v < 0) fail();
    return v;
  };
  list([&] {
    LayoutDim p{static_cast<int>(number())};
    if (in.peek() == '/') in.get(), p.div = number();
    if (in.peek() == '%') in.get(), p.mod = number();
    if (p.div < 1) fail();
    out.dims.push_back(p);
  });
  std::string word;
  while (in >> word) {
    if (word == "halo") {
      list([&] {
        int64_t before = number();
        if (in.get() != ':') fail();
        out.halo.emplace_back(before, number());
      });
    } else if (word == "pad") {
      list([&] { out.pad.push_back(number()); });
    } else fail();
  }
  return out;
}

}  // namespace nasc
