#!/usr/bin/env bash
# What each figure of the GTX 1080 Ti's preset that has no source, or was fitted, does to a training iteration: it is halved
# and doubled, and the cycles of conventional dropout and of RDP (784-512-512-10, dp 2) are set beside those of the preset.
# Writes CSV to standard output, in 5 minutes of one core: scripts/sensitivity.sh > docs/results/sensitivity.csv
# scripts/sensitivity.sh KEY… does it for these keys alone.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/warpdrop" ./cmd/warpdrop
cycles() {
  "$work/warpdrop" iteration mlp --hidden 512,512 --gpu "$1" "${@:2}" --json | awk -F'[:,]' '/"cycles_with_launch"/ && !n++ {print $2 + 0}'
}
row() { # name, value, preset file
  local dense rdp
  dense=$(cycles "$3" --method dense)
  rdp=$(cycles "$3" --method rdp --dp 2)
  awk -v n="$1" -v v="$2" -v d="$dense" -v r="$rdp" -v d0="${dense0:-$dense}" -v r0="${rdp0:-$rdp}" 'BEGIN {
    printf "%s,%s,%d,%+.2f,%d,%+.2f,%.4f\n", n, v, d, 100 * (d / d0 - 1), r, 100 * (r / r0 - 1), d / r }'
  last="$dense $rdp"
}
version=$(sed -n 's/^const ModelVersion = "\(.*\)"/\1/p' sim/gpu.go)
echo "# model $version, kernels $(sed -n 's/^const KernelVersion = "\(.*\)"/\1/p' workloads/*.go)"
echo "figure,value,dense: cycles with launch,%,rdp: cycles with launch,%,speedup"
row preset - gtx1080ti
read -r dense0 rdp0 <<< "$last"
# The path of each key, and what its value is replaced with.
while read -r path values; do
  [ $# = 0 ] || [[ " $* " == *" $path "* ]] || continue
  for value in $values; do
    open=${path//./: \{} close=$(tr -cd . <<< "$path" | tr . '}')
    echo "base: gtx1080ti
$open: $value$close" > "$work/gpu.yaml"
    row "$path" "$value" "$work/gpu.yaml"
  done
done <<'KEYS'
launch_overhead_us 1.25 5
sm.policy gto lrr two_level
sm.dual_issue false
sm.branch_taken 4 16
sm.block_barrier 10 40
sm.block_start 50 200
sm.units.branch.interval 3 12
sm.units.const.latency 15 60
sm.units.sfu.latency 14 40
sm.units.fp16.latency 4 16
sm.units.convert64.latency 7 28
sm.memory_queue 16 64
sm.instruction_cache.ways 2 8
sm.instruction_cache.miss 30 120
sm.instruction_cache.next_miss 130 520
sm.instruction_cache.prefetch 1 4
sm.constant_cache.miss 30 120
sm.constant_cache.ports 1 0
memory.l1.queue 32 128
memory.l1.return_bytes 16 64
memory.l1.mshrs 128 512
memory.l1.store_queue 128 512
memory.crossbar.request_bytes 16 64
memory.crossbar.reply_bytes 16 32
memory.crossbar.slice_bytes 16 64
memory.crossbar.header_bytes 4 16
memory.l2.ways 8
memory.l2.atomic_latency 10 40
memory.dram.row_bytes 1024 4096
memory.dram.write_queue 48
memory.dram.write_high 32 56
memory.dram.write_low 8 32
memory.dram.rrd 8 28
memory.dram.refi 2444 9776
memory.dram.rfc 250 1000
memory.dram.return_latency 143 570
copy.copy_latency_us 4 16
KEYS
