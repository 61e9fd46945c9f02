// Forms put back into a Module.
#include "polyhedral/neural/edit.h"

#include <algorithm>
#include <set>

#include "polyhedral/module_edit.h"
#include "polyhedral/neural/channels.h"
#include "polyhedral/neural/weights.h"

namespace nasc {
namespace {

struct Operands {
  int image = -1, bias = -1, out = -1;
  std::vector<int> weights;  // per piece
};

Operands operands_of(const Network& n, const Call& call) {
  const Program& p = *n.programs[static_cast<size_t>(call.program)];
  std::vector<int> bound = Network::bound(p);
  auto buffer = [&](const std::string& tensor) {
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[static_cast<size_t>(bound[k])].name == tensor) return call.args[k];
    return -1;
  };
  Operands out;
  for (size_t k = 0; k < bound.size(); ++k)
    if (p.tensors[static_cast<size_t>(bound[k])].role == Role::output) out.out = call.args[k];
  for (const Statement& s : p.statements) {
    if (s.is_reduction()) {
      out.image = buffer(s.reads[0].tensor);
      out.weights.push_back(buffer(s.reads[1].tensor));
    } else if (s.reads.size() == 1 && s.reads[0].map.size() == 1) {
      out.bias = buffer(s.reads[0].tensor);
    }
  }
  return out;
}

bool takes_whole(const ConvPiece& p, const Shape& of) {
  for (size_t d = 0; d < 4; ++d)
    if (!of[d].is(p.weights[d]) || (!p.taken.empty() && p.taken_first[d])) return false;
  for (size_t k = 0; k < p.taken.size(); ++k)
    for (size_t d = 0; d < 4; ++d)
      if (p.loops[k].extent > 1 && p.taken[k][d] != p.loops[k].at[kRow + d]) return false;
  return true;
}

// Without the number of an earlier rewrite.
std::string stem(const std::string& name) {
  size_t at = name.rfind("_n");
  bool number = at != std::string::npos && at + 2 < name.size() &&
                name.find_first_not_of("0123456789", at + 2) == std::string::npos;
  return number ? name.substr(0, at) : name;
}
}  // namespace

int add_constant(Network& n, Buffer b) {
  std::string base = stem(b.name);
  std::set<std::string> taken;
  for (const Buffer& other : n.buffers) taken.insert(other.name);
  int k = 0;
  do b.name = text(base, "_n", k++);
  while (taken.count(b.name));
  n.buffers.push_back(std::move(b));
  return static_cast<int>(n.buffers.size()) - 1;
}

void rewrite_call(Module& m, int c, const ConvForm& form, Recipe recipe) {
  Network& n = m.network;
  Operands old = operands_of(n, n.calls[static_cast<size_t>(c)]);
  std::map<std::string, int> made = {{"X", old.image}, {"Y", old.out}};
  if (form.bias) {
    made["B"] = old.bias;
    if (!form.kept.empty()) {
      Buffer b = n.buffers[static_cast<size_t>(old.bias)];
      Kept kept(static_cast<size_t>(b.shape[0].constant()));
      for (int64_t k : form.kept) kept[static_cast<size_t>(k)] = true;
      b.payload = sliced(n.buffers[static_cast<size_t>(n.root(old.bias))].payload, constants(b.shape),
                         static_cast<size_t>(bytes(b.dtype)), 0, kept);
      b.alias_of = -1;
      b.shape[0] = static_cast<int64_t>(form.kept.size());
      made["B"] = add_constant(n, std::move(b));
    }
  }
  std::set<int> used;
  for (size_t k = 0; k < form.pieces.size(); ++k) {
    const ConvPiece& piece = form.pieces[k];
    int from = old.weights.at(static_cast<size_t>(piece.source));
    Buffer b = n.buffers[static_cast<size_t>(from)];
    // Pieces have weights of their own even where they begin equal.
    if (recipe == Recipe::sliced && takes_whole(piece, b.shape) && used.insert(from).second) {
      made[weight_name(form, k)] = from;
      continue;
    }
    Payload source = n.buffers[static_cast<size_t>(n.root(from))].payload;
    std::string seed = text(n.calls[static_cast<size_t>(c)].name, ":", k);
    b.payload = recipe == Recipe::init ? drawn_weights(b.dtype, piece.weights, seed)
                                       : taken_weights(source, b.shape, static_cast<size_t>(bytes(b.dtype)), piece);
    b.alias_of = -1;
    b.shape = shape_of({piece.weights.begin(), piece.weights.end()});
    made[weight_name(form, k)] = add_constant(n, std::move(b));
  }
  Program p = program_of(form);
  std::vector<int> args;
  for (int k : Network::bound(p)) args.push_back(made.at(p.tensors[static_cast<size_t>(k)].name));
  n.calls[static_cast<size_t>(c)].args = args;
  rebind(m, c, std::move(p));
}

void drop_unused_buffers(Network& n) {
  std::vector<bool> used(n.buffers.size());
  auto use = [&](int b) {
    for (; b >= 0 && !used[static_cast<size_t>(b)]; b = n.buffers[static_cast<size_t>(b)].alias_of)
      used[static_cast<size_t>(b)] = true;
  };
  for (int b : n.inputs) use(b);
  for (int b : n.outputs) use(b);
  for (const Call& c : n.calls)
    for (int b : c.args) use(b);
  std::vector<int> place(n.buffers.size(), -1);
  size_t to = 0;
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    if (!used[b]) continue;
    place[b] = static_cast<int>(to);
    if (to != b) n.buffers.move(b, to);
    ++to;
  }
  n.buffers.shrink(to);
  auto move = [&](int& b) {
    if (b >= 0) b = place[static_cast<size_t>(b)];
  };
  for (size_t b = 0; b < n.buffers.size(); ++b)
    if (int of = n.buffers[b].alias_of; of >= 0 && place[static_cast<size_t>(of)] != of) move(n.buffers.edit(b).alias_of);
  for (int& b : n.inputs) move(b);
  for (int& b : n.outputs) move(b);
  for (Call& c : n.calls)
    for (int& b : c.args) move(b);
}

Expected<int> find_layer(const Network& n, const std::string& layer) {
  std::vector<int> found;
  std::vector<std::string> names;
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Call& call = n.calls[c];
    names.push_back(call.name);
    if (call.name == layer) found.push_back(static_cast<int>(c));
  }
  if (found.empty())
    for (size_t c = 0; c < n.calls.size(); ++c)
      if (!n.calls[c].args.empty() && n.buffers[static_cast<size_t>(n.calls[c].args.back())].name == layer)
        found.push_back(static_cast<int>(c));
  if (found.size() == 1) return found[0];
  if (found.size() > 1) return refuse("ambiguous-layer", text(found.size(), " calls are named ", layer));
  std::string near = nearest(layer, names);
  return refuse("no-such-layer", "no layer " + layer + (near.empty() ? "" : ", did you mean " + near + "?"));
}

std::string layer_name(const Network& n, int call) {
  const Call& c = n.calls[static_cast<size_t>(call)];
  auto named = std::count_if(n.calls.begin(), n.calls.end(), [&](const Call& o) { return o.name == c.name; });
  return named == 1 || c.args.empty() ? c.name : n.buffers[static_cast<size_t>(c.args.back())].name;
}

Expected<Module> rewrite_layer(const Module& module, const Args& args, const FormRewrite& rewrite) {
  const Network& n = module.network;
  auto call = find_layer(n, args.word("layer"));
  if (!call) return std::unexpected(call.error());
  std::string recipe = args.has("weights") ? args.word("weights") : "sliced";
  if (recipe != "sliced" && recipe != "init") return refuse("bad-recipe", recipe + "; sliced and init are known");
  auto form = conv_form(*n.programs[static_cast<size_t>(n.calls[static_cast<size_t>(*call)].program)]);
  if (!form) return std::unexpected(form.error());
  for (int w : operands_of(n, n.calls[static_cast<size_t>(*call)]).weights)
    if (w < 0 || n.buffers[static_cast<size_t>(n.root(w))].role != Role::weight ||
        !is_row_major(n.buffers[static_cast<size_t>(w)]))
      return refuse("not-constant", "the weights of " + args.word("layer") + " are no row-major constant");
  auto next = rewritten(*form, rewrite, args);
  if (!next) return std::unexpected(next.error());
  Module out = module;
  if (!next->kept.empty()) {
    Kept kept(static_cast<size_t>(form->out[0]));
    for (int64_t k : next->kept) kept[static_cast<size_t>(k)] = true;
    auto cut = cut_channels(n, *call, kept);
    if (!cut) return std::unexpected(cut.error());
    apply_cut(out, *cut);
  }
  rewrite_call(out, *call, *next, recipe == "init" ? Recipe::init : Recipe::sliced);
  drop_unused(out);
  drop_unused_buffers(out.network);
  return out;
}

}  // namespace nasc
