// The reference interpreter: slow, simple, the oracle of all tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/host_tensor.h"
#include "ir/points.h"
#include "ir/program.h"

namespace nasc {

// Runs the Program on row-major tensors bound by name: inputs, and weights that have no payload, must be there; outputs
// are put there (replaced). Layouts are ignored. Exactly the textual order; every operation is rounded to its type.
// Parameters come from `given` and the shapes of the inputs. Elements never written are zero. Throws UserError bad_tensor
// (missing or of another type), bad_shape, limit (more than 2e9 instances).
void interpret(const Program& program, Bindings& bindings, const ParameterValues& given = {});

// The same Program on symbolic integers: the elements of its first output when the tensors in `contents` (row-major
// elements by tensor name) have them. For shape arithmetic: at most 4096 elements a tensor, all shapes static.
// Parameters count as non-negative. nullopt when a result is no Extent (or depends on an unknown tensor).
std::optional<std::vector<Extent>> interpret_symbolic(const Program& program,
                                                      const std::map<std::string, std::vector<Extent>>& contents);

}  // namespace nasc
