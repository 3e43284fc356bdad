#!/usr/bin/env bash
# Makes README's table and every picture of the documentation anew: scripts/figures.sh, some minutes. With --check it changes nothing and fails
# where they differ from what is committed. QUICKSTART=DIR and SEARCH=DIR are output folders of these experiments that are finished already.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/warpdrop" ./cmd/warpdrop
[ -n "${QUICKSTART:-}" ] || { QUICKSTART=$work/quickstart; "$work/warpdrop" run experiments/quickstart.yaml --out "$QUICKSTART"; }
[ -n "${SEARCH:-}" ] || { SEARCH=$work/search; "$work/warpdrop" run experiments/search.yaml --out "$SEARCH"; }
mkdir "$work/img"
cp "$QUICKSTART/figures/parts.png" "$work/img/quickstart-parts.png"
cp "$SEARCH/figures/distribution.png" "$work/img/distribution.png"
"$work/warpdrop" search patterns --plot "$work/img/dropout-rate.png" > /dev/null
"$work/warpdrop" search diversity --show correlation,spread,lost-inputs --plot "$work/img/dropout.png" > /dev/null
go run ./internal/docfigures "$work/img"
# README's rows begin with the method; what follows in the first cell stays.
awk -F, '
  NR == FNR && FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
  NR == FNR && FNR > 1 && $at["workload"] == "mlp" {
    row[$at["method"]] = sprintf("%.0f | %.2f | %.2f | %.0f | %.0f |", $at["cycles_with_launch"], $at["speedup"], $at["accuracy"], $at["bank_conflicts"], $at["divergent_branches"])
  }
  NR != FNR { split($0, cell, "|"); split(cell[2], word, " "); print /^\| / && word[1] in row ? "|" cell[2] "| " row[word[1]] : $0 }
' "$QUICKSTART/results.csv" README.md > "$work/README.md"
if [ "${1:-}" = --check ]; then
  status=0
  cmp README.md "$work/README.md" || status=1
  for made in "$work"/img/*; do cmp "docs/img/$(basename "$made")" "$made" || status=1; done
  for kept in docs/img/*; do [ -e "$work/img/$(basename "$kept")" ] || { echo "figures: nothing makes $kept" >&2; status=1; }; done
  [ $status = 0 ] || echo "figures: scripts/figures.sh makes them anew" >&2
  exit $status
fi
cp "$work"/img/* docs/img/
cp "$work/README.md" README.md
