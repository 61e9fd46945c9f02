// Convolutions of a Module replaced by rewritten forms, with their weights.
#pragma once

#include <functional>

#include "polyhedral/neural/form.h"
#include "polyhedral/transformation.h"

namespace nasc {

// How new weights come about: elements of the given ones, by place; or normal numbers of variance 2 / fan-in, seeded
// by the layer's name.
enum class Recipe { sliced, init };

// A new constant under a name derived from its own; equal to none other.
int add_constant(Network& network, Buffer constant);
// Binds the call to the Program of `form`, whose pieces say which weights they take from the call's present ones, and
// adds those. Image and result must fit the buffers already.
void rewrite_call(Module& module, int call, const ConvForm& form, Recipe recipe = Recipe::sliced);
// Buffers that no call, view, input or output needs.
void drop_unused_buffers(Network& network);

// The convolution that `layer` names: a call's name where that is unique, else the name of its output buffer.
// Refusals: no-such-layer, ambiguous-layer.
Expected<int> find_layer(const Network& network, const std::string& layer);
std::string layer_name(const Network& network, int call);

// A rewrite of one convolution. Weights, dropped channels and their consumers follow from it. The form's pieces are
// whole before; the function changes loops and `first`, and appends or splits pieces.
using FormRewrite = std::function<Expected<ConvForm>(ConvForm, const Args&)>;
Expected<ConvForm> rewritten(const ConvForm& form, const FormRewrite& rewrite, const Args& args);
Expected<Module> rewrite_layer(const Module& module, const Args& args, const FormRewrite& rewrite);

// One neural transformation; the registry gives searches the rewrite alone.
struct NeuralStep {
  const char* name;
  std::vector<Parameter> parameters;  // beside `layer` and `weights`
  const char* doc;
  std::vector<const char*> refusals;  // beside the common ones
  bool drops_channels = false;        // may write fewer channels than before
  FormRewrite rewrite;
};
Transformation neural_transformation(const NeuralStep& step);
// The step on a form alone, without names, weights and consumers; arguments of the right types. Refuses as the
// Transformation does, but for what needs the Network.
Expected<ConvForm> apply_to_form(const ConvForm& form, const Step& step);

// The piece that the argument `piece` names; the only one when it is absent. Refusals: no-such-piece, ambiguous-piece.
Expected<size_t> piece_argument(const ConvForm& form, const Args& args);
// The loop that the argument names. Refusal: no-such-loop.
Expected<size_t> loop_argument(const ConvPiece& piece, const Args& args, const char* argument);

}  // namespace nasc
