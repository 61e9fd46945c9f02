// dlopen, the query symbol, and the C interface wrapped for C++.
#include "runtime/model.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "ir/diag.h"

namespace nasc {
namespace {

struct StatusCode {
  nasc_status status;
  const Code* code;
};
const StatusCode status_codes[] = {
    {NASC_E_ARGUMENT, &code::bad_tensor}, {NASC_E_RANK, &code::bad_tensor},        {NASC_E_SHAPE, &code::bad_tensor},
    {NASC_E_DTYPE, &code::bad_tensor},    {NASC_E_NULL, &code::bad_tensor},        {NASC_E_STRIDES, &code::bad_tensor},
    {NASC_E_RUNTIME, &code::bad_tensor},  {NASC_E_CPU, &code::unsupported_target}, {NASC_E_MEMORY, &code::limit},
    {NASC_E_ABI, &code::bad_library},     {NASC_E_WEIGHTS, &code::bad_library},
};

void check(nasc_status status, const Model& model, const char* message) {
  if (status == NASC_OK) return;
  const auto* end = std::end(status_codes);
  const auto* known = std::find_if(status_codes, end, [&](const StatusCode& s) { return s.status == status; });
  std::string what = model.api().status_text(status);
  if (message && *message) what += text(": ", message);
  throw UserError{known == end ? code::failure : *known->code, model.path(), what};
}

// The tables of a handle hold no pointer to these after the call.
std::vector<nasc_tensor> views(const std::vector<HostTensor>& tensors) {
  std::vector<nasc_tensor> out;
  out.reserve(tensors.size());
  for (const HostTensor& t : tensors)
    out.push_back({.data = const_cast<std::byte*>(t.bytes.data()),
                   .shape = t.shape.data(),
                   .strides = nullptr,
                   .rank = static_cast<int32_t>(t.shape.size()),
                   .dtype = static_cast<int32_t>(t.dtype),
                   .device = NASC_HOST,
                   .reserved = 0});
  return out;
}

void check_count(const Model& model, std::size_t given, int32_t expected, const char* role) {
  if (given != static_cast<std::size_t>(expected))
    throw UserError{code::bad_tensor, model.path(), text(expected, " ", role, " expected, ", given, " given")};
}

}  // namespace

Model::Model(const std::string& path) : path_(path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) throw UserError{code::no_input, path, "no such file"};
  void* library = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* reason = dlerror();
    throw UserError{code::bad_library, path, reason ? reason : "cannot be opened"};
  }
  library_ = std::shared_ptr<void>(library, dlclose);
  auto query = reinterpret_cast<nasc_model_query_fn>(dlsym(library, NASC_QUERY_SYMBOL));
  if (!query) throw UserError{code::bad_library, path, text("not a compiled model: it lacks ", NASC_QUERY_SYMBOL)};
  api_ = query(NASC_ABI_VERSION);
  if (!api_ || api_->size < sizeof(nasc_model_api) || api_->info->size < sizeof(nasc_info))
    throw UserError{code::bad_library, path, text("its interface is not version ", NASC_ABI_VERSION)};
}

struct Runner::State {
  Model model;
  RunnerOptions options;
  nasc_handle* handle = nullptr;

  ~State() { model.api().destroy(handle); }
  void check(nasc_status status) const { nasc::check(status, model, model.api().message(handle)); }
  static void traced(void* context, int32_t step, const char* name, std::int64_t nanoseconds) {
    static_cast<State*>(context)->options.trace(step, name, static_cast<double>(nanoseconds) * 1e-9);
  }
  // The extents of all outputs; inputs = nullptr for the last run.
  std::vector<std::vector<std::int64_t>> shapes(const nasc_tensor* inputs) const {
    const nasc_info& info = model.info();
    std::vector<std::vector<std::int64_t>> extents;
    std::vector<std::int64_t*> pointers;
    for (int32_t k = 0; k < info.n_outputs; ++k)
      extents.emplace_back(static_cast<std::size_t>(info.outputs[k].rank) + 1);
    for (auto& e : extents) pointers.push_back(e.data());
    pointers.push_back(nullptr);
    check(model.api().shapes(handle, inputs, pointers.data()));
    for (auto& e : extents) e.pop_back();
    return extents;
  }
};

Runner::Runner(Model model, RunnerOptions options)
    : state_(new State{.model = std::move(model), .options = std::move(options)}) {
  std::array<char, 512> message{};
  nasc_options o{};
  o.size = sizeof o;
  o.abi = NASC_ABI_VERSION;
  o.threads = state_->options.threads;
  o.message = message.data();
  o.message_size = message.size();
  if (state_->options.trace) {
    o.trace = State::traced;
    o.trace_context = state_.get();
  }
  nasc::check(state_->model.api().create(&o, &state_->handle), state_->model, message.data());
}

Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;
Runner::~Runner() = default;

const Model& Runner::model() const { return state_->model; }

std::vector<std::vector<std::int64_t>> Runner::output_shapes(const std::vector<HostTensor>& inputs) {
  check_count(model(), inputs.size(), model().info().n_inputs, "inputs");
  auto in = views(inputs);
  in.emplace_back();
  return state_->shapes(in.data());
}

std::vector<HostTensor> Runner::make_outputs(const std::vector<HostTensor>& inputs) {
  auto shapes = output_shapes(inputs);
  std::vector<HostTensor> outputs;
  for (std::size_t k = 0; k < shapes.size(); ++k)
    outputs.push_back(zeros(static_cast<DType>(model().info().outputs[k].dtype), shapes[k]));
  return outputs;
}

void Runner::run_into(const std::vector<HostTensor>& inputs, std::vector<HostTensor>& outputs) {
  const nasc_info& info = model().info();
  check_count(model(), inputs.size(), info.n_inputs, "inputs");
  check_count(model(), outputs.size(), info.n_outputs, "outputs");
  auto in = views(inputs), out = views(outputs);
  state_->check(model().api().run(state_->handle, in.data(), out.data()));
}

std::vector<HostTensor> Runner::run(const std::vector<HostTensor>& inputs) {
  std::vector<HostTensor> outputs = make_outputs(inputs);
  run_into(inputs, outputs);
  const nasc_info& info = model().info();
  if (std::any_of(info.outputs, info.outputs + info.n_outputs,
                  [](const nasc_io& io) { return io.flags & NASC_IO_DATA_DEPENDENT; })) {
    auto shapes = state_->shapes(info.n_inputs > 0 ? nullptr : views(inputs).data());
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      outputs[k].shape = shapes[k];
      outputs[k].bytes.resize(static_cast<std::size_t>(outputs[k].count() * bytes(outputs[k].dtype)));
    }
  }
  return outputs;
}

}  // namespace nasc
