// Programs whose statements all begin with a loop over blocks, each of which passes through several steps: what is between
// these is local, and has places for one block.
#pragma once

namespace nasc {

inline constexpr const char* kBlockLoop = "block";  // the iterator
inline constexpr const char* kBorder = "border";    // names of statements that set what surrounds a step's results begin so

}  // namespace nasc
