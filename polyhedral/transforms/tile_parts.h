// The parts of the transformation `tile`: its arguments, sums in blocks, prefetches.
#pragma once

#include <algorithm>
#include <set>

#include "polyhedral/group.h"
#include "polyhedral/transformation.h"
#include "polyhedral/tree_text.h"

namespace nasc {

struct TileLoops {
  std::vector<int> dims;      // group dimension of each tile loop, outermost first
  std::vector<int64_t> sizes; // per tile loop
  int vector = -1;            // group dimension
  int64_t lanes = 1;
  int parallel = -1; // group dimension
  std::vector<int> collapse; // group dimensions whose tile loops, right inside, are divided along
  bool divided(int d) const { return d == parallel || std::count(collapse.begin(), collapse.end(), d) > 0; }
  std::vector<std::string> reduce;
  std::vector<int64_t> chunks;
  int64_t step = 1;
  bool stepped(size_t k) const { // a loop of `step` unrolled values each inside of chunk k
    return step > 1 && chunks[k] % step == 0 && chunks[k] > step;
  }
  std::vector<std::string> unroll;
  int64_t block = 0;    // values of reduce[0] summed in registers at a time; 0: all
  bool apart = false;   // blocks are summed inside each tile, their total is in registers too
  std::string prefetch; // tensor whose next block is fetched while this one is used
  std::vector<int64_t> outer; // per tile loop: its trips inside of one of a loop outermost; 0: all
  size_t inner() const; // position of the first tile loop inside the vector dimension's
  bool nested() const;  // some tiles are taken together by loops outermost
  size_t block_loop() const { // tile loops around it
    return apart ? dims.size() : nested() ? 0 : inner();
  }
  int64_t group(size_t k) const { return outer[k] * sizes[k]; } // points of loop k's outer tile
};

// Reads and checks the arguments.
Expected<TileLoops> tile_loops(const Group& group, const Args& args);

inline std::string floor_of(const std::string& e, int64_t by) {
  return by == 1 ? e : text("floor((", e, ")/", by, ")");
}
inline std::string mod_of(const std::string& e, int64_t by) { return text("(", e, ") mod ", by); }

// A sum that is kept in memory while its terms are added block by block:
//   total = init   for b { part = 0; part += terms of block b; total += part }   result = f(total)
struct BlockedSum {
  std::string sum, start, add, part;      // statements; the tensor of a block's sum
  std::vector<std::string> before, after; // statements around
  std::set<std::string> kept;             // tensors that live through in memory
  int64_t blocks = 1;
};
// Rewrites the statements of `program`; `group` describes them and gets the new ones.
Expected<BlockedSum> sum_in_blocks(Program& program, Group& group, const TileLoops& loops);

// A statement that prefetches, one instance per line and per iteration of the chunk loops; its
// iterators are those of the loops around it, by name of the loop as `tile` marks it, then its own.
struct Prefetch {
  std::string statement;
  std::vector<std::pair<std::string, std::string>> loops; // its own, to be unrolled: mark, iterator
  enum class At { chunk, steps, step } at = At::chunk; // each chunk of the sum, each `step` values of one, or each value
};
Expected<Prefetch> add_prefetch(Program& program, const Group& group, const TileLoops& loops);
// Name of the iterator of a prefetch for tile loop k and the one around it, reduction loop k, and the block loop.
std::string outer_iterator(size_t k);
std::string tile_iterator(size_t k);
std::string reduce_iterator(size_t k);
inline constexpr const char *kStepsIterator = "q", *kStepIterator = "w"; // inside of the first reduction loop's chunk
inline constexpr const char* kBlockIterator = "b";

} // namespace nasc
