// Runs LLD's ELF driver in a forked child; generates libc and libm stubs from the undefined symbols.
#include "codegen/link.h"

#include <lld/Common/Driver.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/raw_ostream.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <thread>

#include "codegen/native.h"
#include "ir/diag.h"

LLD_HAS_DRIVER(elf)

namespace nasc {
namespace {

std::string read_pipe(int fd) {
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR);)
    if (n > 0 && out.size() < 65536) out.append(buffer, static_cast<size_t>(n));
  return out;
}

// The whole pages of each, which this process must not use any more.
void give_back(const std::vector<Payload>& unused) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const Payload& p : unused) {
    auto first = (reinterpret_cast<uintptr_t>(p.data) + page - 1) / page * page;
    auto last = (reinterpret_cast<uintptr_t>(p.data) + p.size) / page * page;
    if (p.data && first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
}

void run_lld(const std::vector<std::string>& args, const std::vector<Payload>& unused = {}) {
  int fds[2];
  if (pipe(fds) != 0) throw UserError(code::io_error, "link", std::strerror(errno));
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) throw UserError(code::io_error, "link", std::strerror(errno));
  if (child == 0) {
    close(fds[0]);
    give_back(unused);
    std::vector<const char*> argv;
    for (const auto& a : args) argv.push_back(a.c_str());
    llvm::raw_fd_ostream out(fds[1], false, true);
    const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
    lld::Result result = lld::lldMain(argv, out, out, drivers);
    out.flush();
    _exit(result.retCode == 0 ? 0 : 1);
  }
  close(fds[1]);
  std::string report = read_pipe(fds[0]);
  close(fds[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw UserError(code::cannot_create, "link", "the linker failed: " + report);
}

const std::set<std::string>& math_functions() {
  static const std::set<std::string> names = [] {
    std::set<std::string> all;
    for (const char* f : {"exp", "exp2", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
                          "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "pow", "fmod", "sqrt",
                          "cbrt", "floor", "ceil", "trunc", "rint", "nearbyint", "round", "roundeven", "ldexp", "fma",
                          "fmax", "fmin", "fabs", "copysign", "expm1", "log1p", "hypot", "sincos"}) {
      all.insert(f);
      all.insert(std::string(f) + "f");
    }
    return all;
  }();
  return names;
}

std::set<std::string> undefined_symbols(const std::vector<std::string>& objects) {
  std::set<std::string> undefined, defined;
  for (const auto& path : objects) {
    auto file = llvm::object::ObjectFile::createObjectFile(path);
    NASC_CHECK(bool(file)) << path << ": " << llvm::toString(file.takeError());
    for (const auto& symbol : file->getBinary()->symbols()) {
      uint32_t flags = llvm::cantFail(symbol.getFlags());
      std::string name = llvm::cantFail(symbol.getName()).str();
      if (!(flags & llvm::object::SymbolRef::SF_Undefined)) defined.insert(name);
      else if (!(flags & llvm::object::SymbolRef::SF_Weak) && !name.empty()) undefined.insert(name);
    }
  }
  for (const auto& name : defined) undefined.erase(name);
  return undefined;
}

// An empty function per name, linked as a library with this soname.
std::string stub_library(const std::set<std::string>& names, const char* soname, const Target& target,
                         const std::string& directory) {
  std::string ir;
  for (const auto& name : names) ir += "define void @\"" + name + "\"() {\n  ret void\n}\n";
  llvm::LLVMContext context;
  auto module = parse_ir(context, ir);
  std::vector<char> object = object_code(*module, target);
  std::string stem = directory + "/stub_" + soname;
  write_file(stem + ".o", object.data(), object.size());
  run_lld({"ld.lld", "-shared", "--threads=1", "-soname", soname, "-o", stem, stem + ".o"});
  return stem;
}
}  // namespace

void write_file(const std::string& path, const void* data, size_t size) {
  FILE* f = std::fopen(path.c_str(), "wb");
  bool ok = f && (size == 0 || std::fwrite(data, 1, size, f) == size);
  if (f) ok &= std::fclose(f) == 0;
  if (!ok) throw UserError(code::cannot_create, path, std::strerror(errno));
}

void link_shared(const std::vector<std::string>& objects, const std::vector<std::string>& exports,
                 const std::string& output, const std::string& soname, const Target& target,
                 const std::string& directory, const std::vector<Payload>& unused) {
  std::set<std::string> math, rest;
  for (const auto& name : undefined_symbols(objects))
    (math_functions().count(name) ? math : rest).insert(name);
  std::string version_script = "{ global:";
  for (const auto& name : exports) version_script += " " + name + ";";
  version_script += " local: *; };\n";
  write_file(directory + "/exports", version_script.data(), version_script.size());

  // Weights are copied and hashed: more than one thread pays, and the bytes are the same for any number.
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  std::vector<std::string> args = {"ld.lld", "-shared", text("--threads=", threads), "--hash-style=gnu", "--gc-sections",
                                   "-z", "noexecstack", "-z", "relro", "-z", "now", "--build-id=sha1",
                                   "--version-script=" + directory + "/exports", "-soname", soname, "-o", output};
  for (const auto& o : objects) args.push_back(o);
  if (!rest.empty()) args.push_back(stub_library(rest, "libc.so.6", target, directory));
  if (!math.empty()) args.push_back(stub_library(math, "libm.so.6", target, directory));
  args.push_back("-z");
  args.push_back("defs");
  run_lld(args, unused);
}

}  // namespace nasc
