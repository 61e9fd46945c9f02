// Editing a Module: programs replaced call by call, equal ones kept shared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "polyhedral/module.h"

namespace nasc {

// Binds `call` to `program` (its textual schedule when no equal Program exists yet). Programs no longer called stay until
// drop_unused.
void rebind(Module& module, int call, Program program);
void rebind(Module& module, int call, std::shared_ptr<const Program> program);
// Removes programs without calls and gives the rest unique names: later programs number theirs.
void drop_unused(Module& module);
// Calls that bind a buffer with the same memory as `buffer` (views included).
std::vector<int> calls_of(const Network& network, int buffer);
// Y = X, two tensors of the shape and type of `from`; X has its layout.
Program copy_program(const Tensor& from);
// dimension d of what the Program copies is its result's order[d]; nullopt: it does more, or has layouts.
std::optional<std::vector<int>> permutation(const Program& program);
int find_buffer(const Network& network, const std::string& name);  // -1 when there is none
// `wanted`, or with the first number after it that is no buffer's name.
std::string unused_buffer_name(const Network& network, const std::string& wanted);

// The Program with tensors and statements renamed (old -> new; others keep their names).
Program with_names(Program program, const std::map<std::string, std::string>& names);
// Domains recomputed from the boxes: points whose reads leave the storage of a tensor are dropped; in products that are
// summed, reads of a zero halo stay.
void recut_domains(Program& program);

}  // namespace nasc
