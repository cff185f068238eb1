"""Packs a prepared store into one compressed file, and unpacks it again, byte for byte.

    python benchmarks/pack_data.py pack data/store drawings.tar.xz
    python benchmarks/pack_data.py unpack drawings.tar.xz data/store

A training run that began with a store resumes with the unpacked one.
"""

import argparse
import sys
import tarfile
import tempfile
from pathlib import Path

from sketchrnn.dataset.store import is_store, shard_paths


def pack(store: Path, packed: Path) -> None:
    """Write the files of a store to one file, in an order and with times that do not depend on the machine."""
    part = packed.with_name(packed.name + ".part")
    with tarfile.open(part, "w:xz", preset=9) as archive:
        for path in shard_paths(store):
            entry = tarfile.TarInfo(path.name)
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(entry, file)
    part.replace(packed)


def unpack(packed: Path, store: Path) -> None:
    """Write the files of a store; the folder appears when it is whole."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parent) as folder, tarfile.open(packed, "r:xz") as archive:
        whole = Path(folder) / "store"
        archive.extractall(whole, filter="data")
        whole.replace(store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["pack", "unpack"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    if arguments.target.exists():
        sys.exit(f"{arguments.target}: expected a name that is free. Delete it, or choose another one.")
    if arguments.action == "pack":
        if not is_store(arguments.source):
            sys.exit(f"{arguments.source}: expected a store. Make one: sketchrnn prepare FILES -o {arguments.source}")
        pack(arguments.source, arguments.target)
        before = sum(path.stat().st_size for path in shard_paths(arguments.source))
        after = arguments.target.stat().st_size
        print(f"{arguments.target}: {before / 2**20:.1f} MiB packed into {after / 2**20:.1f} MiB")
    else:
        try:
            unpack(arguments.source, arguments.target)
        except (OSError, EOFError, tarfile.TarError) as error:
            sys.exit(f"{arguments.source}: expected a packed store: {error}. Pack it again.")
        print(f"{arguments.target}: {len(shard_paths(arguments.target))} categories")


if __name__ == "__main__":
    main()
