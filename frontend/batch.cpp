// Batch extents of inputs and reshapes.
#include "frontend/batch.h"

#include <cstring>
#include <optional>

namespace nasc {
namespace {
// A target [old, ...] becomes [batch, ...].
void rebatch_target(Graph& g, ValueId v, int64_t old, int64_t batch) {
  const std::optional<Constant>& target = g.value(v).constant;
  if (!target || target->dtype != DType::i64 || target->count() < 2) return;
  std::vector<int64_t> extents(static_cast<size_t>(target->count()));
  std::memcpy(extents.data(), target->payload.data, extents.size() * sizeof(int64_t));
  if (extents[0] != old) return;
  extents[0] = batch;
  g.value(v).constant->payload = payload_of(extents);
}
}  // namespace

Graph with_batch(Graph g, int64_t batch) {
  std::optional<int64_t> old;
  for (ValueId v : g.inputs) {
    Value& value = g.value(v);
    if (value.constant || !value.shape || value.shape->size() < 2) continue;
    Extent& first = (*value.shape)[0];
    if (first.is_constant()) {
      if (old && *old != first.constant())
        throw UserError(code::bad_shape, g.file, text("inputs have batches of ", *old, " and ", first.constant()));
      old = first.constant();
    }
    first = batch;
  }
  for (ValueId v : g.outputs) {
    std::optional<Shape>& shape = g.value(v).shape;
    if (shape && !shape->empty() && (!(*shape)[0].is_constant() || (old && (*shape)[0].is(*old)))) (*shape)[0] = batch;
  }
  if (!old || *old == batch) return g;
  for (const Node& node : g.nodes)
    if (node.op == "Reshape" && node.inputs.size() > 1 && node.inputs[1] >= 0) rebatch_target(g, node.inputs[1], *old, batch);
  return g;
}

}  // namespace nasc
