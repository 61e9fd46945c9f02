// Batch normalization in train mode, the loss, and what is measured, as definitions.
#include "legality/scoring_programs.h"

#include <map>

#include "ir/append.h"
#include "ir/einsum.h"

namespace nasc {
namespace {
struct Definition {
  const char* name;
  const char* text;
};
constexpr Definition kDefinitions[] = {
    {"norm", R"(
  in X[N, C, I..]: f32
  out Y[N, C, I..]: f32, M[C]: f32, R[C]: f32
  tmp V[C]: f32
  let share = 1/real(N*product(I))
  M[c] = 0
  M[c] += X[n, c, i..] * share
  V[c] = 0
  V[c] += (X[n, c, i..] - M[c]) * (X[n, c, i] - M[c]) * share
  R[c] = 1/sqrt(V[c] + 1e-5)
  Y[n, c, i..] = (X[n, c, i] - M[c]) * R[c]
)"},
    {"norm-again", R"(
  in X[N, C, I..]: f32, M[C]: f32, R[C]: f32
  out Y[N, C, I..]: f32
  Y[n, c, i..] = (X[n, c, i] - M[c]) * R[c]
)"},
    {"cross-entropy", R"(
  in Z[N, K]: f32, T[N, K]: f32
  out L[1]: f32
  tmp M[N]: f32, E[N]: f32
  M[n] = lowest(f32)
  M[n] max= Z[n, k]
  E[n] = 0
  E[n] += exp(Z[n, k] - M[n])
  L[j] = 0
  L[j] += T[n, k] * (log(E[n]) + M[n] - Z[n, k]) * (1/real(N)) for n in N, k in K
)"},
    {"fisher", R"(
  in A[N, C, I..]: f32, G[N, C, I..]: f32
  out D[C]: f32
  tmp S[N, C]: f32
  S[n, c] = 0
  S[n, c] += A[n, c, i..] * G[n, c, i]
  D[c] = 0
  D[c] += S[n, c] * S[n, c] * (real(N)/2)
)"},
    {"flow", R"(
  in A[N, C, I..]: f32, G[N, C, I..]: f32
  out D[C]: f32
  D[c] = 0
  D[c] += A[n, c, i..] * G[n, c, i] for n in N, c in C, i.. in I
)"},
    {"codes", R"(
  in X[N, C, I..]: f32
  out K[N, N]: f32
  tmp B[N, C, I..]: f32
  B[n, c, i..] = cast(f32, X[n, c, i] > 0)
  K[n, m] = 0
  K[n, m] += B[n, c, i..] * B[m, c, i]
)"},
};
}  // namespace

std::shared_ptr<const Program> scoring_program(const char* name, const std::vector<Shape>& inputs, size_t outputs) {
  thread_local std::map<std::string, std::shared_ptr<const Program>> known;
  std::string key = name;
  for (const Shape& s : inputs) key += " " + text(s);
  std::shared_ptr<const Program>& p = known[key];
  if (p) return p;
  for (const Definition& d : kDefinitions) {
    if (std::string_view(d.name) != name) continue;
    EinsumCall call;
    call.name = "score_";
    for (char c : std::string(name)) call.name += c == '-' ? '_' : c;
    for (const Shape& s : inputs) call.inputs.push_back(EinsumInput{s, DType::f32, "score"});
    call.outputs.assign(outputs, true);
    std::optional<Program> program = apply_einsum(*parse_einsum(d.text), call).program;
    NASC_CHECK(program) << "scoring program " << name;
    Program made = std::move(*program);
    made.origin = std::string("score ") + name;
    return p = interned(made);
  }
  throw InternalError(text("no scoring program ", name));
}

}  // namespace nasc
