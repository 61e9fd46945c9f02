// Tensors in files, good and bad.
#include "tools/tensor_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "onnx.pb.h"

using namespace nasc;

namespace {

HostTensor ramp(DType type, std::vector<int64_t> shape) {
  HostTensor t = zeros(type, std::move(shape));
  for (int64_t i = 0; i < t.count(); ++i)
    set(t, i, static_cast<double>(i % 2));
  return t;
}

struct File {
  std::string path =
      (std::filesystem::temp_directory_path() / ("nasc-tensor-" + std::to_string(getpid())))
          .string();
  explicit File(const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
  ~File() { std::filesystem::remove(path); }
};

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY";
  out +=
      {version, 0, static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  if (version > 1)
    out += std::string(2, '\0');
  return out + header + data;
}

} // namespace

TEST_CASE("npy: every type and rank round-trips") {
  for (DType type : {DType::f32, DType::f64, DType::f16, DType::i8, DType::i16, DType::i32,
                     DType::i64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean})
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{}, {3}, {2, 3}, {2, 0, 4}, {1, 1, 1, 1, 5}}) {
      HostTensor t = ramp(type, shape);
      File file(npy_bytes(t));
      HostTensor back = read_tensor_file(file.path);
      CHECK(back.dtype == t.dtype);
      CHECK(back.shape == t.shape);
      CHECK(back.bytes == t.bytes);
      CHECK(npy_bytes(t).size() % 64 == t.bytes.size() % 64);
    }
}

TEST_CASE("npy: headers as others write them") {
  std::string data(8, '\0');
  CHECK(parse_npy(npy("{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}  \n", data), "f")
            .shape == std::vector<int64_t>{2});
  CHECK(parse_npy(npy("{\"descr\":\"<f8\",\"fortran_order\":False,\"shape\":()}", data, 2), "f")
            .shape.empty());
  CHECK(
      parse_npy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, ), }", data, 3), "f")
          .shape == std::vector<int64_t>{1, 2});
}

TEST_CASE("npy: malformed files are user errors that name the file") {
  std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data(8, '\0');
  const std::string bad[] = {
      npy(good, data + "x"),
      npy(good, data.substr(1)),
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", data),
      npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", data),
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", data),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", data),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), "
          "}",
          data),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999999999999), }", data),
      npy("{'descr': '<f4', 'fortran_order': False}", data),
      npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data),
      npy("{'descr': '<f4", data),
      npy("", data),
      npy(good, data, 9),
      std::string("\x93NUMPY\x01", 7),
      std::string("\x93NUMPY\x02\x00\x01", 9),
  };
  for (const auto& bytes : bad)
    CHECK_THROWS_WITH(parse_npy(bytes, "F"),
                      Catch::Matchers::Predicate<std::string>([](auto&) { return true; }));
  for (const auto& bytes : bad) {
    try {
      parse_npy(bytes, "F");
      FAIL("accepted");
    } catch (const UserError& e) {
      CHECK(e.where == "F");
    }
  }
}

TEST_CASE("pb: typed fields and raw data") {
  onnx::TensorProto proto;
  proto.set_data_type(onnx::TensorProto::FLOAT);
  proto.add_dims(2);
  proto.add_float_data(1.5f);
  proto.add_float_data(-2);
  {
    File file(proto.SerializeAsString());
    CHECK(to_doubles(read_tensor_file(file.path)) == std::vector<double>{1.5, -2});
  }
  proto.clear_float_data();
  float raw[] = {3, 4};
  proto.set_raw_data(raw, sizeof raw);
  {
    File file(proto.SerializeAsString());
    CHECK(to_doubles(read_tensor_file(file.path)) == std::vector<double>{3, 4});
  }
  File empty("");
  CHECK_THROWS_AS(read_tensor_file(empty.path), UserError);
  CHECK_THROWS_AS(read_tensor_file("/nonexistent"), UserError);
}

TEST_CASE("tensor names never become paths") {
  CHECK(file_stem("../../etc/passwd") == "_._.._etc_passwd");
  CHECK(file_stem("") == "tensor");
  CHECK(file_stem(".hidden") == "_hidden");
  CHECK(file_stem("a b\n") == "a_b_");
  CHECK(file_stem(std::string(1000, 'x')).size() == 200);
}
