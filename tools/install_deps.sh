#!/usr/bin/env bash
# Installs the Debian packages that a group of make targets needs, and only those that are missing.
#   tools/install_deps.sh build|test|lint|bench|clients
# Quiet and fast when nothing is missing. Uses sudo when it isn't root.
set -euo pipefail

build="g++ cmake ninja-build ccache mold pkg-config ca-certificates curl python3 python3-pip
       libabsl-dev libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libcli11-dev
       libpcre2-dev libcurl4-openssl-dev libssl-dev libedit-dev zlib1g-dev libxxhash-dev
       libyaml-cpp-dev libspdlog-dev libsqlite3-dev libpq-dev libzstd-dev"
test="$build libgtest-dev libgmock-dev googletest libsimde-dev clang-16 libclang-rt-16-dev
      g++-aarch64-linux-gnu qemu-user openssl"
lint="$build clang-format-16 clang-tidy-16 libgtest-dev"
bench="$build python3-venv libbenchmark-dev libdnnl-dev wrk"
clients="$build python3-venv"
command -v npm >/dev/null || clients="$clients nodejs npm"  # any Node will do, wherever it comes from

group="${1:-build}"
case "$group" in build|test|lint|bench|clients) wanted="${!group}" ;;
  *) echo "install_deps.sh: unknown group '$group' (build, test, lint, bench, clients)" >&2; exit 2 ;;
esac

missing=()
for package in $wanted; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install_deps.sh: these Debian packages are missing and there is no apt-get: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install_deps.sh: run as root, or install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -qq update >&2
"${as_root[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2 </dev/null
