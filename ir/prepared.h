// Prepared: a Network that runs many times. All polyhedral work is done once per Program and thread; activations are kept
// with the batch innermost, so that rows are long and a convolution is one matrix product.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "ir/host_tensor.h"
#include "ir/network.h"

namespace nasc {

class Prepared {
 public:
  // Throws UserError unsupported_type unless every buffer is f32 with constant extents.
  explicit Prepared(Network network);
  ~Prepared();
  Prepared(Prepared&&) noexcept;

  const Network& network() const { return network_; }
  // Runs all calls. `bound` has the inputs, and weights that have no payload or another one, by buffer, row-major;
  // what they point to stays alive. Gives the outputs. Sums are re-associated where statements allow it.
  std::vector<HostTensor> run(const std::map<int, const HostTensor*>& bound) const;
  // run() works without isl: it may be called in any thread, in several at once. Else in that of the constructor.
  bool any_thread() const { return any_thread_; }
  size_t activation_bytes() const { return arena_floats_ * sizeof(float); }  // that a run holds

  std::function<void(const Call&, double seconds)> trace;  // after each call

 private:
  struct Code;
  void place_memory();
  Network network_;
  std::vector<std::shared_ptr<const Code>> code_;  // by call
  std::vector<int> root_;
  std::vector<bool> plain_;  // by buffer: row-major
  bool any_thread_ = true;
  // All activations of a run lie in one arena, those over each other that are never alive together.
  size_t arena_floats_ = 0;
  std::vector<size_t> at_root_;               // by buffer
  std::vector<std::vector<size_t>> locals_;  // by call: temps of its Program, in their order
};

// OpenBLAS as Prepared uses it: its own description, empty when it could not be loaded.
std::string blas_description();

}  // namespace nasc
