#!/usr/bin/env python3
"""Lets torch's CUDA build, the one that package registries have for Linux, run where no CUDA library is installed.

    standins.py SITE-PACKAGES

The build refuses to load without some 4 GB of libraries that no CPU code calls. For each library that torch's own
name as needed and that is not there, this compiles a stand-in in which every symbol that torch looks for is a
function that returns 35, CUDA's "driver missing". torch then sees no device, and computes on the CPU as ever.
Needs gcc and binutils.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

CUDA = re.compile(r"lib(cu|nv|nccl)")
# Where a symbol carries no version, it is one of these and any library will do.
PLAIN = re.compile(r"(__cuda|__fatbin|cu[A-Z]|cuda|cublas|cudnn|cufft|cuFile|cupti|cusolver|cusparse|nccl|pnccl|nvrtc|nvshmem|nvJit|nvml)")


def read(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main(site):
    lib = os.path.join(site, "torch", "lib")
    if not os.path.exists(os.path.join(lib, "libtorch_cuda.so")):
        print("no CUDA build: nothing to stand in for")
        return
    for old in os.listdir(lib):
        if CUDA.match(old) and ".so." in old:
            os.remove(os.path.join(lib, old))
    own = [f for pattern in ("libtorch*.so", "libc10*.so", "libcaffe2*.so", "libshm.so") for f in glob.glob(os.path.join(lib, pattern))]
    needed, versioned, plain = set(), {}, set()
    for f in own:
        needed |= {n for n in re.findall(r"\(NEEDED\).*\[(.*)\]", read("readelf", "-dW", f)) if CUDA.match(n)}
        for line in read("nm", "-D", "--undefined-only", f).splitlines():
            name, _, version = line.split()[-1].partition("@")
            version = version.lstrip("@")
            if version:
                versioned.setdefault(version, set()).add(name)
            elif PLAIN.match(name):
                plain.add(name)
    count = 0
    with tempfile.TemporaryDirectory() as tmp:
        for n in sorted(needed):
            # Libraries version their symbols by their own file name; nvshmem's by a word.
            version = "NVSHMEM" if n.startswith("libnvshmem") else n
            symbols = versioned.get(version, set())
            script = []
            if symbols:
                with open(os.path.join(tmp, "map"), "w") as f:
                    f.write(f"{version} {{ global: *; }};\n")
                script = [f"-Wl,--version-script={tmp}/map"]
            elif n.startswith("libnccl"):
                symbols = plain
            with open(os.path.join(tmp, "it.c"), "w") as f:
                f.writelines(f"long {s}(void) {{ return 35; }}\n" for s in sorted(symbols))
            subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-fno-builtin", "-o", os.path.join(lib, n), f"-Wl,-soname,{n}",
                            *script, os.path.join(tmp, "it.c")], check=True)
            count += len(symbols)
    print(f"{len(needed)} stand-ins, {count} symbols")


if __name__ == "__main__":
    main(sys.argv[1])
