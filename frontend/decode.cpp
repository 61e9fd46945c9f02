// Decoding of tensors and attributes, with every size checked before anything is allocated.
#include "frontend/decode.h"

#include <onnx.pb.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "ir/diag.h"

namespace nasc {
namespace {

constexpr const char* kTypeNames[] = {"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64",
                                      "string", "bool", "float16", "double", "uint32", "uint64", "complex64",
                                      "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                      "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2"};
constexpr int kTypes = static_cast<int>(std::size(kTypeNames));

uint64_t decimal(const std::string& s, const char* key, const std::string& where, const std::string& about) {
  uint64_t v = 0;
  bool good = !s.empty() && s.size() <= 19;
  for (char c : s) {
    good = good && c >= '0' && c <= '9';
    v = v * 10 + static_cast<uint64_t>(c - '0');
  }
  if (!good || v > INT64_MAX)
    throw UserError(code::bad_tensor, where, text(about, ": ", key, " \"", escaped(s.substr(0, 80)), "\" of external data is no decimal number"));
  return v;
}

ExternalData external_data(const onnx::TensorProto& t, const std::string& where, const std::string& about) {
  ExternalData out;
  std::set<std::string> seen;
  for (const auto& entry : t.external_data()) {
    if (!seen.insert(entry.key()).second)
      throw UserError(code::bad_tensor, where, about + ": external data has a key twice");
    if (entry.key() == "location") out.location = entry.value();
    else if (entry.key() == "offset") out.offset = decimal(entry.value(), "offset", where, about);
    else if (entry.key() == "length") out.length = decimal(entry.value(), "length", where, about);
    else if (entry.key() == "checksum") out.checksum = entry.value();
    else throw UserError(code::bad_tensor, where, text(about, ": external data has an unknown key \"", escaped(entry.key().substr(0, 80)), "\""));
  }
  return out;
}

std::vector<int64_t> extents(const onnx::TensorProto& t, int max_rank, const std::string& where, const std::string& about) {
  if (t.dims_size() > max_rank) throw UserError(code::bad_shape, where, text(about, ": rank ", t.dims_size(), ", the limit is ", max_rank));
  std::vector<int64_t> out(t.dims().begin(), t.dims().end());
  int64_t bytes = 16;
  bool empty = std::count(out.begin(), out.end(), 0) > 0;
  for (int64_t e : out) {
    if (e < 0) throw UserError(code::bad_shape, where, text(about, ": extent ", e));
    if (!empty && __builtin_mul_overflow(bytes, e, &bytes))
      throw UserError(code::bad_shape, where, about + ": its shape has more elements than memory can hold");
  }
  return out;
}

// Typed fields hold small types widened; `To` is the type of the tensor.
template <class To, class List>
Payload narrowed(const List& list) {
  std::vector<To> out(list.size());
  for (int i = 0; i < list.size(); ++i) out[static_cast<size_t>(i)] = static_cast<To>(list.Get(i));
  return payload_of(out);
}

Payload typed(const onnx::TensorProto& t, DType type) {
  switch (type) {
    case DType::f32: return narrowed<float>(t.float_data());
    case DType::f64: return narrowed<double>(t.double_data());
    case DType::i64: return narrowed<int64_t>(t.int64_data());
    case DType::u32: return narrowed<uint32_t>(t.uint64_data());
    case DType::u64: return narrowed<uint64_t>(t.uint64_data());
    case DType::i32: return narrowed<int32_t>(t.int32_data());
    case DType::i16: return narrowed<int16_t>(t.int32_data());
    case DType::u16:
    case DType::f16: return narrowed<uint16_t>(t.int32_data());
    case DType::i8: return narrowed<int8_t>(t.int32_data());
    default: return narrowed<uint8_t>(t.int32_data());  // u8, bool
  }
}

Payload copied(const std::byte* data, size_t size) { return payload_from(std::vector<std::byte>(data, data + size)); }

// Bytes of bool other than 0 and 1 become 1; data that its type cannot be read from in place is copied.
Payload settled(Payload p, DType type) {
  if (type == DType::boolean) {
    std::vector<std::byte> bits(p.data, p.data + p.size);
    for (std::byte& b : bits) b = std::byte(b != std::byte(0));
    return payload_from(std::move(bits));
  }
  bool aligned = reinterpret_cast<uintptr_t>(p.data) % static_cast<uintptr_t>(bytes(type)) == 0;
  return aligned ? p : copied(p.data, p.size);
}

}  // namespace

std::string onnx_type_name(int number) {
  return number >= 0 && number < kTypes ? kTypeNames[number] : text("type ", number);
}

DType element_type(int number, const std::string& where, const std::string& about) {
  if (const DTypeInfo* found = find_dtype(number)) return found->type;
  bool known = number > 0 && number < kTypes;
  throw UserError(known ? code::unsupported_type : code::bad_type, where,
                  text(about, known ? ": elements of " : ": undefined element type: ", onnx_type_name(number),
                       known ? " are not supported" : ""));
}

Constant decode_tensor(const onnx::TensorProto& t, const TensorSource& source, const std::string& where,
                       const std::string& about) {
  Constant out;
  out.dtype = element_type(t.data_type(), where, about);
  out.shape = extents(t, source.limits.max_rank, where, about);
  if (t.has_segment()) throw UserError(code::bad_tensor, where, about + ": is stored in segments");
  uint64_t count = 1;
  for (int64_t e : out.shape) count = e == 0 ? 0 : count * static_cast<uint64_t>(e);
  if (std::count(out.shape.begin(), out.shape.end(), 0)) count = 0;
  uint64_t size = count * static_cast<uint64_t>(bytes(out.dtype));
  bool has_typed = t.float_data_size() || t.int32_data_size() || t.int64_data_size() || t.double_data_size() ||
                   t.uint64_data_size() || t.string_data_size();
  RawRange raw;
  if (t.has_raw_data()) raw = raw_range(t.raw_data());
  if (t.data_location() == onnx::TensorProto::EXTERNAL) {
    if (raw.size || has_typed) throw UserError(code::bad_tensor, where, about + ": has external data and data of its own");
    if (!source.external) throw UserError(code::outside_root, where, about + ": external data is not allowed here");
    ExternalData data = external_data(t, where, about);
    out.payload = settled(source.external->load(data, size, where, t.name()), out.dtype);
    return out;
  }
  if (raw.size && has_typed) throw UserError(code::bad_tensor, where, about + ": has both raw_data and a typed field");
  if (has_typed) {
    Payload p = typed(t, out.dtype);
    if (p.size != size) throw UserError(code::bad_tensor, where, text(about, ": ", p.size / static_cast<size_t>(bytes(out.dtype)), " values in the field of its type, the shape needs ", count));
    out.payload = settled(std::move(p), out.dtype);
    return out;
  }
  if (raw.size != size)
    throw UserError(code::bad_tensor, where, text(about, ": ", raw.size, " bytes of data, the shape needs ", size));
  Payload p;
  p.owner = source.file.owner;
  p.data = source.file.bytes.data() + raw.offset;
  p.size = size;
  out.payload = size ? settled(std::move(p), out.dtype) : payload_from({});
  return out;
}

namespace {
using Proto = onnx::AttributeProto;
// Old files leave the type out: it follows from the one field that is set.
int type_of(const Proto& a) {
  if (a.type() != Proto::UNDEFINED) return a.type();
  if (a.has_f()) return Proto::FLOAT;
  if (a.has_i()) return Proto::INT;
  if (a.has_s()) return Proto::STRING;
  if (a.has_t()) return Proto::TENSOR;
  if (a.has_g()) return Proto::GRAPH;
  if (a.floats_size()) return Proto::FLOATS;
  if (a.ints_size()) return Proto::INTS;
  return a.strings_size() ? Proto::STRINGS : Proto::UNDEFINED;
}
}  // namespace

Attribute decode_attribute(const onnx::AttributeProto& a, const TensorSource& source, const std::string& where,
                           const GraphReader& graph) {
  std::string about = text("attribute \"", escaped(a.name().substr(0, 200)), "\"");
  int type = type_of(a);
  bool misses = (type == Proto::TENSOR && !a.has_t()) || (type == Proto::GRAPH && !a.has_g());
  if (misses || type == Proto::UNDEFINED) throw UserError(code::bad_attribute, where, about + ": has no value of its type");
  switch (type) {
    case Proto::FLOAT: return static_cast<double>(a.f());
    case Proto::INT: return a.i();
    case Proto::STRING: return a.s();
    case Proto::FLOATS: return std::vector<double>(a.floats().begin(), a.floats().end());
    case Proto::INTS: return std::vector<int64_t>(a.ints().begin(), a.ints().end());
    case Proto::STRINGS: return std::vector<std::string>(a.strings().begin(), a.strings().end());
    case Proto::TENSOR: return decode_tensor(a.t(), source, where, about);
    case Proto::GRAPH: return graph(a);
    default:
      throw UserError(code::unsupported_attribute, where, about + ": lists of tensors or graphs, sparse tensors and types are not supported");
  }
}

Constant constant_value(const Node& node, const std::string& where) {
  if (node.attributes.size() != 1 || node.outputs.size() != 1) throw UserError(code::bad_attribute, where, "Constant needs exactly one value");
  const auto& [key, value] = *node.attributes.begin();
  if (auto* tensor = std::get_if<Constant>(&value); tensor && key == "value") return *tensor;
  if (auto* i = std::get_if<int64_t>(&value); i && key == "value_int") return {DType::i64, {}, payload_of(std::vector<int64_t>{*i})};
  if (auto* f = std::get_if<double>(&value); f && key == "value_float") return {DType::f32, {}, payload_of(std::vector<float>{static_cast<float>(*f)})};
  if (auto* is = std::get_if<std::vector<int64_t>>(&value); is && key == "value_ints") return {DType::i64, {static_cast<int64_t>(is->size())}, payload_of(*is)};
  if (auto* fs = std::get_if<std::vector<double>>(&value); fs && key == "value_floats")
    return {DType::f32, {static_cast<int64_t>(fs->size())}, payload_of(std::vector<float>(fs->begin(), fs->end()))};
  throw UserError(code::unsupported_type, where, text("Constant with attribute \"", escaped(key), "\" is not supported"));
}

}  // namespace nasc
