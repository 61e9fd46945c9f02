// Walks a schedule tree for parallel and vector loops.
#include "legality/marked_loops.h"

namespace nasc {

std::vector<MarkedLoop> marked_loops(const Schedule& schedule) {
  std::vector<MarkedLoop> out;
  schedule.tree().root().foreach_descendant_top_down([&](const isl::schedule_node& node) {
    if (!node.isa<isl::schedule_node_mark>())
      return true;
    Expected<Mark> mark = parse_mark(mark_name(node.as<isl::schedule_node_mark>()));
    NASC_CHECK(mark) << "mark of a verified schedule: " << mark.error().text;
    bool parallel = mark->has(Annotation::parallel), vector = mark->has(Annotation::vectorize);
    if (!parallel && !vector)
      return true;
    isl::schedule_node band = node.child(0);
    NASC_CHECK(band.isa<isl::schedule_node_band>()) << "loop " << mark->name << " has no band";
    isl::schedule_node below = band.child(0);
    isl::union_map time = below.prefix_schedule_union_map().intersect_domain(node_domain(band));
    out.push_back({mark->name, vector && !parallel, schedule_depth(band), time});
    return true;
  });
  return out;
}

} // namespace nasc
