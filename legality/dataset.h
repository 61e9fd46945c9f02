// Labelled images for scores: IDX pairs, CIFAR binary, npz, each also gzip; or Gaussian noise when there are none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "legality/scoring.h"

namespace nasc {

struct Dataset {
  std::string source;
  std::vector<int64_t> image;  // channels, rows, columns
  std::vector<float> pixels;   // each channel with mean 0 and deviation 1 over the set
  std::vector<int> labels;
  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

// `where` is IMAGES,LABELS for an IDX pair, else one file: .npz with arrays of images (`x`, `images` or the only one of
// rank >= 3) and labels (`y`, `labels` or the only one of rank 1), or CIFAR binary (records of 3,073 bytes; of 3,074 with
// two labels, the second counts). What is compressed is told from its first bytes. Throws UserError no_input, bad_file
// naming file and defect, limit above 2 GiB.
Dataset read_dataset(const std::string& where);

// `count` minibatches of a network's shape, without replacement inside of one; the same for the same seed. Labels must be
// below the network's classes and images of its shape: else UserError bad_shape.
std::vector<Minibatch> minibatches(const Dataset& data, const ScoringNetwork& network, int count, uint64_t seed);
// Gaussian images and uniform labels; `real` is false: results are to be trusted little.
std::vector<Minibatch> noise_minibatches(const ScoringNetwork& network, int count, uint64_t seed);

}  // namespace nasc
