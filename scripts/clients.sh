#!/usr/bin/env bash
# Runs programs that use CUDA on the simulated GPU: driver/clients/runtime.cu, compiled here; with libraries from PyPI in pinned
# versions, scripts of ours in driver/clients, and
# modules of numba-cuda's own tests, which its package carries. Needs Python 3.11 or later, gcc, clang and ptxas (scripts/toolchain.sh).
# Usage: scripts/clients.sh [--all] [VENV]    --all runs, for their values, all modules of numba-cuda's tests that the driver is made for
# and tinygrad's test_ops.py, each test in a process of its own: an hour or two. test_ops.py needs PyTorch, a gigabyte from PyPI, and is not
# in tinygrad's package: TINYGRAD names a checkout of tinygrad, tag v0.13.0; without it, it is left out. Outcomes, test by test, go to
# out/clients, and a run that is stopped goes on from there.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
all=
[ "${1:-}" = --all ] && { all=1; shift; }
venv=${1:-$root/.clients}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check --only-binary=:all: tinygrad==0.13.0 numba-cuda==0.30.4 numba==0.68.1 cuda-core==1.2.2 \
  cuda-bindings==13.5.0 numpy==2.4.6 nvidia-cuda-nvrtc-cu12==12.9.86 nvidia-cuda-runtime-cu12==12.9.79 nvidia-nvjitlink-cu12==12.9.86 \
  nvidia-cuda-nvcc-cu12==12.9.86 filecheck==1.0.6 psutil==7.2.2 pytest==9.2.0 nvidia-cuda-profiler-api-cu12==12.9.79 \
  setuptools==80.9.0 wheel==0.45.1 mako==1.3.10 pytools==2025.2.5 platformdirs==4.5.0
lib=$(scripts/libcuda.sh)
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
export CUDA_PATH=$packages/nvidia/cuda_runtime  # where tinygrad looks for cuda_fp16.h
export WARPDROP_LIBCUDA=$lib LD_LIBRARY_PATH=$packages/nvidia/cuda_nvrtc/lib NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/warpdrop" ./cmd/warpdrop
# PyCUDA comes as source, which is linked with the driver's library; it calls nvcc, for which scripts/nvcc stands.
pycuda() {
  mkdir -p "$work/cuda/include"
  ln -s "$packages"/nvidia/cuda_runtime/include/* "$packages/nvidia/cuda_profiler_api/include/cudaProfiler.h" "$work/cuda/include/"
  "$venv/bin/pip" download -q --disable-pip-version-check --no-deps --no-build-isolation --no-binary=:all: -d "$work" pycuda==2025.1.2
  tar xf "$work"/pycuda-*.tar.gz -C "$work"
  cd "$work"/pycuda-*/
  "$venv/bin/python" configure.py --cuda-root="$work/cuda" --cudadrv-lib-dir="$lib" --cudart-lib-dir="$lib" --no-cuda-enable-curand
  CFLAGS=-O0 "$venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-build-isolation .
}
[ -n "$(find "$packages" -maxdepth 1 -name 'pycuda-2025.1.2*')" ] || (pycuda) > "$work/pycuda.txt" 2>&1 || { cat "$work/pycuda.txt"; exit 1; }
mkdir "$work/bin"
ln -s "$root/scripts/nvcc" "$work/warpdrop" "$work/bin/"
export PATH=$work/bin:$PATH XDG_CACHE_HOME=$work/cache
failed=0
run() { # run LIMIT COMMAND …: each in a process of its own
  local limit=$1; shift
  timeout "$limit" "$work/warpdrop" exec --quiet -- "$venv/bin/python" -W ignore "$@" > "$work/out.txt" 2>&1 || { cat "$work/out.txt"; echo "clients: failed: $*" >&2; failed=1; }
  tail -n 3 "$work/out.txt"
}
compiled() { scripts/cuda++ -std=c++17 -O1 "driver/clients/$1.cu" -o "$work/$1"; }
failed() { echo "clients: failed: $*" >&2; failed=1; }
compiled runtime
for i in 1 2; do "$work/warpdrop" exec --quiet -- "$work/runtime" > "$work/runtime$i.txt" 2>&1 & pids[i]=$!; done # two programs at once
for i in 1 2; do wait "${pids[i]}" || { cat "$work/runtime$i.txt"; failed runtime.cu; }; done
tail -n 1 "$work/runtime1.txt"
compiled cooperative
for mode in timed functional; do "$work/warpdrop" exec --quiet --mode $mode -- "$work/cooperative" || failed "cooperative.cu, $mode"; done
# __managed__ variables: clang does not know them for CUDA, so NVIDIA's nvcc compiles this one, for the oldest GPU that its packages know.
cuda13=$venv/cuda13/nvidia/cu13
[ -x "$cuda13/bin/nvcc" ] || "$venv/bin/pip" install -q --disable-pip-version-check --only-binary=:all: --no-deps --target "$venv/cuda13" \
  nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
PATH=$cuda13/bin:$PATH nvcc -arch=sm_75 -std=c++17 -cudart none driver/clients/managed.cu -o "$work/managed" -L"$lib" -lcudart -Xlinker "-rpath-link=$lib"
"$work/warpdrop" exec --quiet --gpu rtx2070super -- "$work/managed" > "$work/out.txt" 2>&1 || { cat "$work/out.txt"; failed managed.cu; }
[ "$(grep -c 'not simulated' "$work/out.txt")" = 2 ] || failed "managed.cu: textures are not refused by name"
tail -n 1 "$work/out.txt"
# A program that is killed, ended or interrupted in a launch, or whose launch comes to its limit.
compiled endless
for end in KILL TERM INT limit; do
  report=$work/endless-$end.json
  (trap - INT; exec "$work/warpdrop" exec --json "$report" $([ $end != limit ] || echo --max-cycles 20000) -- "$work/endless") > "$work/out.txt" 2>&1 & pid=$!
  for i in $(seq 100); do [ -s "$work/out.txt" ] && break; sleep .2; done
  if [ $end != limit ]; then sleep 2; kill -$end "$(head -n 1 "$work/out.txt")"; fi
  code=0; wait $pid || code=$?
  case $end in
    limit) [ $code = 0 ] && grep -q cudaErrorLaunchTimeout "$work/out.txt" && grep -q "still running after 20000 cycles" "$work/out.txt" && [ -s "$report" ] ;;
    INT) [ $code != 0 ] && grep -q "interrupted in kernel" "$work/out.txt" ;;
    *) [ $code != 0 ] && [ ! -e "$report" ] ;;
  esac || { cat "$work/out.txt"; failed "endless.cu, $end: exit code $code"; }
done
for f in driver/clients/*.py; do run 300 "$f"; done
CC=clang-19 WARPDROP_MODE=functional run 300 examples/tinygrad_dropout.py --method rdp --hidden 64 --batch 16
modules="cudapy.test_atomics cudapy.test_array cudadrv.test_cuda_memory cudadrv.test_events cudadrv.test_context_stack cudadrv.test_host_alloc"
if [ -n "$all" ]; then
  modules="$modules cudapy.test_math cudapy.test_intrinsics cudapy.test_libdevice cudadrv.test_managed_alloc cudapy.test_complex cudapy.test_sm cudapy.test_sync
    cudapy.test_operator cudapy.test_ufuncs cudapy.test_random cudapy.test_constmem cudapy.test_localmem cudapy.test_dispatcher cudapy.test_lang cudapy.test_slicing
    cudapy.test_matmul cudapy.test_laplace cudapy.test_montecarlo cudapy.test_powi cudapy.test_record_dtype cudapy.test_vector_type cudapy.test_warp_ops cudapy.test_print"
fi
if [ -z "$all" ]; then
  for m in $modules; do run 1800 -m unittest "numba.cuda.tests.$m"; done
  exit $failed
fi
export WARPDROP_MODE=functional # what is tested are values
mkdir -p out/clients
tests() { # tests NAME ARGUMENTS …: unittest modules, test by test
  local name=$1; shift
  "$work/warpdrop" exec --quiet -- "$venv/bin/python" -W ignore scripts/clienttests.py --limit 900 --out "out/clients/$name.csv" "$@" || failed "$name"
}
# PyTorch in the version that tinygrad's tests are for, on the CPU. Its package is made for CUDA; for what it is linked to of NVIDIA's, three
# gigabytes, libraries of empty functions stand in.
torch() {
  "$venv/bin/pip" install -q --disable-pip-version-check --only-binary=:all: --no-deps torch==2.9.1 typing_extensions filelock sympy mpmath networkx jinja2 \
    markupsafe fsspec
  local libs=$packages/torch/lib name version versions
  nm -D --undefined-only "$libs"/*.so | sed -nE 's/^ *U ((_*cuda|cublas|cudnn|cufft|curand|cusparse|cusolver|cupti|cuFile|nccl|nvrtc|nvshmem|nvml)[^@]*).*/long \1(void) { return 0; }/p' |
    sort -u > "$work/empty.c"
  gcc -w -fPIC -c "$work/empty.c" -o "$work/empty.o"
  for name in $(readelf -dW "$libs"/*.so | sed -nE 's/.*\(NEEDED\).*\[(lib(cu|nv|nccl)[^]]*)\]/\1/p' | sort -u | grep -v '^libcuda\.so'); do
    [ ! -e "$libs/$name" ] || continue
    versions=$(readelf -VW "$libs"/*.so | awk -v name="$name" '/ File: / {on = $0 ~ " File: " name " "} / Name: / && on {sub(/.* Name: /, ""); print $1}' | sort -u)
    for version in $versions; do echo "$version { $([ "$version" != "${versions%%$'\n'*}" ] || echo 'global: *;') };"; done > "$work/versions"
    gcc -shared -Wl,-soname,"$name" ${versions:+-Wl,--version-script="$work/versions"} -o "$libs/$name" "$work/empty.o"
  done
}
# shellcheck disable=SC2086 # a list
tests numba-cuda --preload numba $(printf ' numba.cuda.tests.%s' $modules)
if [ -n "${TINYGRAD:-}" ]; then
  (torch)
  DEV=CUDA tests tinygrad --path "$TINYGRAD" --preload numpy,torch,tinygrad test.backend.test_ops
else
  echo "clients: tinygrad's test_ops.py is left out: TINYGRAD names no checkout of it" >&2
fi
exit $failed
