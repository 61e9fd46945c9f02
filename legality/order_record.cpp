// Order queries as a file: per query a line `query ANSWER`, the Program, `schedule`, the schedule,
// `end`.
#include <fstream>
#include <memory>

#include "ir/text.h"
#include "legality/order.h"

namespace nasc {

void record_order_queries_to(const std::string& path) {
  auto out = std::make_shared<std::ofstream>(path);
  if (!*out)
    throw UserError(code::cannot_create, path, "cannot write order queries");
  record_order_queries([out](const Kernel& kernel, const Verdict& verdict) {
    *out << "query " << name(verdict.answer) << "\n"
         << print(kernel.program) << "\nschedule\n"
         << block_text(kernel.schedule.tree()) << "\nend\n"
         << std::flush;
  });
}

std::vector<OrderQuery> read_order_queries(const std::string& path) {
  std::ifstream in(path);
  if (!in)
    throw UserError(code::no_input, path, "cannot read order queries");
  std::vector<OrderQuery> out;
  std::string line;
  int number = 0;
  auto until = [&](const std::string& end) {
    std::string part;
    while (std::getline(in, line)) {
      ++number;
      if (line == end)
        return part;
      part += line + "\n";
    }
    throw UserError(code::bad_text, path + ":" + std::to_string(number), "missing `" + end + "`");
  };
  while (std::getline(in, line)) {
    ++number;
    Verdict::Answer answer = Verdict::undecided;
    for (auto a : {Verdict::yes, Verdict::no})
      if (line == std::string("query ") + name(a))
        answer = a;
    if (!line.starts_with("query "))
      throw UserError(code::bad_text, path + ":" + std::to_string(number),
                      "`query ANSWER` expected");
    Program program = parse_program(until("schedule"), path);
    out.push_back({{std::move(program), Schedule{parse_schedule(until("end"))}}, answer});
  }
  return out;
}

} // namespace nasc
