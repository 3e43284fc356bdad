#!/usr/bin/env bash
# Runs every fuzz target in turn and says how many inputs each has had. A failing input is kept in testdata/fuzz of its package,
# where `go test` runs it from then on.
# Usage: scripts/fuzz.sh [SECONDS A TARGET (30)] [NAME: targets whose name contains it]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
name=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
total=0
failed=0
while IFS=: read -r file target; do
  package=./$(dirname "$file")
  [[ $target == *$name* ]] || continue
  code=0
  go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" > "$work/out" 2>&1 || code=$?
  n=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$work/out" | tail -1)
  printf '%-40s %12d inputs%s\n' "$package $target" "${n:-0}" "$([ $code = 0 ] || echo '  FAILED')"
  total=$((total + ${n:-0}))
  if [ $code != 0 ]; then
    failed=1
    cat "$work/out"
  fi
done < <(git grep -oE '^func Fuzz[A-Za-z0-9]+' -- '*_test.go' | sed 's/func //')
printf '%-40s %12d inputs\n' "all" "$total"
exit $failed
