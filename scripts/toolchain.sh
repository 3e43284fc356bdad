#!/usr/bin/env bash
# Installs what makes and reads sm_61 machine code without a GPU or a CUDA install, into .toolchain/ (never committed):
#   libnvrtc 12.9       PyPI nvidia-cuda-nvrtc-cu12  CUDA C++ -> sm_61 cubin, NVIDIA's own front end; headers from
#                       PyPI nvidia-cuda-runtime-cu12 and nvidia-cuda-cccl-cu12
#   clang-19            Debian package            CUDA C++ -> PTX
#   ptxas   12.9.86     PyPI nvidia-cuda-nvcc-cu12   PTX -> sm_61 cubin; libdevice and the headers that clang needs for host code
#   nvdisasm 12.8       PyPI triton 3.3.1            cubin -> text (the decoder's oracle)
# Usage: scripts/toolchain.sh [DIR]      prints the folder that holds the three tools
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-${WARPDROP_TOOLCHAIN:-$root/.toolchain}}
nvrtc_version=12.9.86
headers_version=12.9.79
cccl_version=12.9.27
ptxas_version=12.9.86
triton_version=3.3.1
nvdisasm_version=12.8.55
mkdir -p "$dir/bin" "$dir/lib"

if ! command -v clang-19 >/dev/null; then
  echo "installing clang-19" >&2
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  # another program may hold the lock of the package manager: wait for it
  $sudo apt-get -o DPkg::Lock::Timeout=600 update -qq >&2
  $sudo apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends clang-19 >&2
fi
ln -sf "$(command -v clang-19)" "$dir/bin/clang-19"

wheel() { # wheel PACKAGE VERSION [--to DIR] MEMBER…: takes single files out of a wheel, so that no package's dependencies are pulled in
  local package=$1 version=$2 to=$dir/bin tmp; shift 2
  if [ "$1" = --to ]; then to=$2; shift 2; fi
  tmp=$(mktemp -d)
  python3 -m pip download -q --no-deps --only-binary=:all: -d "$tmp" "$package==$version" >&2
  python3 - "$tmp" "$to" "$@" <<'PY'
import glob, os, stat, sys, zipfile
tmp, out, members = sys.argv[1], sys.argv[2], sys.argv[3:]
with zipfile.ZipFile(glob.glob(tmp + "/*.whl")[0]) as z:
    for m in members:
        to = os.path.join(out, os.path.basename(m))
        with z.open(m) as f, open(to + ".part", "wb") as g:
            g.write(f.read())
        os.chmod(to + ".part", 0o755)
        os.replace(to + ".part", to)
PY
  rm -rf "$tmp"
}
headers() { # headers PACKAGE VERSION FOLDER [TO]: all headers of a package, in include/ or TO
  local tmp; tmp=$(mktemp -d)
  python3 -m pip download -q --no-deps --only-binary=:all: -d "$tmp" "$1==$2" >&2
  python3 - "$tmp" "$dir/${4:-include}" "nvidia/$3/include/" <<'PY'
import glob, os, sys, zipfile
tmp, out, prefix = sys.argv[1:]
with zipfile.ZipFile(glob.glob(tmp + "/*.whl")[0]) as z:
    for m in z.namelist():
        if m.startswith(prefix) and not m.endswith("/"):
            to = os.path.join(out, m[len(prefix):])
            os.makedirs(os.path.dirname(to), exist_ok=True)
            with open(to, "wb") as g:
                g.write(z.read(m))
PY
  rm -rf "$tmp"
}
nvrtc=nvidia/cuda_nvrtc/lib
[ -f "$dir/lib/libnvrtc.so.12" ] || wheel nvidia-cuda-nvrtc-cu12 "$nvrtc_version" --to "$dir/lib" $nvrtc/libnvrtc-builtins.so.12.9 $nvrtc/libnvrtc.so.12
[ -f "$dir/include/cuda_runtime.h" ] || headers nvidia-cuda-runtime-cu12 "$headers_version" cuda_runtime
[ -f "$dir/include/nv/target" ] || headers nvidia-cuda-cccl-cu12 "$cccl_version" cuda_cccl
if [ ! -f "$dir/cuda/nvvm/libdevice/libdevice.10.bc" ]; then # what clang takes for a CUDA installation, for programs with host code
  mkdir -p "$dir/cuda/include" "$dir/cuda/nvvm/libdevice"
  ln -sfn ../bin "$dir/cuda/bin"
  headers nvidia-cuda-nvcc-cu12 "$ptxas_version" cuda_nvcc cuda/include
  for f in "$dir"/include/*; do ln -sfn "../../include/$(basename "$f")" "$dir/cuda/include/"; done
  echo "// cuRAND is not here; clang asks for this file." > "$dir/cuda/include/curand_mtgp32_kernel.h"
  wheel nvidia-cuda-nvcc-cu12 "$ptxas_version" --to "$dir/cuda/nvvm/libdevice" nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc
fi
[ -x "$dir/bin/ptxas" ] || wheel nvidia-cuda-nvcc-cu12 "$ptxas_version" nvidia/cuda_nvcc/bin/ptxas
[ -x "$dir/bin/nvdisasm" ] || wheel triton "$triton_version" triton/backends/nvidia/bin/nvdisasm triton/backends/nvidia/bin/cuobjdump
[[ "$("$dir/bin/ptxas" --version)" == *"V$ptxas_version"* ]] || { echo "toolchain: $dir/bin/ptxas is not version $ptxas_version; delete it and run again" >&2; exit 1; }
[[ "$("$dir/bin/nvdisasm" --version)" == *"V$nvdisasm_version"* ]] || { echo "toolchain: $dir/bin/nvdisasm is not version $nvdisasm_version; delete it and run again" >&2; exit 1; }
echo "$dir/bin"
