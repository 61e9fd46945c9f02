// separate(layer=conv1) -- a convolution in pieces becomes one Program per piece, and one that puts them together.
//   before  call k: Y[0:c] = conv 0; Y[c:] = conv 1, loops over strips
//   after   call k: Y0 = conv 0; k+1: Y1 = conv 1; k+2: Y = Y0, Y1 side by side (rows and columns repeated)
// Refuses  no-such-layer, ambiguous-layer, not-convolution, symbolic-extent, not-constant, plain (nothing to do),
//          too-many-pieces.
// Legal    always: the same sums; each Program is a grouped convolution as the operator says it, which schedules know.
// Source   index-set splitting undone at the level of Programs.
#include <algorithm>

#include "ir/text.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/channels.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/weights.h"

namespace nasc {
namespace {

std::string plus(int64_t v) { return v ? text(v < 0 ? " - " : " + ", v < 0 ? -v : v) : ""; }
std::string times(int64_t c, const std::string& what) { return c == 1 ? what : text(c, "*", what); }

// The image's channel as a function of the output channel m and the summed one d.
std::string channel_text(const GroupedConv& c) {
  std::string out;
  auto add = [&](const std::string& term) { out += (out.empty() ? "" : " + ") + term; };
  const ConvLoop& g = c.piece.loops[0];
  if (c.groups > 1) add(times(g.at[kCi], c.rows > 1 ? text("floor(m/", c.rows, ")") : "m"));
  std::vector<const ConvLoop*> ci;
  for (const ConvLoop& l : c.piece.loops)
    if (l.at[kCi] && !l.at[kCo] && l.extent > 1) ci.push_back(&l);
  int64_t below = 1;
  std::vector<std::string> terms;
  for (size_t k = ci.size(); k-- > 0;) {  // the innermost counts fastest
    std::string value = below == 1 ? "d" : text("floor(d/", below, ")");
    if (k > 0) value = text("(", value, " - ", ci[k]->extent, "*floor(d/", below * ci[k]->extent, "))");
    terms.push_back(times(ci[k]->at[kCi], value));
    below *= ci[k]->extent;
  }
  for (size_t k = terms.size(); k-- > 0;) add(terms[k]);
  if (out.empty()) return std::to_string(c.piece.first[kCi]);
  return out + plus(c.piece.first[kCi]);
}

Program conv_program(const ConvForm& f, const GroupedConv& c) {
  std::string parameters, batch = f.batch.text(), type = name(f.dtype);
  for (const auto& p : f.batch.parameters()) parameters += (parameters.empty() ? "" : ", ") + p;
  if (!parameters.empty()) parameters = "[" + parameters + "] -> ";
  std::string places = text("0 <= n < ", batch, " and 0 <= m < ", c.extent[0], " and 0 <= o0 < ", c.extent[1],
                            " and 0 <= o1 < ", c.extent[2]);
  std::string box = "{ y1[n, m, o0, o1, d, k0, k1] : " + places +
                    text(" and 0 <= d < ", c.columns, " and 0 <= k0 < ", c.kernel[0], " and 0 <= k1 < ", c.kernel[1]);
  std::string cut, index[2];
  for (size_t d = 0; d < 2; ++d) {
    index[d] = times(c.stride[d], text("o", d)) + (c.dilation[d] == 1 ? " + " : text(" + ", c.dilation[d], "*")) +
               text("k", d) + plus(c.first[d]);
    int64_t last = c.first[d] + c.stride[d] * (c.extent[1 + d] - 1) + c.dilation[d] * (c.kernel[d] - 1);
    if (c.first[d] < 0 || last >= f.image[1 + d]) cut += text(" and 0 <= ", index[d], " < ", f.image[1 + d]);
  }
  const auto& w = c.piece.weights;
  std::ostringstream out;
  out << "program conv origin \"" << f.origin << "\" {\n"
      << "  tensor X : " << type << "[" << batch << ", " << f.image[0] << ", " << f.image[1] << ", " << f.image[2]
      << "] input\n  tensor W : " << type << "[" << w[0] << ", " << w[1] << ", " << w[2] << ", " << w[3] << "] weight\n";
  if (f.bias) out << "  tensor B : " << type << "[" << c.extent[0] << "] weight\n";
  out << "  tensor Y : " << type << "[" << batch << ", " << c.extent[0] << ", " << c.extent[1] << ", " << c.extent[2]
      << "] output\n  stmt y0 " << parameters << "{ y0[n, m, o0, o1] : " << places << " }\n    Y[n, m, o0, o1] = "
      << (f.bias ? "B[m]" : "0") << "\n  stmt y1 " << parameters << box << cut << " }\n";
  if (!cut.empty()) out << "    box " << parameters << box << " }\n";
  out << "    Y[n, m, o0, o1] += X[n, " << channel_text(c) << ", " << index[0] << ", " << index[1]
      << "] * W[m, d, k0, k1]\n}\n";
  return parse_program(out.str(), "separate");
}

// Y = the pieces at their places: a Concat along channels, with rows and columns repeated.
Program assembly_program(const ConvForm& f, const std::vector<GroupedConv>& parts) {
  std::string parameters, batch = f.batch.text(), type = name(f.dtype);
  for (const auto& p : f.batch.parameters()) parameters += (parameters.empty() ? "" : ", ") + p;
  if (!parameters.empty()) parameters = "[" + parameters + "] -> ";
  std::ostringstream out;
  out << "program concat origin \"Concat\" {\n";
  for (size_t k = 0; k < parts.size(); ++k)
    out << "  tensor X" << k << " : " << type << "[" << batch << ", " << parts[k].extent[0] << ", " << parts[k].extent[1]
        << ", " << parts[k].extent[2] << "] input\n";
  out << "  tensor Y : " << type << "[" << batch << ", " << f.out[0] << ", " << f.out[1] << ", " << f.out[2] << "] output\n";
  for (size_t k = 0; k < parts.size(); ++k) {
    const GroupedConv& c = parts[k];
    std::string s = text("y", k);
    auto source = [&](size_t d) {
      std::string i = text("i", d + 2);
      return c.repeat[d] > 1 ? text("floor(", i, "/", c.repeat[d], ")") : i;
    };
    out << "  stmt " << s << " " << parameters << "{ " << s << "[i0, i1, i2, i3] : 0 <= i0 < " << batch << " and 0 <= i1 < "
        << c.extent[0] << " and 0 <= i2 < " << c.extent[1] * c.repeat[0] << " and 0 <= i3 < "
        << c.extent[2] * c.repeat[1] << " }\n    Y[i0, i1" << plus(c.at[0]) << ", i2" << plus(c.at[1] * c.repeat[0])
        << ", i3" << plus(c.at[2] * c.repeat[1]) << "] = X" << k << "[i0, i1, " << source(0) << ", " << source(1) << "]\n";
  }
  out << "}\n";
  return parse_program(out.str(), "separate");
}

std::map<std::string, int> arguments(const Network& n, const Call& call) {
  const Program& p = *n.programs[static_cast<size_t>(call.program)];
  std::map<std::string, int> out;
  std::vector<int> bound = Network::bound(p);
  for (size_t k = 0; k < bound.size(); ++k) out[p.tensors[static_cast<size_t>(bound[k])].name] = call.args[k];
  return out;
}

int part_bias(Network& n, int bias, const GroupedConv& c, int64_t channels) {
  if (c.extent[0] == channels) return bias;
  Buffer b = n.buffers[static_cast<size_t>(bias)];
  Kept kept(static_cast<size_t>(channels));
  for (int64_t k = 0; k < c.extent[0]; ++k) kept[static_cast<size_t>(c.at[0] + k)] = true;
  b.payload = sliced(n.buffers[static_cast<size_t>(n.root(bias))].payload, {channels},
                     static_cast<size_t>(bytes(b.dtype)), 0, kept);
  b.alias_of = -1;
  b.shape[0] = c.extent[0];
  return add_constant(n, std::move(b));
}

Expected<Module> apply_separate(const Module& module, const Args& a) {
  auto found = find_layer(module.network, a.word("layer"));
  if (!found) return std::unexpected(found.error());
  size_t at = static_cast<size_t>(*found);
  const Call call = module.network.calls[at];
  const Program& old = *module.network.programs[static_cast<size_t>(call.program)];
  auto form = conv_form(old);
  if (!form) return std::unexpected(form.error());
  if (!old.statements[0].name.starts_with("init")) return refuse("plain", "it is one convolution already");
  auto parts = grouped_convs(*form);
  if (!parts) return std::unexpected(parts.error());
  Module out = module;
  Network& n = out.network;
  std::map<std::string, int> args = arguments(n, call);
  bool whole = parts->size() == 1 && (*parts)[0].repeat == std::array<int64_t, 2>{1, 1};
  std::vector<int> results;
  std::vector<Program> programs;
  std::vector<Call> calls;
  for (size_t k = 0; k < parts->size(); ++k) {
    const GroupedConv& c = (*parts)[k];
    int from = args.at(weight_name(*form, static_cast<size_t>(c.piece.source)));
    if (n.buffers[static_cast<size_t>(n.root(from))].role != Role::weight) return refuse("not-constant", "its weights");
    Buffer w = n.buffers[static_cast<size_t>(from)];
    w.payload = taken_weights(n.buffers[static_cast<size_t>(n.root(from))].payload, w.shape,
                              static_cast<size_t>(bytes(w.dtype)), c.piece);
    w.alias_of = -1;
    w.shape = shape_of({c.piece.weights.begin(), c.piece.weights.end()});
    int y = args.at("Y");
    if (!whole) {
      Buffer part;
      static_cast<Tensor&>(part) = n.buffers[static_cast<size_t>(y)];
      part.name = unused_buffer_name(n, text(part.name, "_part", k));
      part.role = Role::temp;
      for (size_t d = 0; d < 3; ++d) part.shape[1 + d] = c.extent[d];
      y = static_cast<int>(n.buffers.size());
      n.buffers.push_back(std::move(part));
    }
    results.push_back(y);
    Call one{0, {args.at("X"), add_constant(n, std::move(w))}, whole ? call.name : text(call.name, ".", k)};
    if (form->bias) one.args.push_back(part_bias(n, args.at("B"), c, form->out[0]));
    one.args.push_back(y);
    calls.push_back(std::move(one));
    programs.push_back(conv_program(*form, c));
  }
  if (!whole) {
    Call assembly{0, results, call.name};
    assembly.args.push_back(args.at("Y"));
    calls.push_back(std::move(assembly));
    programs.push_back(assembly_program(*form, *parts));
  }
  n.calls.erase(n.calls.begin() + static_cast<std::ptrdiff_t>(at));
  n.calls.insert(n.calls.begin() + static_cast<std::ptrdiff_t>(at), calls.begin(), calls.end());
  for (size_t k = 0; k < programs.size(); ++k) rebind(out, static_cast<int>(at + k), std::move(programs[k]));
  drop_unused(out);
  drop_unused_buffers(out.network);
  return out;
}

const Registered<Transformation> separate{
    {.name = "separate",
     .kind = Kind::algebraic,
     .parameters = {{Parameter::word, "layer", "name of a rewritten convolution"}},
     .doc = "Give each piece of a convolution a Program of its own.",
     .refusals = {"no-such-layer", "ambiguous-layer", "not-convolution", "symbolic-extent", "not-constant", "plain",
                  "too-many-pieces"},
     .on_kernel = nullptr,
     .on_module = apply_separate,
     .choices = nullptr}};

}  // namespace
}  // namespace nasc
