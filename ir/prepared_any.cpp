// Prepared statements that no faster way serves: through run_rows, on row-major copies where a layout differs.
#include <map>

#include "ir/execute_parts.h"
#include "ir/prepared_parts.h"

namespace nasc {
namespace {
struct Any : Step {
  const Program& program;
  const Statement& statement;
  std::vector<Strides> strides;
  std::vector<size_t> used;

  Any(const Program& p, const Statement& s, const std::vector<Strides>& st)
      : program(p), statement(s), strides(st) {
    for (size_t t = 0; t < p.tensors.size(); ++t) {
      bool here = p.tensors[t].name == s.write.tensor;
      for (const Access& a : s.reads)
        here |= a.tensor == p.tensors[t].name;
      if (here)
        used.push_back(t);
    }
  }
  bool any_thread() const override { return false; }
  void run(float* const* data) const override {
    std::map<std::string, HostTensor> copies;
    ElementsByName elements;
    for (size_t t : used) {
      const Tensor& tensor = program.tensors[t];
      std::vector<int64_t> shape = constants(tensor.shape);
      bool plain = strides[t] == row_major_strides(shape);
      std::byte* at = reinterpret_cast<std::byte*>(data[t]);
      if (!plain) {
        HostTensor& copy = copies[tensor.name] = zeros(tensor.dtype, shape);
        move(shape, strides[t], data[t], copy.as<float>(), true);
        at = copy.bytes.data();
      }
      elements[tensor.name] = {tensor.dtype, shape, at};
    }
    run_rows(program, statement, elements, {}, {});
    auto written = copies.find(statement.write.tensor);
    if (written == copies.end())
      return;
    size_t t =
        static_cast<size_t>(&program.tensor(statement.write.tensor) - program.tensors.data());
    move(written->second.shape, strides[t], data[t], written->second.as<float>(), false);
  }
  static void move(const std::vector<int64_t>& shape, const Strides& strides, float* strided,
                   float* plain, bool out) {
    std::vector<NestLoop> loops;
    for (size_t d = 0; d < shape.size(); ++d)
      loops.push_back({d, 0, shape[d]});
    if (volume(loops) == 0)
      return;
    std::vector<int64_t> point(shape.size(), 0);
    walk(loops, point, [&] {
      int64_t at = 0;
      for (size_t d = 0; d < shape.size(); ++d)
        at += point[d] * strides[d];
      (out ? *plain : strided[at]) = out ? strided[at] : *plain;
      ++plain;
    });
  }
};
} // namespace

std::unique_ptr<Step> any_step(const Program& p, const Statement& s,
                               const std::vector<Strides>& strides) {
  return std::make_unique<Any>(p, s, strides);
}

} // namespace nasc
