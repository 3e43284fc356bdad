#!/usr/bin/env bash
# Writes the expected listing, FILE.sass, beside every committed cubin: each kernel's bytes as nvdisasm -b SM61 prints them. Where
# there is a line table, FILE.lines has its rows as readelf decodes them: section, address, file, line; line 0 ends a section's.
# Usage: scripts/listings.sh [FILE.cubin…]
set -euo pipefail
cd "$(dirname "$0")/.."
export NVDISASM=${WARPDROP_TOOLCHAIN:-.toolchain}/bin/nvdisasm
[ -x "$NVDISASM" ] || { echo "listings: $NVDISASM is missing: run scripts/toolchain.sh" >&2; exit 1; }
if [ $# = 0 ]; then
  mapfile -t files < <(find workloads sim -name '*.cubin' | LC_ALL=C sort)
  set -- "${files[@]}"
fi
python3 - "$@" <<'PY'
import os, re, struct, subprocess, sys, tempfile

def sections(data):
    """(name, flags, contents, index) of each section of a 64-bit ELF file"""
    off, = struct.unpack_from("<Q", data, 0x28)
    n, names = struct.unpack_from("<HH", data, 0x3c)
    heads = [struct.unpack_from("<IIQQQQIIQQ", data, off + 64 * i) for i in range(n)]
    text = heads[names][4]
    for i, h in enumerate(heads):
        end = data.index(b"\0", text + h[0])
        yield data[text + h[0]:end].decode(), h, data[h[4]:h[4] + h[5]] if h[1] != 8 else b"", i

for path in sys.argv[1:]:
    data = open(path, "rb").read()
    secs = list(sections(data))
    by_index = {i: (name, body) for name, _, body, i in secs}
    names = next(body for name, _, body, _ in secs if name == ".strtab")
    table = next(body for name, _, body, _ in secs if name == ".symtab")
    out = []
    for at in range(0, len(table), 24):
        name, info, other, section, value, size = struct.unpack_from("<IBBHQQ", table, at)
        if info & 15 != 2 or not other & 0x10:
            continue
        label = names[name:names.index(b"\0", name)].decode()
        with tempfile.NamedTemporaryFile(suffix=".bin") as f:
            f.write(by_index[section][1])
            f.flush()
            text = subprocess.run([os.environ["NVDISASM"], "-novliw", "-b", "SM61", f.name], check=True, capture_output=True, text=True).stdout
        out.append(label + ":\n")
        for m in re.finditer(r"(/\*[0-9a-f]{4,}\*/)\s+(.*?)\s*;", text):
            out.append(f"{m[1]} {m[2]} ;\n")
    files = {".sass": out}
    if any(name == ".debug_line" for name, _, _, _ in secs):
        def readelf(*flags):
            return subprocess.run(["readelf", "-W", *flags, path], check=True, capture_output=True, text=True).stdout
        # Each sequence of rows begins with an address that a relocation sets.
        table = readelf("-r").split("'.rel.debug_line'")[1].split("\n\n")[0]
        sections = [name for _, name in sorted(re.findall(r"^([0-9a-f]{16}) .* (\S+)$", table, re.M))]
        lines = files[".lines"] = []
        for m in re.finditer(r"^(\S+) +(\d+|-) +(0x[0-9a-f]+|0)(?= |$)", readelf("--debug-dump=decodedline"), re.M):
            lines.append(f"{sections[0]} {int(m[3], 16):#x} {m[1]} {m[2].replace('-', '0')}\n")
            if m[2] == "-":
                sections.pop(0)
    for suffix, text in files.items():
        target = path[:-len(".cubin")] + suffix
        with open(target + ".part", "w") as f:
            f.write("".join(text))
        os.replace(target + ".part", target)
PY
