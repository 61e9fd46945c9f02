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

  std::function<void(const Call&, double seconds)> trace;  // after each call

 private:
  struct Code;
  Network network_;
  std::vector<std::shared_ptr<const Code>> code_;  // by call
  std::vector<int> root_;
  std::vector<bool> plain_;  // by buffer: row-major
  bool any_thread_ = true;
  std::vector<std::vector<int>> dead_after_;  // by call: roots
};

// OpenBLAS as Prepared uses it: its own description, empty when it could not be loaded.
std::string blas_description();

}  // namespace nasc
