// Spaces and layers that several tests use.
#pragma once

#include "polyhedral/search/builtin.h"
#include "polyhedral/search/dna.h"

namespace nasc {

inline SpaceLayer conv_layer(const std::string& name, int64_t ci, int64_t co, int64_t k,
                             int64_t index = 0) {
  return {name,
          "conv",
          {{"ci", ci},
           {"co", co},
           {"k", k},
           {"kh", k},
           {"kw", k},
           {"h", 32},
           {"w", 32},
           {"groups", 1},
           {"lanes", 8},
           {"index", index}}};
}

// Every kind of choice, conditional sub-spaces, references, a shared block and a section.
inline const char* rich_space() {
  return R"(
on conv[k=3, ci>=16] "c*" {
  neural = oneof(keep,
                 group(by=oneof(2, 4, 8)) when[ci%8=0],
                 [bottleneck(loop=co, by=2), group(by=intv(1, 4))],
                 spatial(by=2) { extra = oneof(keep, depthwise()); scale = floatv(0.5, 2, log) })
  inner schedule { by = oneof(8, 16); tile = split(loop=co, by=$by, of=$layer, ci=$ci) }
}
on conv|gemm per class { order = permute(n, h, w) }
machine { passes = manyof(*, fold, cse, math); pair = manyof(2, a, b(x=oneof(1, 2)), c, distinct, sorted)
          twice = manyof(2, [1, 2, 3]); threads = intv(1, 64, log) }
)";
}
inline std::vector<SpaceLayer> rich_layers() {
  return {conv_layer("c0", 16, 32, 3, 0), conv_layer("c1", 20, 32, 3, 1),
          conv_layer("d0", 16, 32, 3, 2), conv_layer("c2", 16, 32, 1, 3)};
}
inline Space bound(const std::string& text, const std::vector<SpaceLayer>& layers = {}) {
  return bound_space(parse_space(text, "t.space"), layers);
}

} // namespace nasc
