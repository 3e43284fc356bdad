#!/usr/bin/env python3
"""Measure the launches of a set on this machine's GPU and write the table of their times.

    warpdrop correlate SET.yaml --launches > launches.json
    python3 scripts/measure.py launches.json > mine.csv
    warpdrop correlate SET.yaml --table mine.csv --gpu my.yaml

Each launch is done once to warm up and then timed --repeat times with CUDA events; the mean counts. Needs the CUDA driver and, for
.cu files, NVRTC. Run it in the folder that warpdrop ran in: files are named from there.
"""
import argparse
import array
import csv
import ctypes
import functools
import json
import random
import sys


class Library:
    """A C library whose functions return 0 on success."""

    def __init__(self, names, prefix):
        for name in names:
            try:
                self.lib = ctypes.CDLL(name)
                self.prefix = prefix
                return
            except OSError as err:
                last = err
        sys.exit(f"measure: {last}")

    def __call__(self, name, *args):
        rc = getattr(self.lib, self.prefix + name)(*args)
        if rc != 0:
            raise RuntimeError(f"{self.prefix}{name}: error {rc}")


def pointer(value=0):
    return ctypes.c_void_p(value)


def compile_source(nvrtc, path, defines, arch):
    """The cubin of a CUDA C++ file."""
    program = pointer()
    with open(path, "rb") as f:
        nvrtc("CreateProgram", ctypes.byref(program), f.read(), path.encode(), 0, None, None)
    options = [f"-arch=sm_{arch}".encode()] + [f"-D{d}".encode() for d in defines]
    try:
        nvrtc("CompileProgram", program, len(options), (ctypes.c_char_p * len(options))(*options))
    except RuntimeError as err:
        size = ctypes.c_size_t()
        nvrtc("GetProgramLogSize", program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc("GetProgramLog", program, log)
        raise RuntimeError(f"{err}\n{log.value.decode()}") from None
    size = ctypes.c_size_t()
    nvrtc("GetCUBINSize", program, ctypes.byref(size))
    cubin = ctypes.create_string_buffer(size.value)
    nvrtc("GetCUBIN", program, cubin)
    nvrtc("DestroyProgram", ctypes.byref(program))
    return cubin.raw


@functools.lru_cache(maxsize=16)
def contents(text):
    """What BYTES[:file=PATH|:normal=SEED|:uniform=SEED] asks for. Random numbers have warpdrop's distributions, not its values."""
    size, _, fill = text.partition(":")
    key, _, value = fill.partition("=")
    n = int(size)
    if key == "file":
        with open(value, "rb") as f:
            return n, f.read()
    if key in ("normal", "uniform"):
        rng = random.Random(int(value))
        draw = rng.random if key == "uniform" else lambda: rng.gauss(0, 1)
        return n, array.array("f", (draw() for _ in range(n // 4))).tobytes()
    return n, bytes(n)


NUMBERS = {"i32": ctypes.c_int32, "u32": ctypes.c_uint32, "i64": ctypes.c_int64, "u64": ctypes.c_uint64, "f32": ctypes.c_float, "f64": ctypes.c_double}


class GPU:
    def __init__(self):
        self.cu = Library(["libcuda.so.1", "nvcuda.dll"], "cu")
        self.nvrtc = None
        device, context = ctypes.c_int(), pointer()
        self.cu("Init", 0)
        self.cu("DeviceGet", ctypes.byref(device), 0)
        self.cu("CtxCreate_v2", ctypes.byref(context), 0, device)
        version = []
        for attribute in (75, 76):  # compute capability
            value = ctypes.c_int()
            self.cu("DeviceGetAttribute", ctypes.byref(value), attribute, device)
            version.append(value.value)
        self.arch = 10 * version[0] + version[1]

    def cubin(self, path, defines):
        if not path.endswith(".cu"):
            with open(path, "rb") as f:
                return f.read()
        if self.nvrtc is None:
            self.nvrtc = Library(["libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"], "nvrtc")
        return compile_source(self.nvrtc, path, defines, self.arch)

    def measure(self, launch, repeat):
        """Mean seconds of one launch."""
        cu, buffers, module, function = self.cu, [], pointer(), pointer()
        image = self.cubin(launch["cubin"], launch.get("defines") or [])
        cu("ModuleLoadData", ctypes.byref(module), image)
        try:
            cu("ModuleGetFunction", ctypes.byref(function), module, launch["kernel"].encode())
            for text in launch.get("variables") or []:
                name, _, rest = text.partition(":")
                _, data = contents(rest)
                at, size = ctypes.c_uint64(), ctypes.c_size_t()
                cu("ModuleGetGlobal_v2", ctypes.byref(at), ctypes.byref(size), module, name.encode())
                cu("MemcpyHtoD_v2", at, data, ctypes.c_size_t(len(data)))
            args = []
            for text in launch.get("args") or []:
                kind, _, value = text.partition(":")
                if kind in NUMBERS:
                    args.append(NUMBERS[kind](float(value) if kind[0] == "f" else int(value, 0)))
                    continue
                n, data = contents(value)
                at = ctypes.c_uint64()
                cu("MemAlloc_v2", ctypes.byref(at), ctypes.c_size_t(n))
                buffers.append(at)
                cu("MemcpyHtoD_v2", at, data, ctypes.c_size_t(len(data)))
                args.append(at)
            params = (ctypes.c_void_p * max(len(args), 1))(*[ctypes.cast(ctypes.byref(a), ctypes.c_void_p) for a in args])
            grid, block = [(list(launch[k]) + [1, 1])[:3] for k in ("grid", "block")]

            def go():
                cu("LaunchKernel", function, *grid, *block, launch["shared"], None, params, None)

            go()
            cu("CtxSynchronize")
            begin, end = pointer(), pointer()
            for event in (begin, end):
                cu("EventCreate", ctypes.byref(event), 0)
            total = 0.0
            for _ in range(repeat):
                ms = ctypes.c_float()
                cu("EventRecord", begin, None)
                go()
                cu("EventRecord", end, None)
                cu("EventSynchronize", end)
                cu("EventElapsedTime", ctypes.byref(ms), begin, end)
                total += ms.value
            for event in (begin, end):
                cu("EventDestroy_v2", event)
            return total / repeat / 1e3
        finally:
            for at in buffers:
                cu("MemFree_v2", at)
            cu("ModuleUnload", module)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("launches", help="what warpdrop correlate --launches printed")
    parser.add_argument("--repeat", type=int, default=32, help="timed launches of each configuration (default 32)")
    options = parser.parse_args()
    with open(options.launches) as f:
        todo = json.load(f)
    unit = {"s": 1.0, "ms": 1e3, "us": 1e6}[todo["unit"]]
    gpu = GPU()
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(todo["columns"] + [todo["time"]])
    failed = 0
    for i, launch in enumerate(todo["launches"]):
        try:
            seconds = gpu.measure(launch, options.repeat)
        except RuntimeError as err:
            failed += 1
            print(f"measure: line {launch['line']}: {err}", file=sys.stderr)
            continue
        out.writerow(launch["cells"] + [f"{seconds * unit:.6g}"])
        sys.stdout.flush()
        print(f"{i + 1} of {len(todo['launches'])}: {seconds * 1e3:.4g} ms", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
