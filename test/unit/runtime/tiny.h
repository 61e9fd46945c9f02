// The hand-written model linked into the tests: descriptions to change, and calls with right arguments to spoil.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/unit/runtime/tiny_model.h"

namespace nasc::test {

// A copy of the model's tables that a test may change.
struct Tables {
  nasc_model_desc desc = tiny_desc;
  nasc_info info = *tiny_desc.info;
  nasc_slot slot{};
  Tables() {
    desc.info = &info;
    desc.slot = &slot;
  }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;
};

// A handle of Tables, destroyed with it.
struct Handle {
  nasc_handle* handle = nullptr;
  nasc_status status;
  std::string message;
  explicit Handle(const Tables& tables, int threads = 1, nasc_options options = {}) {
    char text[512] = "";
    options.size = sizeof options;
    options.threads = threads;
    options.message = text;
    options.message_size = sizeof text;
    status = nasc_embed_create(&tables.desc, &options, &handle);
    message = text;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { nasc_embed_destroy(handle); }
};

// Arguments of one run with n rows.
struct Call {
  std::vector<std::int64_t> shape, z_shape;
  std::int64_t reps;
  std::vector<float> a, b, y;
  std::vector<std::int64_t> z;
  nasc_tensor in[3], out[2];

  explicit Call(std::int64_t n, std::int64_t reps_ = 3)
      : shape{n, 4}, z_shape{4 * n}, reps(reps_), a(elements(n)), b(elements(n)), y(elements(n), -1), z(elements(n), -1) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<float>(i % 7) - 3;
      b[i] = static_cast<float>(i % 5);
    }
    in[0] = {a.data(), shape.data(), nullptr, 2, NASC_F32, NASC_HOST, 0};
    in[1] = {b.data(), shape.data(), nullptr, 2, NASC_F32, NASC_HOST, 0};
    in[2] = {&reps, nullptr, nullptr, 0, NASC_I64, NASC_HOST, 0};
    out[0] = {y.data(), shape.data(), nullptr, 2, NASC_F32, NASC_HOST, 0};
    out[1] = {z.data(), z_shape.data(), nullptr, 1, NASC_I64, NASC_HOST, 0};
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  nasc_status run(const Handle& h) { return nasc_embed_run(h.handle, in, out); }
  std::string message(const Handle& h) { return nasc_embed_message(h.handle); }
  bool right() const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      auto w = static_cast<float>(i % 4 + 1);
      if (y[i] != (a[i] + b[i] + static_cast<float>(reps)) * w + 10 * w) return false;
      if (a[i] > 0 && z[found++] != static_cast<std::int64_t>(i)) return false;
    }
    return true;
  }

 private:
  static std::size_t elements(std::int64_t n) { return static_cast<std::size_t>(n) * 4; }
};

}  // namespace nasc::test
