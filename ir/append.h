// Appender: adds buffers and calls to a Network; equal Programs are one object, across Networks too.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ir/network.h"

namespace nasc {

class Appender {
 public:
  explicit Appender(Network n);
  Network network;

  // A buffer of a fresh name made from `hint`.
  int buffer(const std::string& hint, DType dtype, Shape shape, Role role = Role::temp);
  // `buffer`, or a view of it in another shape.
  int viewed(int buffer, const Shape& shape);
  const Buffer& at(int buffer) const { return network.buffers[static_cast<size_t>(buffer)]; }

  int program(const Program& program);
  int program(std::shared_ptr<const Program> program);  // interned()
  void call(int program, std::vector<int> args, const std::string& name);
  void call(const Program& p, std::vector<int> args, const std::string& name) { call(program(p), std::move(args), name); }

 private:
  std::map<const Program*, int> programs_;
  std::set<std::string> names_;
};

// The one object of this thread for Programs of equal canonical text and origin; it lives until the thread has seen many.
std::shared_ptr<const Program> interned(const Program& program);

}  // namespace nasc
