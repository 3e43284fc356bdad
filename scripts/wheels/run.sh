#!/usr/bin/env bash
# Remakes the table of foreign kernels in docs/design/isa.md: fetches the packages of list.txt (850 MB) with pip into a folder, checks their
# sums, and tries every kernel in them. It takes up to an hour, most of it nvdisasm's, and is no part of CI.
# Usage: scripts/wheels/run.sh [--loads] [--arch FIRST-LAST] [FOLDER]
# --loads: without a comparison with nvdisasm; --arch 75-86: machine code for sm_75 to sm_86, not for sm_50 to sm_62
set -euo pipefail
cd "$(dirname "$0")/../.."
compare=(-nvdisasm "${WARPDROP_TOOLCHAIN:-.toolchain}/bin/nvdisasm")
if [ "${1:-}" = --loads ]; then compare=(); shift; fi
if [ "${1:-}" = --arch ]; then compare+=(-arch "$2"); shift 2; fi
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
platforms=()
for p in manylinux1 manylinux2010 manylinux2014 manylinux_2_17 manylinux_2_24 manylinux_2_28; do platforms+=(--platform "${p}_x86_64"); done
shopt -s nullglob
declare -A have # file by sum
sums() { for f in "$@"; do have[$(sha256sum < "$f" | cut -d ' ' -f 1)]=$f; done; }
sums "$dir"/*.whl
files=()
while read -r name version _ sum; do
  if [ -z "${have[$sum]:-}" ]; then
    pip download -q --no-deps --only-binary=:all: --python-version 3.9 --implementation cp "${platforms[@]}" -d "$dir" "$name==$version"
    sums "$dir/${name//-/_}-$version"-*.whl
  fi
  [ -n "${have[$sum]:-}" ] || { echo "wheels: no wheel of $name $version has sha256 $sum" >&2; exit 1; }
  files+=("${have[$sum]}")
done < <(grep -v '^#' scripts/wheels/list.txt)
go run ./scripts/wheels "${compare[@]}" "${files[@]}"
