// One maker per architecture family; the families' sizes are data.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "test/zoo/zoo.h"

namespace nasc {

// How the image enters: one convolution, then perhaps a 3x3 max pool of stride 2.
struct ZooStem {
  int64_t channels;
  int64_t kernel;
  int64_t stride;
  bool pool;
};

struct ResNetSize {
  int64_t image, classes;
  ZooStem stem;
  std::vector<int64_t> blocks;  // per stage; a stage after the first halves the image
  std::vector<int64_t> widths;  // channels inside the blocks of a stage
  bool bottleneck;              // 1x1, 3x3, 1x1 instead of 3x3, 3x3
  int64_t expansion;            // output channels of a bottleneck = width * expansion
  int64_t group;                // of the bottleneck's 3x3
};
std::string make_resnet(const char* name, const ZooOptions& options, const ResNetSize& size);

struct DenseNetSize {
  int64_t image, classes;
  ZooStem stem;
  int64_t growth;
  std::vector<int64_t> blocks;
};
std::string make_densenet(const char* name, const ZooOptions& options, const DenseNetSize& size);

struct MobileNetSize {
  int64_t image, classes;
  int64_t stem, head;                               // channels
  std::vector<std::array<int64_t, 4>> stages;       // expansion t, channels c, repeats n, first stride s
};
std::string make_mobilenet(const char* name, const ZooOptions& options, const MobileNetSize& size);

struct VggSize {
  int64_t image, classes;
  std::vector<std::vector<int64_t>> stages;  // channels of the 3x3 convolutions before each 2x2 pool
  int64_t hidden;                            // width of the two hidden full layers
};
std::string make_vgg(const char* name, const ZooOptions& options, const VggSize& size);

struct SqueezeNetSize {
  int64_t image, classes, stem;
  std::vector<std::vector<std::array<int64_t, 2>>> stages;  // squeeze, expand of the fires behind each pool
};
std::string make_squeezenet(const char* name, const ZooOptions& options, const SqueezeNetSize& size);

std::string make_mnist(const char* name, const ZooOptions& options);

// A cell of NATS-Bench's topology space for CIFAR-10: six digits for the edges 0>1, 0>2, 1>2, 0>3, 1>3, 2>3; 0 none, 1 skip,
// 2 1x1 convolution, 3 3x3 convolution, 4 3x3 average pool.
std::string make_nats_cell(const std::string& code, const ZooOptions& options);

struct BertSize {
  int64_t layers, hidden, heads, inner, sequence, vocabulary;
};
std::string make_bert(const char* name, const ZooOptions& options, const BertSize& size);

}  // namespace nasc
