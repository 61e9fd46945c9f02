// Programs that were made of the same Programs in the same way, made once per thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

using ProgramRef = std::shared_ptr<const Program>;

// make(), or what it gave before for the same objects and text. A network repeats its layers, and equal layers share
// one Program: rewriting them all costs one rewrite. Refusals are remembered, too; what is thrown is not.
Expected<ProgramRef> remembered(const std::vector<ProgramRef>& from, const std::string& how,
                                const std::function<Expected<Program>()>& make);

// verify(program), once per object and thread.
void verify_once(const ProgramRef& program);

}  // namespace nasc
