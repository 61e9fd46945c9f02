// Runs emitted kernels on row-major tensors.
#pragma once

#include "codegen/jit.h"
#include "ir/host_tensor.h"
#include "ir/points.h"

namespace nasc::test {

// Bytes laid out as the tensor says, 64-byte aligned, zero elsewhere; and back.
std::vector<std::byte> to_storage(const Tensor& tensor, const HostTensor& value);
HostTensor from_storage(const Tensor& tensor, const std::vector<int64_t>& shape, const std::byte* bytes);

// Emits for this machine (nest: instead of the schedule), runs with every tid of nt, puts the outputs into `bindings`.
KernelObject run_kernel(const Kernel& kernel, Bindings& bindings, const ParameterValues& given = {}, int nt = 1,
                        std::optional<NestRef> nest = {});

// Random contents for inputs and weights without payload.
Bindings random_bindings(const Program& program, uint64_t seed, const ParameterValues& given = {});
// Largest |a - b| / max(1, |b|); NaN in both counts as equal.
double difference(const HostTensor& a, const HostTensor& b);
// Runs the kernel and the interpreter on random data and returns the largest difference over the outputs.
double check_kernel(const Kernel& kernel, const ParameterValues& given = {}, int nt = 1, std::optional<NestRef> nest = {});

}  // namespace nasc::test
