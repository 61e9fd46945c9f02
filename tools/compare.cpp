// One pass over the elements as doubles; wide integers bit by bit.
#include "tools/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ir/diag.h"

namespace nasc {
namespace {

// Distance between neighbours of this type at `value`.
double unit(DType type, double value) {
  int digits = type == DType::f16 ? 11 : type == DType::f32 ? 24 : 53;
  int smallest = type == DType::f16 ? -24 : type == DType::f32 ? -149 : -1074;
  int exponent;
  std::frexp(value, &exponent);
  return std::ldexp(1.0, std::max(exponent - digits, smallest));
}

double root_mean_square(const HostTensor& t) {
  double sum = 0;
  int64_t n = 0;
  for (int64_t i = 0; i < t.count(); ++i) {
    double v = get(t, i);
    if (std::isfinite(v))
      sum += v * v, ++n;
  }
  return n ? std::sqrt(sum / static_cast<double>(n)) : 0;
}

std::string position(int64_t flat, const std::vector<int64_t>& shape) {
  std::string out;
  for (size_t d = shape.size(); d-- > 0; flat /= std::max<int64_t>(shape[d], 1))
    out = text(flat % std::max<int64_t>(shape[d], 1), out.empty() ? "" : ", ", out);
  return "[" + out + "]";
}

std::string shown(const std::vector<int64_t>& shape) {
  std::string out;
  for (int64_t e : shape)
    out += (out.empty() ? "" : ", ") + std::to_string(e);
  return "[" + out + "]";
}

} // namespace

Difference compare(const HostTensor& y, const HostTensor& r, const Tolerance& tolerance) {
  Difference d;
  d.count = r.count();
  if (y.dtype != r.dtype || y.shape != r.shape) {
    d.equal = false;
    d.wrong = d.count;
    d.why = text("is ", name(y.dtype), shown(y.shape), ", the reference ", name(r.dtype),
                 shown(r.shape));
    return d;
  }
  bool real = is_float(r.dtype);
  size_t size = static_cast<size_t>(bytes(r.dtype));
  double rtol = r.dtype == DType::f16 ? std::max(tolerance.rtol, std::ldexp(2, -11))
                                      : tolerance.rtol; // two units of half precision
  double atol =
      tolerance.atol * (real && tolerance.by_size ? std::max(1.0, root_mean_square(r)) : 1);
  double off_squares = 0, squares = 0;
  for (int64_t i = 0; i < d.count; ++i) {
    if (double v = get(r, i); std::isfinite(v))
      squares += v * v;
    if (std::memcmp(y.bytes.data() + i * static_cast<int64_t>(size),
                    r.bytes.data() + i * static_cast<int64_t>(size), size) == 0)
      continue;
    double a = get(y, i), b = get(r, i);
    bool fits = false;
    if (real && (std::isnan(a) || std::isnan(b) || std::isinf(a) || std::isinf(b))) {
      fits = (std::isnan(a) && std::isnan(b)) || a == b;
      if (!fits)
        d.max_absolute = d.max_relative = d.max_ulp = std::numeric_limits<double>::infinity();
    } else {
      double off = std::fabs(a - b);
      fits = real && off <= rtol * std::fabs(b) + atol;
      d.max_absolute = std::max(d.max_absolute, off);
      off_squares += off * off;
      if (off > 0)
        d.max_relative = std::max(d.max_relative, b != 0 ? off / std::fabs(b)
                                                         : std::numeric_limits<double>::infinity());
      if (real)
        d.max_ulp = std::max(d.max_ulp, off / unit(r.dtype, b));
    }
    if (fits)
      continue;
    d.equal = false;
    std::ostringstream why;
    why.precision(9);
    why << "at " << position(i, r.shape) << ": " << a << ", the reference has " << b;
    if (d.wrong++ == 0)
      d.why = why.str();
  }
  d.relative_rms = off_squares > 0 ? std::sqrt(off_squares / squares) : 0;
  return d;
}

} // namespace nasc
