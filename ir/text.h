// The textual IR: Programs and Networks print and parse; print-parse-print is a fixpoint.
//
//   program conv origin "Conv" {
//     tensor x : f32[1, 3, 8, 8] input
//     tensor y : f32[1, 4, 8, 8] output layout [0, 1/4, 2, 3, 1%4]
//     stmt mac { mac[n, co, h, w, ci] : 0 <= n < 1 and ... }
//       box { ... }                                  only when it is not the domain
//       y[n, co, h, w] += x[n, ci, h, w] * 1.5
//   }
//   network net {
//     buffer x : f32[1, 3, 8, 8] input
//     buffer v : f32[1, 192] temp alias x
//     program ... { ... }
//     inputs [x]
//     outputs [y]
//     call 0 conv(x, y) "Conv_0"
//   }
//
// Domains and boxes are isl's notation. A constant has the type of the written tensor unless it says another: `1:i64`;
// bool is true, false. A type name called is a cast, `extent(2*N)` a value known at run time. A statement marked
// `ordered` is not reassociable. Payloads print as hash and length; `;` starts a comment outside isl's notation.
#pragma once

#include <string>

#include "ir/network.h"
#include "ir/program.h"

namespace nasc {

std::string print(const Program& program);
std::string print(const Network& network);
// Equal for Programs that compute the same in the same way, whatever their name, origin and original tensor names.
std::string canonical_text(const Program& program);

// Throw UserError bad_text or limit at FILE:LINE:COLUMN. The result verifies.
Program parse_program(const std::string& text, const std::string& file = "text");
Network parse_network(const std::string& text, const std::string& file = "text");

}  // namespace nasc
