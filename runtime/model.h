// Load and run a compiled model: what tools and tests use in place of the C interface.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/host_tensor.h"
#include "runtime/embed/abi.h"

namespace nasc {

// One opened library. Throws UserError when the file is missing or no compiled model.
class Model {
 public:
  explicit Model(const std::string& path);
  const nasc_info& info() const { return *api_->info; }
  const nasc_model_api& api() const { return *api_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::shared_ptr<void> library_;
  const nasc_model_api* api_ = nullptr;
};

struct RunnerOptions {
  int threads = 0;  // as nasc_options.threads
  // Called after each step with its name and seconds.
  std::function<void(int step, const char* name, double seconds)> trace = {};
};

// One handle of a model; keeps its library open. Every failure is a UserError with the model's own message.
class Runner {
 public:
  Runner(Model model, RunnerOptions options);
  Runner(Runner&&) noexcept;
  Runner& operator=(Runner&&) noexcept;
  ~Runner();

  // The extents of each output for inputs of these extents; only type and shape of `inputs` are looked at.
  std::vector<std::vector<std::int64_t>> output_shapes(const std::vector<HostTensor>& inputs);
  // Zeroed outputs of the right type and extents.
  std::vector<HostTensor> make_outputs(const std::vector<HostTensor>& inputs);
  // Runs into tensors made by make_outputs, allocating none. The one to measure.
  void run_into(const std::vector<HostTensor>& inputs, std::vector<HostTensor>& outputs);
  // Runs; data-dependent outputs are cut to what was written.
  std::vector<HostTensor> run(const std::vector<HostTensor>& inputs);
  const Model& model() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nasc
