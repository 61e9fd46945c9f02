// Edits of loop trees that several transformations share.
#pragma once

#include "polyhedral/loop_tree.h"
#include "polyhedral/transformation.h"

namespace nasc {

// Refuses `name-taken` when a loop around or below the path has the name (the loop itself apart).
Expected<void> check_free(const TreePath& path, const std::string& name);
// { S[i..] : first <= band value < last } per statement; an absent bound is none.
Filter band_part(const Band& band, std::optional<int64_t> first, std::optional<int64_t> last);
// The loop at `path` as a sequence of loops over its values below and from each cut, in order; f sees each part
// and may rewrite it. Parts without instances are dropped.
LoopTreeRef partitioned(const isl::union_set& domain, const TreePath& path, const std::vector<int64_t>& cuts,
                        const std::function<LoopTreeRef(size_t part, const LoopTreeRef&)>& f);
// The values shifted by a constant.
Band shifted(const Band& band, int64_t by);
Band floor_divided(const Band& band, int64_t by);
Band modulo(const Band& band, int64_t by);
Kernel with_tree(const Kernel& kernel, const LoopTreeRef& tree);
// Kernel with edit_loops applied to its tree.
Expected<Kernel> edit_kernel(const Kernel& kernel, const std::string& loop,
                             const std::function<Expected<LoopTreeRef>(const TreePath&)>& f);
// Adds an annotation to the loops at `address` after `check`.
Expected<Kernel> annotate(const Kernel& kernel, const std::string& address, Annotation annotation,
                          const std::function<Expected<LoopTreeRef>(const TreePath&)>& check);
// Is some loop strictly around (below) annotated?
bool annotated_around(const TreePath& path, Annotation annotation);
bool annotated_below(const LoopTreeRef& node, Annotation annotation);

// `wanted`, or with the first number after it that makes it no tensor's and no statement's name.
std::string unused_name(const Program& program, const std::string& wanted);

// One step per loop of the kernel.
std::vector<Step> step_per_loop(const Kernel& kernel, const std::string& name,
                                const std::map<std::string, ArgValue>& args = {});

}  // namespace nasc
