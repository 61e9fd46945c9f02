// Reverse mode: the adjoint of a Program is a Program, and that of a Network more calls in it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/append.h"

namespace nasc {

// The Program that gives the adjoints of `wanted` (inputs, weights) from those of `given` (outputs): each statement
// becomes, in reverse order, one statement per read over the same domain, with the accesses swapped. Its bound tensors
// are the values of `p` that it reads, under their names, and the adjoint of tensor x as `d_x`: those of `given` as
// inputs, those of `wanted` as outputs. Temps of `p` that it reads are computed again. A maximum goes to the first
// point, in the order of the domain, that attains it. Outputs of `p` that are not in `given` have adjoint zero.
// Throws UserError unsupported_op for a product over a loop, a statement that reads what it writes, an element
// written twice, and functions without derivative; unsupported_shape for symbolic extents.
Program adjoint(const Program& p, const std::vector<std::string>& wanted, const std::vector<std::string>& given);
inline std::string adjoint_name(const std::string& tensor) { return "d_" + tensor; }

// Appends calls that give d of / d w for each buffer w of `wanted`; returns the buffers that hold them, of the shape of w,
// -1 where `of` does not depend on w. `seed` is a buffer with the adjoint of `of` (of its shape). Adjoints of Programs are
// remembered by the thread. Buffers are static; views are handled. Where a value in `again` is read, it is computed again,
// by a copy of that call, whose last argument it is: a value that is cheap need not be held until then.
std::vector<int> add_adjoints(Appender& network, int of, int seed, const std::vector<int>& wanted,
                              const std::map<int, Call>& again = {});

}  // namespace nasc
