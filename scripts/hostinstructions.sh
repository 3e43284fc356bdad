#!/usr/bin/env bash
# Host instructions that the simulator executes for each warp instruction of a bench, counted by valgrind (so with AVX2: it
# knows no AVX-512): scripts/hostinstructions.sh [BENCH [AT_MOST]]. Fails above AT_MOST; without valgrind it skips.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${1:-sgemm-256} most=${2:-}
command -v valgrind > /dev/null || { echo "hostinstructions: skipped, no valgrind here"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/warpdrop" ./cmd/warpdrop
count() {
  GODEBUG=asyncpreemptoff=1 GOGC=off GOMAXPROCS=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$work/log" "$work/warpdrop" bench --kernels "$bench" --threads 1 --count "$1" --json > "$work/rows" 2> /dev/null
  awk '/Collected/ {print $NF}' "$work/log"
}
one=$(count 1)
three=$(count 3)
inst=$(awk -F'[:,]' '/"warp_instructions"/ {print $2}' "$work/rows")
each=$(((three - one) / 2 / inst))
echo "$bench: $each host instructions a warp instruction"
[ -z "$most" ] || [ "$each" -le "$most" ] || { echo "hostinstructions: at most $most expected" >&2; exit 1; }
