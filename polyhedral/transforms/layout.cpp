// layout(buffer=conv1, dims=[0, 1, 2, 3, 1], div=[1, 8, 1, 1, 1], mod=[0, 0, 0, 0, 8], before=[0, 0, 1, 1],
//        after=[0, 0, 1, 1], pad=[0, 0, 0, 0, 0]) -- set the memory layout of one buffer of the Network.
//   before  conv1[n, c, h, w] row-major
//   after   conv1[n, c/8, h+1, w+1, c%8] with a zero border of one element
// Refuses  no-such-buffer, caller-memory, view, bad-layout, not-injective.
// Legal    always: accesses are on logical elements; a zero border lets padded products sum over their whole box.
// Source   layout rewriting of cpu-perf 7 (NCHWc); "transform_layout" of TVM.
#include <algorithm>

#include "polyhedral/memo.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/transformation.h"

namespace nasc {
namespace {

// Blocks must tile each logical dimension: sorted by divisor, each modulus times divisor is the next divisor.
bool injective(const Layout& l, int rank) {
  for (int d = 0; d < rank; ++d) {
    std::vector<LayoutDim> parts;
    for (const LayoutDim& p : l.dims)
      if (p.dim == d) parts.push_back(p);
    std::sort(parts.begin(), parts.end(), [](auto& a, auto& b) { return a.div < b.div; });
    int64_t covered = 1;
    bool open = false;
    for (const LayoutDim& p : parts) {
      if (open || p.div != covered) return false;
      if (p.mod > 0) covered *= p.mod;
      else open = true;
    }
    if (!open) return false;
  }
  return true;
}

Expected<Module> apply_layout(const Module& module, const Args& a) {
  int b = find_buffer(module.network, a.word("buffer"));
  if (b < 0) return refuse("no-such-buffer", a.word("buffer"));
  const Network& n = module.network;
  const Buffer& buffer = n.buffers[b];
  if (buffer.role == Role::input || buffer.role == Role::output ||
      std::find(n.outputs.begin(), n.outputs.end(), b) != n.outputs.end())
    return refuse("caller-memory", buffer.name + " belongs to the caller and stays row-major");
  std::vector<int> family;  // parts have the layout of the whole
  for (size_t o = 0; o < n.buffers.size(); ++o)
    if (n.root(static_cast<int>(o)) == b) family.push_back(static_cast<int>(o));
  if (buffer.alias_of >= 0 ||
      std::any_of(family.begin(), family.end(), [&](int o) { return n.buffers[o].alias_of >= 0 && !n.buffers[o].part; }))
    return refuse("view", buffer.name + " shares its memory with a view");

  std::vector<int64_t> dims = a.integers("dims"), div = a.integers("div"), mod = a.integers("mod"), zeros(buffer.rank());
  std::vector<int64_t> before = a.has("before") ? a.integers("before") : zeros, after = a.has("after") ? a.integers("after") : zeros;
  std::vector<int64_t> pad = a.has("pad") ? a.integers("pad") : std::vector<int64_t>(dims.size());
  if (div.size() != dims.size() || mod.size() != dims.size() || pad.size() != dims.size() ||
      before.size() != zeros.size() || after.size() != zeros.size() || dims.size() > 16)
    return refuse("bad-layout", "lists of different lengths");
  Layout l;
  for (size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] < 0 || dims[k] >= buffer.rank() || div[k] < 1 || mod[k] < 0 || pad[k] < 0 || pad[k] > 1 << 20)
      return refuse("bad-layout", text("entry ", k));
    l.dims.push_back({static_cast<int>(dims[k]), div[k], mod[k]});
    l.pad.push_back(pad[k]);
  }
  for (size_t d = 0; d < before.size(); ++d) {
    if (before[d] < 0 || after[d] < 0 || before[d] > 4096 || after[d] > 4096) return refuse("bad-layout", text("border of ", d));
    l.halo.emplace_back(before[d], after[d]);
  }
  if (!injective(l, buffer.rank())) return refuse("not-injective", text(l) + " maps two elements to one place");

  Module out = module;
  for (int member : family) out.network.buffers.edit(member).layout = l;
  for (int member : family) {
    const Buffer& m = out.network.buffers[member];
    if (m.part && !part_offset(out.network.buffers[m.alias_of], m, *m.part))
      return refuse("view", m.name + " would not lie in one piece");
  }
  for (int c : calls_of(n, b)) {
    ProgramRef old = out.network.programs[out.network.calls[c].program];
    std::vector<int> places;
    std::vector<int> bound = Network::bound(*old);
    for (size_t k = 0; k < bound.size(); ++k)
      if (n.root(out.network.calls[c].args[k]) == b) places.push_back(bound[k]);
    std::string how = "layout " + text(l);
    for (int place : places) how += text(" ", place);
    auto fresh = remembered({old}, how, [&]() -> Expected<Program> {
      Program p = *old;
      for (int place : places) p.tensors[place].layout = l;
      recut_domains(p);
      return p;
    });
    rebind(out, c, *fresh);
  }
  drop_unused(out);
  return out;
}

const Registered<Transformation> layout{{
    .name = "layout",
    .kind = Kind::layout,
    .parameters = {{Parameter::word, "buffer", "buffer of the Network"},
                   {Parameter::integers, "dims", "logical dimension of each physical one, outermost first"},
                   {Parameter::integers, "div", "its divisor"},
                   {Parameter::integers, "mod", "its modulus, 0 for none"},
                   {Parameter::integers, "before", "zero elements before each logical dimension", false},
                   {Parameter::integers, "after", "zero elements after each", false},
                   {Parameter::integers, "pad", "extra elements of each physical dimension", false}},
    .doc = "Set the memory layout of a buffer: blocking, permutation, zero border, padding.",
    .refusals = {"no-such-buffer", "caller-memory", "view", "bad-layout", "not-injective"},
    .on_kernel = nullptr,
    .on_module = apply_layout,
    .choices = nullptr}};

}  // namespace
}  // namespace nasc
