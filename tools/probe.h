// What one thread of this machine can do, measured when asked: best of several short runs.
#pragma once

namespace nasc {

double peak_flops();    // floating-point operations per second of multiply-adds on registers alone
// The same of a register tile whose operands come from the first cache, as every product's do: processors that clock down
// under reads of wide vectors do not reach the other one. 0: not known of this instruction set.
double reading_flops();
double peak_bytes();    // bytes per second read from memory

} // namespace nasc
