#!/usr/bin/env bash
# Rebuilds every committed cubin from the .cu or .ptx beside it, byte for byte, with the tools of scripts/toolchain.sh, and the
# listings (scripts/listings.sh) of those that changed. Those of the workloads keep operands that the next FFMA reads
# (scripts/reuse, see docs/design/gemm.md); microbenchmarks and test programs are as ptxas leaves them.
# Usage: scripts/kernels.sh [--check] [FILE.cu|FILE.ptx…]     --check: compare with what is there, change nothing, fail on a difference
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${WARPDROP_TOOLCHAIN:-.toolchain}/bin
# Paths are relative to the repository's root and there is no debug information: the output depends on nothing else. One file is
# there for its line table; its paths begin with a folder that no machine has.
clang=("$tools/clang-19" -x cuda --cuda-device-only -nocudainc -nocudalib -nogpulib -fdeclspec -I workloads/kernels -S -O3)
ptxas=("$tools/ptxas" -O3)
# Of the workloads there are kernels for sm_75 and sm_80 too (NAME.sm_75.cubin), of two test programs for all; ptxas places their operands as they are.
declare -A version=([70]=+ptx60 [75]=+ptx63 [80]=+ptx70 [86]=+ptx71)
for t in clang-19 ptxas; do
  [ -x "$tools/$t" ] || { echo "kernels: $tools/$t is missing: run scripts/toolchain.sh" >&2; exit 1; }
done

check=
if [ "${1:-}" = --check ]; then check=1; shift; fi
if [ $# = 0 ]; then
  # Sources without a cubin beside them are compiled when they run. A new one is named on the command line once.
  mapfile -t files < <(find workloads sim profile -name '*.cubin' -o -name '*.o' | sed 's/\.sm_[0-9]*\.cubin$/.cubin/' |
    LC_ALL=C sort -u | while read -r cubin; do
      ls "${cubin%.*}".cu "${cubin%.*}".ptx 2> /dev/null || true
    done)
  set -- "${files[@]}"
fi
objects=sim/testdata/link # compiled in parts: two objects, to be linked
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
for cu in "$@"; do
  cubin=${cu%.*}.cubin
  front=() back=()
  if [[ $cu = $objects/first.cu || $cu = $objects/second.cu ]]; then
    front=(-fgpu-rdc) back=(-c) cubin=${cu%.*}.o
  fi
  if [ "$cu" = sim/isa/testdata/lines.cu ]; then
    front=(-gline-directives-only -fdebug-compilation-dir=/src) back=(-lineinfo)
  fi
  archs=(61)
  case $cu in
    workloads/kernels/tensor*) archs=(75 80) ;;
    workloads/kernels/*) archs=(61 75 80) ;;
    sim/sm/testdata/families.cu | sim/sm/testdata/packed.cu) archs=(61 70 75 80 86) ;;
  esac
  for arch in "${archs[@]}"; do
    to=$cubin
    [ $arch = 61 ] || to=${cu%.*}.sm_$arch.cubin
    feature=()
    [ $arch = 61 ] || feature=(-Wno-unknown-cuda-version -Xclang -target-feature -Xclang ${version[$arch]})
    [[ $arch != 75 || $cu != workloads/kernels/tensor* ]] || feature[4]=+ptx65 # the first with ldmatrix
    case $cu in
      *.ptx) cp "$cu" "$tmp/k.ptx" ;;
      *) "${clang[@]}" --cuda-gpu-arch=sm_$arch "${feature[@]}" "${front[@]}" "$cu" -o "$tmp/k.ptx" ;;
    esac
    "${ptxas[@]}" -arch=sm_$arch "${back[@]}" "$tmp/k.ptx" -o "$tmp/k.cubin"
    [[ $arch != 61 || $cu != workloads/kernels/* ]] || go run ./scripts/reuse "$tmp/k.cubin"
    if [ -n "$check" ]; then
      cmp "$tmp/k.cubin" "$to" || bad=1
    elif ! cmp -s "$tmp/k.cubin" "$to"; then
      mv "$tmp/k.cubin" "$to"
      [[ $arch != 61 || ! -x $tools/nvdisasm || $to = *.o ]] || scripts/listings.sh "$to"
      echo "$to"
    fi
  done
done
[ $bad = 0 ] || { echo "kernels: committed cubins differ from their sources: run scripts/kernels.sh and commit" >&2; exit 1; }
