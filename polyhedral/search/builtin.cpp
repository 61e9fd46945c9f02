// The embedded files of spaces/.
#include "polyhedral/search/builtin.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace nasc {
extern const unsigned char embedded_space_nas_pte[], embedded_space_nasbench_macro[],
    embedded_space_nats_sss[], embedded_space_nats_tss[], embedded_space_schedule[];
extern const unsigned embedded_space_nas_pte_size, embedded_space_nasbench_macro_size,
    embedded_space_nats_sss_size, embedded_space_nats_tss_size, embedded_space_schedule_size;

namespace {
std::string_view view(const unsigned char* bytes, unsigned size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
} // namespace

const std::vector<BuiltinSpace>& builtin_spaces() {
  static const std::vector<BuiltinSpace> all = {
      {"nas-pte", "neural transformations of each convolution, as in NAS-PTE",
       view(embedded_space_nas_pte, embedded_space_nas_pte_size)},
      {"nasbench-macro", "NAS-Bench-Macro: eight layers of a MobileNetV2-like network",
       view(embedded_space_nasbench_macro, embedded_space_nasbench_macro_size)},
      {"nats-sss", "NATS-Bench: channels of five stages",
       view(embedded_space_nats_sss, embedded_space_nats_sss_size)},
      {"nats-tss", "NATS-Bench: six edges of a cell",
       view(embedded_space_nats_tss, embedded_space_nats_tss_size)},
      {"schedule", "loop tiles and algorithms of each convolution; the function stays",
       view(embedded_space_schedule, embedded_space_schedule_size)},
  };
  return all;
}

SpaceText load_space(const std::string& given) {
  const std::string prefix = "builtin:";
  bool builtin = given.starts_with(prefix);
  std::string name = builtin ? given.substr(prefix.size()) : given;
  std::vector<std::string> names;
  for (const BuiltinSpace& s : builtin_spaces()) {
    names.emplace_back(s.name);
    if (name == s.name)
      return parse_space(std::string(s.text), prefix + name);
  }
  if (builtin) {
    std::string near = nearest(name, names);
    throw UserError(code::usage, "--space",
                    text("no builtin space ", escaped(name),
                         near.empty() ? "" : "; did you mean " + near + "?"));
  }
  std::ifstream in(given, std::ios::binary);
  if (!in)
    throw UserError(code::no_input, given, "cannot read this space");
  std::ostringstream all;
  all << in.rdbuf();
  return parse_space(all.str(), given);
}

} // namespace nasc
