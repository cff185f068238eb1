"""How much memory training takes, and how that grows with the drawings.

    python benchmarks/memory.py simplified/*.ndjson

Trains a few steps on the files, then on ten times as many drawings: the same ones moved about a little, with keys of
their own. Each run is a process of its own; RESULTS.md gets its largest resident size.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from results import machine, write_results

CHILD = """
import resource, sys
from sketchrnn.cli import main
try:
    main(sys.argv[1:], standalone_mode=False)
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
MULTIPLE = 10


def multiply(files: list[Path], folder: Path) -> list[Path]:
    """Write each file with every drawing MULTIPLE times, moved by up to two units."""
    chance = random.Random(0)
    written = []
    for file in files:
        target = folder / file.name
        with file.open() as source, target.open("w") as sink:
            for line in source:
                record = json.loads(line)
                for copy in range(MULTIPLE):
                    drawing = [
                        [[value + chance.randint(-2, 2) for value in axis] for axis in stroke[:2]]
                        for stroke in record["drawing"]
                    ]
                    changed = {**record, "key_id": f"{record['key_id']}{copy}", "drawing": drawing}
                    sink.write(json.dumps(changed) + "\n")
        written.append(target)
    return written


def peak(files: list[Path], folder: Path) -> tuple[int, float]:
    """Return how many drawings were read, and the process's largest resident size in MiB."""
    output = folder / "model.safetensors"
    settings = ["--decoder-only", "--max-steps", "20", "--batch-size", "100", "--force", "--device", "cpu"]
    command = [sys.executable, "-c", CHILD, "train", *map(str, files), "-o", str(output), *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    drawings = int(re.search(r"([\d,]+) drawings read", done.stderr)[1].replace(",", ""))
    return drawings, int(re.search(r"peak (\d+)", done.stdout)[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = [peak(arguments.files, folder), peak(multiply(arguments.files, folder), folder)]
    lines = [f"{machine('cpu')}.", "", "| drawings | largest resident size, MiB |", "| --- | --- |"]
    lines += [f"| {drawings:,} | {size:,.0f} |" for drawings, size in sizes]
    slope = (sizes[1][1] - sizes[0][1]) * 1024**2 / (sizes[1][0] - sizes[0][0])
    lines += ["", f"That is {slope:,.0f} bytes for each further drawing."]
    write_results("memory", lines)


if __name__ == "__main__":
    main()
