#!/usr/bin/env bash
# The simulator side of every experiment at paper scale, and the documentation's tables and pictures from it:
# scripts/paper-scale.sh [FOLDER], 100 minutes on two idle cores. Give it again after a stop: finished points stay in
# FOLDER/store (default: out).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-out}
mkdir -p "$out"
go build -o "$out/warpdrop" ./cmd/warpdrop
while read -r name only; do
  "$out/warpdrop" run "experiments/$name.yaml" --scale paper --store "$out/store" --out "$out/$name-paper" $only
done <<'EXPERIMENTS'
search
memory
deepbench
fig1b
dp-sweep
bank-conflicts --only gemm
fig4 --only mlp
table1 --only mlp
energy
update
optimum --only mlp
gpus
size-sweep
table2 --only lstm
fig6a --only lstm
fig6b --only lstm
EXPERIMENTS
go run ./internal/doctables "$out"
scripts/figures.sh
