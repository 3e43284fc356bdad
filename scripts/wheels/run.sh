#!/usr/bin/env bash
# Remakes the table of foreign kernels in docs/design/isa.md: fetches the packages of list.txt (850 MB) with pip into a folder, checks their
# sums, and tries every kernel in them. It takes up to an hour and is no part of CI.
# Usage: scripts/wheels/run.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
platforms=()
for p in manylinux1 manylinux2010 manylinux2014 manylinux_2_17 manylinux_2_24 manylinux_2_28; do platforms+=(--platform "${p}_x86_64"); done
files=()
while read -r name version _ sum; do
  file=$(cd "$dir" && sha256sum -- *.whl 2>/dev/null | awk -v sum="$sum" '$1 == sum {print $2}')
  if [ -z "$file" ]; then
    pip download -q --no-deps --only-binary=:all: --python-version 3.9 --implementation cp "${platforms[@]}" -d "$dir" "$name==$version"
    file=$(cd "$dir" && sha256sum -- *.whl | awk -v sum="$sum" '$1 == sum {print $2}')
  fi
  [ -n "$file" ] || { echo "wheels: no wheel of $name $version has sha256 $sum" >&2; exit 1; }
  files+=("$dir/$file")
done < <(grep -v '^#' scripts/wheels/list.txt)
go run ./scripts/wheels -nvdisasm "${WARPDROP_TOOLCHAIN:-.toolchain}/bin/nvdisasm" "${files[@]}"
