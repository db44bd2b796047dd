"""Installed size of Python packages with everything they require: JSON of bytes, packages, and bytes of CUDA's libraries."""
import json
import os
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution

CUDA = re.compile(r"^(nvidia|cuda|triton)")


def requirements(dist):
    """Names that are required here, without extras and markers that ask for other systems."""
    for line in dist.requires or []:
        name, _, marker = line.partition(";")
        if "extra ==" not in marker:
            yield re.match(r"[\w.-]+", name).group().lower()


def size(dist):
    paths = {os.path.realpath(file.locate()) for file in dist.files or []}
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))


def closure(names):
    found, queue = {}, list(names)
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in found:
            continue
        try:
            dist = distribution(name)
        except PackageNotFoundError:  # for another system
            continue
        found[name] = size(dist)
        queue += requirements(dist)
        if name == "torch" or CUDA.match(name):  # its CUDA packages are named behind extras of one another
            queue += [re.match(r"[\w.-]+", line).group() for line in dist.requires or [] if CUDA.match(line)]
    return found


if __name__ == "__main__":
    sizes = closure(sys.argv[1:])
    print(json.dumps({
        "bytes": sum(sizes.values()),
        "packages": len(sizes),
        "cuda": sum(bytes for name, bytes in sizes.items() if CUDA.match(name)),
    }))
