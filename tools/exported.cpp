// What goes out besides the library: the rewritten model, and a plan that fits it after further
// training.
#include "frontend/export.h"
#include "frontend/lower.h"
#include "frontend/patch.h"
#include "ir/hash.h"
#include "polyhedral/neural/patch.h"
#include "tools/stages.h"

namespace nasc {

std::string exported_model(const Compilation& c) {
  if (c.graph.nodes.empty() && c.graph.values.empty())
    throw UserError(code::unsupported_op, c.options.model,
                    "a model is exported only when it was read from .onnx");
  if (c.neural_steps.empty())
    return export_onnx(c.graph);
  auto patch = graph_patch(c.lowered, c.network);
  if (!patch)
    throw UserError(code::unsupported_op, c.options.model,
                    text(patch.error().code, ": ", patch.error().text));
  return export_onnx(patched(c.graph, *patch));
}

std::string exported_plan(const Compilation& c) {
  Compilation again;
  again.options = c.options;
  again.options.plan_file.clear();
  again.options.import.dims.clear(); // they are constants of the exported model
  again.options.import.report = nullptr;
  again.options.import.warnings = nullptr;
  const ImportOptions& import = again.options.import;
  again.graph = import_graph(read_onnx(file_bytes(exported_model(c)), c.options.model, import),
                             again.instances, import);
  again.network = lower(again.graph, again.instances);
  again.lowered = again.network;
  again.decide = c.decide;
  schedule_stage(again);
  judge_stage(again);
  return text(again.plan);
}

uint64_t structure_hash(const Network& n) {
  uint64_t hash = hash_text(n.name);
  auto add = [&](const std::string& word) { hash = hash_text(word, hash); };
  for (const Buffer& b : n.buffers)
    add(text(b.name, " ", name(b.dtype), " ", name(b.role), text(b.shape), ";"));
  for (const Call& call : n.calls) {
    add(text(call.name, " ", n.programs[static_cast<size_t>(call.program)]->origin));
    for (int buffer : call.args)
      add(text(" ", buffer));
  }
  for (const std::vector<int>* list : {&n.inputs, &n.outputs})
    for (int buffer : *list)
      add(text(",", buffer));
  return hash;
}

} // namespace nasc
