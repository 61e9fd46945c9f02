// Names and sharing of what is appended to a Network.
#include "ir/append.h"

#include <cctype>
#include <unordered_map>

#include "ir/text.h"

namespace nasc {
namespace {
constexpr size_t kInterned = 8192;

std::string identifier(const std::string& hint) {
  std::string out;
  for (char c : hint) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0]))) out = "b" + out;
  return out;
}
}  // namespace

std::shared_ptr<const Program> interned(const Program& program) {
  thread_local std::unordered_map<std::string, std::shared_ptr<const Program>> known;
  if (known.size() > kInterned) known.clear();
  std::string key = program.origin + "\n" + canonical_text(program);
  auto it = known.find(key);
  if (it == known.end()) it = known.emplace(std::move(key), std::make_shared<const Program>(program)).first;
  return it->second;
}

Appender::Appender(Network n) : network(std::move(n)) {
  for (const Buffer& b : network.buffers) names_.insert(b.name);
  for (size_t k = 0; k < network.programs.size(); ++k) programs_.emplace(network.programs[k].get(), static_cast<int>(k));
}

int Appender::buffer(const std::string& hint, DType dtype, Shape shape, Role role) {
  std::string base = identifier(hint), name = base;
  for (int k = 1; !names_.insert(name).second; ++k) name = text(base, "_", k);
  Buffer b;
  b.name = name;
  b.dtype = dtype;
  b.shape = std::move(shape);
  b.role = role;
  network.buffers.push_back(std::move(b));
  return static_cast<int>(network.buffers.size()) - 1;
}

int Appender::viewed(int source, const Shape& shape) {
  if (at(source).shape == shape) return source;
  int view = buffer(at(source).name + "_view", at(source).dtype, shape);
  network.buffers.edit(static_cast<size_t>(view)).alias_of = source;
  return view;
}

int Appender::program(std::shared_ptr<const Program> p) {
  auto [it, fresh] = programs_.emplace(p.get(), static_cast<int>(network.programs.size()));
  if (fresh) network.programs.push_back(std::move(p));
  return it->second;
}
int Appender::program(const Program& p) { return program(interned(p)); }

void Appender::call(int program, std::vector<int> args, const std::string& name) {
  network.calls.push_back({program, std::move(args), name});
}

}  // namespace nasc
