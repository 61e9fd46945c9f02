// The loops of row_kernels.cpp, which includes this text once per instruction set: it has no guard. Private to ir.

template <class T, class F>
void each1(const void* const* args, void* out, int n, F f) {
  auto a = static_cast<const T*>(args[0]);
  auto r = static_cast<T*>(out);
  for (int i = 0; i < n; ++i) r[i] = f(a[i]);
}
template <class T, class R, class F>
void each2(const void* const* args, void* out, int n, F f) {
  auto a = static_cast<const T*>(args[0]), b = static_cast<const T*>(args[1]);
  auto r = static_cast<R*>(out);
  for (int i = 0; i < n; ++i) r[i] = f(a[i], b[i]);
}

template <class T>
RowKernel find(Fn fn) {
  using A = const void* const*;
  struct Row {
    Fn fn;
    RowKernel kernel;
  };
  static constexpr Row kRows[] = {
      {Fn::add, [](A a, void* r, int n) { each2<T, T>(a, r, n, [](T x, T y) { return x + y; }); }},
      {Fn::sub, [](A a, void* r, int n) { each2<T, T>(a, r, n, [](T x, T y) { return x - y; }); }},
      {Fn::mul, [](A a, void* r, int n) { each2<T, T>(a, r, n, [](T x, T y) { return x * y; }); }},
      {Fn::div, [](A a, void* r, int n) { each2<T, T>(a, r, n, [](T x, T y) { return x / y; }); }},
      {Fn::max, [](A a, void* r, int n) { each2<T, T>(a, r, n, [](T x, T y) { return x != x || x > y ? x : y != y ? y : x < y ? y : x; }); }},
      {Fn::min, [](A a, void* r, int n) { each2<T, T>(a, r, n, [](T x, T y) { return x != x || x < y ? x : y != y ? y : x > y ? y : x; }); }},
      {Fn::neg, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return -x; }); }},
      {Fn::abs, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return std::fabs(x); }); }},
      {Fn::sqrt, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return std::sqrt(x); }); }},
      {Fn::exp, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return std::exp(x); }); }},
      {Fn::log, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return std::log(x); }); }},
      {Fn::tanh, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return std::tanh(x); }); }},
      {Fn::erf, [](A a, void* r, int n) { each1<T>(a, r, n, [](T x) { return std::erf(x); }); }},
      {Fn::eq, [](A a, void* r, int n) { each2<T, int64_t>(a, r, n, [](T x, T y) { return x == y; }); }},
      {Fn::ne, [](A a, void* r, int n) { each2<T, int64_t>(a, r, n, [](T x, T y) { return x != y; }); }},
      {Fn::lt, [](A a, void* r, int n) { each2<T, int64_t>(a, r, n, [](T x, T y) { return x < y; }); }},
      {Fn::le, [](A a, void* r, int n) { each2<T, int64_t>(a, r, n, [](T x, T y) { return x <= y; }); }},
      {Fn::gt, [](A a, void* r, int n) { each2<T, int64_t>(a, r, n, [](T x, T y) { return x > y; }); }},
      {Fn::ge, [](A a, void* r, int n) { each2<T, int64_t>(a, r, n, [](T x, T y) { return x >= y; }); }},
      {Fn::select,
       [](A a, void* r, int n) {
         auto c = static_cast<const int64_t*>(a[0]);
         each2<T, T>(a + 1, r, n, [c](T x, T y) mutable { return *c++ ? x : y; });
       }},
  };
  for (const Row& row : kRows)
    if (row.fn == fn) return row.kernel;
  return nullptr;
}

constexpr int kSums = 16;  // independent partial sums
inline float sum_row(const float* from, int n) {
  float sums[kSums] = {};
  int i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; ++k) sums[k] += from[i + k];
  float rest = 0;
  for (; i < n; ++i) rest += from[i];
  for (float s : sums) rest += s;
  return rest;
}
inline void add_row(float* to, const float* from, int n) {
  for (int i = 0; i < n; ++i) to[i] += from[i];
}
inline RowKernel find_any(Fn fn, DType operands) {
  if (operands == DType::f32) return find<float>(fn);
  return operands == DType::f64 ? find<double>(fn) : nullptr;
}
inline constexpr RowSums kRowSums = {sum_row, add_row};
