#!/usr/bin/env bash
# Builds the drop-in driver library, libcuda.so.1 and libwarpdrop.so, and the runtime library over it, libcudart.so.12. Needs Linux,
# Go and gcc (or $CC).
# Usage: scripts/libcuda.sh [DIR]      DIR is .libcuda where none is given; `warpdrop exec` looks there
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/.libcuda}
cc=${CC:-gcc}
command -v "$cc" > /dev/null || { echo "libcuda.sh: $cc is not installed: the library is the one part of Warpdrop that needs a C compiler" >&2; exit 1; }
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
go run ./cmd/libcuda > "$work/entries.c"
"$cc" -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -Icmd/libcuda/stub -Wl,-soname,libcuda.so.1 \
  -o "$work/libcuda.so.1" cmd/libcuda/stub/stub.c "$work/entries.c" -ldl -lpthread
"$cc" -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -Wl,-soname,libcudart.so.12 -Wl,--version-script=cmd/libcuda/cudart/exports.map \
  -Wl,-z,defs -Wl,-rpath,'$ORIGIN' -o "$work/libcudart.so.12" cmd/libcuda/cudart/cudart.c "$work/libcuda.so.1" -lpthread
CGO_ENABLED=1 CC=$cc go build -tags libcuda -buildmode=c-shared -o "$work/libwarpdrop.so" ./cmd/libcuda
mv "$work/libcuda.so.1" "$work/libcudart.so.12" "$work/libwarpdrop.so" "$dir/"
ln -sf libcuda.so.1 "$dir/libcuda.so"
ln -sf libcudart.so.12 "$dir/libcudart.so"
echo "$dir"
