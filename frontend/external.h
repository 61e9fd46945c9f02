// External tensor data: files below the model's directory, opened without following any link.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontend/wire.h"

namespace nasc {

// The fields of TensorProto.external_data, checked.
struct ExternalData {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  std::string checksum;  // SHA-1, hexadecimal, or empty
};

class ExternalRoot {
 public:
  // `model`: path of the model; its real directory is the root.
  ExternalRoot(const std::string& model, bool allow_hard_links);
  ~ExternalRoot();
  ExternalRoot(const ExternalRoot&) = delete;
  // `size` bytes of the tensor. `where` and `tensor` (escaped by us) go into messages. Throws UserError outside_root,
  // no_input, bad_tensor.
  Payload load(const ExternalData& data, uint64_t size, const std::string& where, const std::string& tensor);

  // Locations of the files that were read, relative to the model's directory.
  std::vector<std::string> locations() const;

 private:
  const FileBytes& file(const std::string& location, const std::string& where, const std::string& about);
  std::string directory_;
  int fd_ = -1;
  bool allow_hard_links_;
  std::map<std::string, FileBytes> files_;
};

std::string sha1_hex(std::span<const std::byte> bytes);

}  // namespace nasc
