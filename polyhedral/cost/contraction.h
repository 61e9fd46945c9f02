// Contractions: reductions that a register tile of broadcast rows times output vectors serves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "polyhedral/group.h"

namespace nasc {

// A `+=` of a product of two reads where one operand (the matrix) varies along a vector dimension of the output that
// the other (the rows) does not vary along. Convolutions, GEMMs, transposed convolutions alike.
struct Contraction {
  Group group;
  std::string statement;
  std::string rows_tensor, matrix_tensor;
  std::vector<std::vector<int>> matrix_dims;  // per dim of the matrix tensor: iterators it uses
  int matrix_vector = -1;                     // dim of the matrix tensor that the vector dimension indexes
  int vector = -1;                            // group dimension along which only the matrix varies
  int64_t grain = 0;  // the rows vary once per so many points of it (groups of channels); 0: not at all
  int row = -1;                               // group dimension best tiled into rows; -1 when there is none
  int line = -1;                              // a second such dimension; -1 when there is none
  std::vector<std::string> reduction;         // iterators
  // Of transposed convolutions with steps: rows have the same terms after so many, and which a row has, these reductions
  // decide with it. The code of a tile has to know them.
  int64_t period = 1;
  std::vector<std::string> taps;
};

// nullopt when the program has no such statement. Depthwise convolutions have none: no output dimension is served by
// one operand only.
std::optional<Contraction> find_contraction(const Program& program);

// Extent of an iterator's values in the statement's box when constant.
std::optional<int64_t> iterator_extent(const Statement& statement, const std::string& iterator);
// That, or what the dimension has that it walks of a tensor.
std::optional<Extent> loop_extent(const Program& program, const Statement& statement, const std::string& iterator);
// Iterators whose value changes the element an access touches, per dimension of the tensor.
std::vector<std::vector<int>> iterators_used(const Statement& statement, const Access& access);

}  // namespace nasc
