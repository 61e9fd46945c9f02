// convert(buffer=x) -- copy a buffer at the start of its life, so that its readers may have another layout.
//   before  x is read by calls 0, 4
//   after   call 0: x_copy = x; calls 1, 5 read x_copy
// With written=1, at its end, so that its writer may have another layout: the call that wrote x writes x_copy, the next call
// copies that to x.
// Refuses  no-such-buffer, never-read, not-one-writer.
// Legal    always: the copy has the same elements.
// Source   layout conversions at the borders of cpu-perf 7 (stem of a network).
#include <algorithm>

#include "polyhedral/module_edit.h"
#include "polyhedral/transformation.h"

namespace nasc {

Program copy_program(const Tensor& from) {
  Program p;
  p.name = "copy";
  p.origin = "copy";
  Tensor x, y;
  x.name = "X";
  y.name = "Y";
  x.role = Role::input;
  y.role = Role::output;
  x.shape = y.shape = from.shape;
  x.dtype = y.dtype = from.dtype;
  x.layout = from.layout;
  std::vector<std::string> iterators;
  std::string index;
  for (int k = 0; k < from.rank(); ++k) {
    iterators.push_back(text("i", k));
    index += (k ? ", " : "") + iterators.back();
  }
  Tensor space = y;
  space.name = "S";
  space.layout.reset();
  isl::ctx c = isl_context();
  Statement s("S", iterators, extent_set(space), {"Y", isl::multi_aff(c, "{ S[" + index + "] -> Y[" + index + "] }")});
  s.reads.push_back({"X", isl::multi_aff(c, "{ S[" + index + "] -> X[" + index + "] }")});
  s.body = read(0, from.dtype);
  p.tensors = {x, y};
  p.statements.push_back(s);
  return p;
}

namespace {
// A row-major buffer of the same elements.
int add_copy(Network& n, int b) {
  Buffer copy;
  static_cast<Tensor&>(copy) = n.buffers[b];
  copy.name = unused_buffer_name(n, n.buffers[b].name + "_copy");
  copy.role = Role::temp;
  copy.payload = {};
  copy.layout.reset();
  n.buffers.push_back(copy);
  return static_cast<int>(n.buffers.size()) - 1;
}

Expected<Module> convert_written(const Module& module, int b) {
  const Network& n = module.network;
  std::vector<Place> place = places(n);
  std::vector<std::pair<size_t, size_t>> writers;  // call, argument
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Program& p = *n.programs[n.calls[c].program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[bound[k]].role == Role::output && overlap(place[n.calls[c].args[k]], place[b])) writers.emplace_back(c, k);
  }
  if (writers.size() != 1 || n.calls[writers[0].first].args[writers[0].second] != b)
    return refuse("not-one-writer", text(writers.size(), " calls write ", n.buffers[b].name, ", or parts of it"));
  auto [c, k] = writers[0];
  Module out = module;
  int from = add_copy(out.network, b);
  out.network.calls[c].args[k] = from;
  Program p = *n.programs[n.calls[c].program];
  p.tensors[Network::bound(p)[k]].layout.reset();
  rebind(out, static_cast<int>(c), std::move(p));
  out.network.calls.insert(out.network.calls.begin() + static_cast<long>(c) + 1, Call{0, {from, b}, "copy to " + n.buffers[b].name});
  Program copy = copy_program(out.network.buffers[from]);
  copy.tensor("Y").layout = n.buffers[b].layout;
  rebind(out, static_cast<int>(c) + 1, std::move(copy));
  drop_unused(out);
  return out;
}

Expected<Module> apply_convert(const Module& module, const Args& a) {
  const Network& n = module.network;
  int b = find_buffer(n, a.word("buffer"));
  if (b < 0) return refuse("no-such-buffer", a.word("buffer"));
  if (a.has("written") && a.integer("written")) return convert_written(module, b);
  int first_reader = -1, writer = -1;
  std::vector<Place> place = places(n);
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Program& p = *n.programs[n.calls[c].program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k) {
      bool writes = p.tensors[bound[k]].role == Role::output;
      if (writes && overlap(place[n.calls[c].args[k]], place[b])) writer = static_cast<int>(c);  // maybe by another name
      if (!writes && n.calls[c].args[k] == b && first_reader < 0) first_reader = static_cast<int>(c);
    }
  }
  if (first_reader < 0) return refuse("never-read", a.word("buffer"));

  Module out = module;
  const int to = add_copy(out.network, b);
  for (Call& call : out.network.calls) {
    std::vector<int> bound = Network::bound(*n.programs[call.program]);
    for (size_t k = 0; k < bound.size(); ++k)
      if (call.args[k] == b && n.programs[call.program]->tensors[bound[k]].role != Role::output) call.args[k] = to;
  }
  int at = writer + 1;
  out.network.calls.insert(out.network.calls.begin() + at, Call{0, {b, to}, "copy of " + n.buffers[b].name});
  rebind(out, at, copy_program(n.buffers[b]));
  for (int c : calls_of(out.network, to)) {  // readers now see a row-major buffer
    if (c == at) continue;
    Program p = *out.network.programs[out.network.calls[c].program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (out.network.calls[c].args[k] == to) {
        p.tensors[bound[k]].layout.reset();
        if (p.tensors[bound[k]].role == Role::weight) p.tensors[bound[k]].role = Role::input;
      }
    recut_domains(p);
    rebind(out, c, std::move(p));
  }
  drop_unused(out);
  return out;
}

const Registered<Transformation> convert{{
    .name = "convert",
    .kind = Kind::layout,
    .parameters = {{Parameter::word, "buffer", "buffer of the Network"},
                   {Parameter::integer, "written", "1: a copy is written in its place, and copied to it", false}},
    .doc = "Copy a buffer, so that its readers, or its writer, may have another layout.",
    .refusals = {"no-such-buffer", "never-read", "not-one-writer"},
    .on_kernel = nullptr,
    .on_module = apply_convert,
    .choices = nullptr}};

}  // namespace
}  // namespace nasc
