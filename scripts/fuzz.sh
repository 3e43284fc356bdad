#!/usr/bin/env bash
# Runs every fuzz target in turn and says how many inputs each has had. A failing input is kept in testdata/fuzz of its package,
# where `go test` runs it from then on.
# Usage: scripts/fuzz.sh [SECONDS A TARGET (30)] [NAME: targets whose name contains it] [TOTALS: file that runs add up in]
set -euo pipefail
seconds=${1:-30}
name=${2:-}
totals=${3:-}
[ -z "$totals" ] || totals=$(realpath "$totals")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
temp=${TMPDIR:-/tmp}
[ ! -d /dev/shm ] || temp=/dev/shm # many targets write what they read
# count TARGET N: adds to the target's line in the totals, TARGET N each.
count() {
  [ -n "$totals" ] || return 0
  touch "$totals"
  awk -v target="$1" -v n="$2" -F'\t' -v OFS='\t' \
    '$1 == target { $2 += n; n = -1 } { print } END { if (n >= 0) print target, n }' "$totals" | sort > "$work/totals"
  cp "$work/totals" "$totals"
}
total=0
failed=0
while IFS=: read -r file target; do
  package=./$(dirname "$file")
  [[ $target == *$name* ]] || continue
  code=0
  go test "$package" -toolexec "$PWD/scripts/fuzz-compile.sh" -exec "env TMPDIR=$temp GOGC=400" -run '^$' \
    -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 5x > "$work/out" 2>&1 || code=$?
  n=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$work/out" | tail -1)
  printf '%-40s %12d inputs%s\n' "$package $target" "${n:-0}" "$([ $code = 0 ] || echo '  FAILED')"
  count "$package $target" "${n:-0}"
  total=$((total + ${n:-0}))
  if [ $code != 0 ]; then
    failed=1
    cat "$work/out"
  fi
done < <(git grep -oE '^func Fuzz[A-Za-z0-9]+' -- '*_test.go' | sed 's/func //')
printf '%-40s %12d inputs\n' "all" "$total"
[ -z "$totals" ] || printf '%-40s %12d inputs\n' "all runs, $(basename "$totals")" \
  "$(awk -F'\t' '{ n += $2 } END { printf "%d", n }' "$totals")"
exit $failed
