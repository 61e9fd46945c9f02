// Plans over one convolution checked piece by piece: equal pieces of different plans are the same statements with the
// same weights, and are written as a Program, run and exported once.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "ir/graph_patch.h"
#include "models.h"
#include "oracle.h"

namespace nasc::test {

// A form and the weights of its pieces, as steps made them of those before.
struct Weighed {
  ConvForm form;
  std::vector<Payload> weights;
};

// What one piece gives when it is the only one of its Program.
struct PieceValues {
  uint64_t weights = 0;  // hash
  std::vector<std::pair<int32_t, double>> values;  // position in the result; only what the piece writes
  std::vector<PatchConv> exported;
};
// Shared by threads.
struct KnownPieces {
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const PieceValues>> by_text;
};

// The farthest from what the steps mean, relative to the largest value.
struct Errors {
  double program = 0, exported = 0;
};

// One thread's share of the work: isl objects do not travel.
class PlanChecker {
 public:
  PlanChecker(const OneConv& conv, KnownPieces& known);
  // The plan as its pieces' Programs, and as the exported model, read back. Throws when it is refused, when a piece has
  // other weights than its place in the convolution says, or when pieces do not cover the result exactly.
  Errors check(const std::vector<Step>& steps) const;
  // The same without sharing: steps on the Module, its Program in the executor, with and without BLAS, and separated;
  // the model imported and lowered; with `slow`, the Program also in the interpreter. Returns the largest error.
  double check_whole(const std::vector<Step>& steps, bool slow, std::string* model = nullptr) const;

 private:
  std::shared_ptr<const PieceValues> values_of(const ConvForm& form, size_t piece) const;
  OneConv conv_;
  KnownPieces& known_;
  Graph graph_;
  Module module_;
  ConvForm form_;
  Oracle oracle_;
  std::vector<double> image_;
};

}  // namespace nasc::test
