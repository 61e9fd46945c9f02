// The table of networks: each is a family and its sizes.
#include "test/zoo/zoo.h"

#include "ir/diag.h"
#include "test/zoo/networks.h"

namespace nasc {
namespace {

using Options = const ZooOptions&;
constexpr ZooStem kImageNetStem{.channels = 64, .kernel = 7, .stride = 2, .pool = true};
constexpr ZooStem kCifarStem{.channels = 64, .kernel = 3, .stride = 1, .pool = false};
const std::vector<int64_t> kResNetWidths = {64, 128, 256, 512};

std::string tiny_squeezenet(Options o) {
  return make_squeezenet("tiny-squeezenet", o, {32, 10, 8, {{{4, 8}, {4, 8}}, {{8, 12}}}});
}

std::string squeezenet11(Options o) {
  return make_squeezenet("squeezenet11", o,
                         {224, 1000, 64,
                          {{{16, 64}, {16, 64}},
                           {{32, 128}, {32, 128}},
                           {{48, 192}, {48, 192}, {64, 256}, {64, 256}}}});
}

std::string mobilenetv2(Options o) {
  return make_mobilenet("mobilenetv2", o,
                        {224, 1000, 32, 1280,
                         {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1},
                          {6, 160, 3, 2}, {6, 320, 1, 1}}});
}

std::string vgg16(Options o) {
  return make_vgg("vgg16", o,
                  {224, 1000, {{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}}, 4096});
}

}  // namespace

const std::vector<ZooModel>& zoo_models() {
  static const std::vector<ZooModel> models = {
      {"resnet18",
       [](Options o) {
         return make_resnet("resnet18", o, {224, 1000, kImageNetStem, {2, 2, 2, 2}, kResNetWidths, false, 1, 1});
       }},
      {"resnet34",
       [](Options o) {
         return make_resnet("resnet34", o, {224, 1000, kImageNetStem, {3, 4, 6, 3}, kResNetWidths, false, 1, 1});
       }},
      {"resnet50",
       [](Options o) {
         return make_resnet("resnet50", o, {224, 1000, kImageNetStem, {3, 4, 6, 3}, kResNetWidths, true, 4, 1});
       }},
      {"resnet34-cifar",
       [](Options o) {
         return make_resnet("resnet34-cifar", o, {32, 10, kCifarStem, {3, 4, 6, 3}, kResNetWidths, false, 1, 1});
       }},
      {"resnext29-2x64d-cifar",
       [](Options o) {
         return make_resnet("resnext29-2x64d-cifar", o,
                            {32, 10, {64, 1, 1, false}, {3, 3, 3}, {128, 256, 512}, true, 2, 2});
       }},
      {"densenet121",
       [](Options o) { return make_densenet("densenet121", o, {224, 1000, kImageNetStem, 32, {6, 12, 24, 16}}); }},
      {"densenet161",
       [](Options o) {
         return make_densenet("densenet161", o, {224, 1000, {96, 7, 2, true}, 48, {6, 12, 36, 24}});
       }},
      {"densenet161-cifar",
       [](Options o) {
         return make_densenet("densenet161-cifar", o, {32, 10, {96, 3, 1, false}, 48, {6, 12, 36, 24}});
       }},
      {"mobilenetv2", mobilenetv2},
      {"vgg16", vgg16},
      {"squeezenet11", squeezenet11},
      {"bert-base", [](Options o) { return make_bert("bert-base", o, {12, 768, 12, 3072, 128, 30522}); }},
      {"tiny-resnet",
       [](Options o) { return make_resnet("tiny-resnet", o, {32, 10, {8, 7, 2, true}, {1, 1}, {8, 16}, false, 1, 1}); }},
      {"tiny-resnext",
       [](Options o) { return make_resnet("tiny-resnext", o, {8, 10, {8, 1, 1, false}, {1, 1}, {8, 16}, true, 2, 2}); }},
      {"tiny-densenet",
       [](Options o) { return make_densenet("tiny-densenet", o, {16, 10, {8, 3, 1, false}, 4, {2, 2}}); }},
      {"tiny-mobilenet",
       [](Options o) {
         return make_mobilenet("tiny-mobilenet", o, {32, 10, 8, 32, {{1, 8, 1, 1}, {2, 12, 2, 2}}});
       }},
      {"tiny-vgg", [](Options o) { return make_vgg("tiny-vgg", o, {16, 10, {{8}, {16, 16}}, 32}); }},
      {"tiny-squeezenet", tiny_squeezenet},
      {"tiny-bert", [](Options o) { return make_bert("tiny-bert", o, {2, 16, 2, 32, 8, 50}); }},
      {"tiny-mnist", [](Options o) { return make_mnist("tiny-mnist", o); }},
  };
  return models;
}

std::string zoo_model(const std::string& name, const ZooOptions& options) {
  std::vector<std::string> names;
  for (const ZooModel& model : zoo_models()) {
    if (name == model.name)
      return options.batch.empty() ? model.make(options) : with_symbolic_batch(model.make(options), options.batch);
    names.emplace_back(model.name);
  }
  std::string near = nearest(name, names);
  throw UserError(code::usage, name, "no such network" + (near.empty() ? "" : ", did you mean '" + near + "'?"));
}

}  // namespace nasc
