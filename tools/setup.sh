#!/usr/bin/env bash
# Installs what building and testing nasc needs on Debian 12; does nothing when all of it is there already.
set -euo pipefail

packages=(
  ccache ninja-build cmake g++ git
  llvm-19-dev libllvm19 clang-19 liblld-19-dev clang-tidy-19 clang-format-19 llvm-19-tools
  libisl-dev libppl-dev libgmp-dev libopenblas-dev zlib1g-dev libzstd-dev
  libcli11-dev catch2 nlohmann-json3-dev libsqlite3-dev libfmt-dev libspdlog-dev
  libprotobuf-dev protobuf-compiler libonnx-dev
  gcc-aarch64-linux-gnu libc6-arm64-cross libc6-dev-arm64-cross qemu-user
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
