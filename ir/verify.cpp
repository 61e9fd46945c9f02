// verify(): the invariants of a Program.
#include <algorithm>
#include <cctype>
#include <set>

#include "ir/program.h"

namespace nasc {
namespace {
bool identifier(const std::string& s) {
  return !s.empty() && !std::isdigit(static_cast<unsigned char>(s[0])) &&
         std::all_of(s.begin(), s.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

void verify_access(const Program& p, const Statement& s, const Access& a) {
  const Tensor* t = p.find_tensor(a.tensor);
  NASC_CHECK(t) << p.name << "." << s.name << " names unknown tensor " << a.tensor;
  isl::map m = a.map.as_map().intersect_domain(s.domain);
  NASC_CHECK(range_name(a.map.as_map()) == a.tensor) << p.name << "." << s.name << ": access goes to another tuple";
  NASC_CHECK(domain_name(a.map.as_map()) == s.name) << p.name << "." << s.name << ": access of another statement";
  NASC_CHECK(static_cast<int>(a.map.size()) == t->rank()) << p.name << "." << s.name << ": rank of " << a.tensor;
  NASC_CHECK(m.range().is_subset(storage_set(*t)))
      << p.name << "." << s.name << " leaves " << a.tensor << " " << text(t->shape) << ": "
      << m.range().subtract(storage_set(*t));
}
}  // namespace

void verify(const Program& p) {
  std::set<std::string> names, written;
  for (const auto& t : p.tensors) {
    NASC_CHECK(identifier(t.name) && names.insert(t.name).second) << p.name << ": tensor name " << t.name;
    if (t.role == Role::input || t.role == Role::weight) written.insert(t.name);
  }
  for (const auto& s : p.statements) {
    NASC_CHECK(identifier(s.name) && names.insert(s.name).second) << p.name << ": statement name " << s.name;
    NASC_CHECK(tuple_name(s.domain) == s.name) << p.name << "." << s.name << ": domain of another statement";
    NASC_CHECK(dims(s.domain) == static_cast<int>(s.iterators.size())) << p.name << "." << s.name << ": iterators";
    verify_access(p, s, s.write);
    for (const auto& r : s.reads) {
      verify_access(p, s, r);
      NASC_CHECK(written.count(r.tensor) || r.tensor == s.write.tensor)
          << p.name << "." << s.name << " reads " << r.tensor << " before it is written";
    }
    NASC_CHECK(p.tensor(s.write.tensor).role != Role::input && p.tensor(s.write.tensor).role != Role::weight)
        << p.name << "." << s.name << " writes " << s.write.tensor;
    NASC_CHECK(!s.is_reduction() || written.count(s.write.tensor))
        << p.name << "." << s.name << " combines into " << s.write.tensor << " before it is written";
    written.insert(s.write.tensor);
    NASC_CHECK(s.body && s.body->dtype == p.tensor(s.write.tensor).dtype)
        << p.name << "." << s.name << ": type of the body";
    visit(s.body, [&](const Expr& e) {
      if (e.fn == Fn::read)
        NASC_CHECK(e.index >= 0 && e.index < static_cast<int>(s.reads.size()) &&
                   e.dtype == p.tensor(s.reads[e.index].tensor).dtype)
            << p.name << "." << s.name << ": read " << e.index;
      if (e.fn == Fn::iterator)
        NASC_CHECK(e.index >= 0 && e.index < static_cast<int>(s.iterators.size()))
            << p.name << "." << s.name << ": iterator " << e.index;
    });
  }
}

}  // namespace nasc
