"""How fast drawings are prepared into a store, in how much memory, and how soon training has its first batch.

    python benchmarks/prepare_speed.py simplified/eye.ndjson simplified/mouth.ndjson ... --megabytes 100 1000

The files are repeated until they have that size together, each time with key_ids of their own. The baseline is the loop
that one would write first for the same: ndjson reads a line, NumPy makes offsets, lifts and scale, the key gives the
split; it writes nothing. It reads the first bytes before and after `sketchrnn prepare` reads all.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import ndjson
import numpy as np
from results import machine, write_results

from sketchrnn.dataset.drawings import split_of_hash
from sketchrnn.dataset.encode import hash_of_key

BASELINE_BYTES = 8_000_000
COLD_DRAWINGS = 40_000

PREPARE = """
import json, re, resource, sys, time
if __name__ == "__main__":
    from sketchrnn.dataset.prepare import prepare
    started = time.perf_counter()
    report = prepare(sys.argv[3:], sys.argv[1], processes=int(sys.argv[2]))
    seconds = time.perf_counter() - started
    used = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (0, -1))
    own = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])  # of its own, not its parent's
    peaks = [own / 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]
    print(json.dumps({"seconds": seconds, "used": used, "peaks": peaks, "drawings": sum(report.splits.values())}))
"""

FIRST_BATCH = """
import json, sys, time
import numpy, torch
from sketchrnn.training.batches import Collator
from sketchrnn.dataset.load import load
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.batches import batch_stream
started = time.perf_counter()
drawings, _ = load([sys.argv[1]])
train = drawings.of_split("train")
collator = Collator(train, drawings.offset_scale())
opened = time.perf_counter()
next(batch_stream(train, collator, TrainingConfiguration(), 0, 250))
print(json.dumps({"seconds": time.perf_counter() - started, "opened": opened - started, "drawings": len(drawings)}))
"""


def repeat(files: list[Path], size: int, folder: Path) -> list[Path]:
    """Write each file over and over, with other keys each time, until all together have the size."""
    folder.mkdir()
    targets = [folder / file.name for file in files]
    contents = [file.read_bytes() for file in files]
    written = 0
    for repetition in count():
        for content, target in zip(contents, targets, strict=True):
            changed = re.sub(rb'"key_id":"\d{4}', b'"key_id":"%04d' % repetition, content)
            with target.open("ab") as file:
                file.write(changed)
            written += len(changed)
            if written >= size:
                return [target for target in targets if target.exists()]
    raise AssertionError


def baseline(file: Path) -> tuple[float, float]:
    """Return drawings a second of the plain loop, and the processor's seconds for one."""
    with file.open("rb") as source:
        text = source.read(BASELINE_BYTES).decode()
    lines = io.StringIO(text[: text.rindex("\n") + 1])
    drawings = []
    started, processor = time.perf_counter(), time.process_time()
    for record in ndjson.reader(lines):
        points, lifts = [], []
        for stroke in record["drawing"]:
            points.append(np.array(stroke).T)
            lifts.append(np.arange(1, len(stroke[0]) + 1) == len(stroke[0]))
        together = np.concatenate(points)
        offsets = np.diff(together, axis=0).astype(np.int16)
        scale = 255 / np.ptp(together, axis=0).max()
        split = split_of_hash(np.array([hash_of_key(record["key_id"])], np.uint64))[0]
        drawings.append((offsets, np.concatenate(lifts)[1:], scale, split, record["word"]))
    seconds = time.perf_counter() - started
    return len(drawings) / seconds, (time.process_time() - processor) / len(drawings)


def run(script: str, *arguments: object) -> dict:
    """Return what a process of its own prints."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "child.py"
        path.write_text(script)
        done = subprocess.run([sys.executable, path, *map(str, arguments)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the repeated files and stores go meanwhile")
    arguments = parser.parse_args()
    lines = [
        f"{machine('cpu')}; {arguments.processes} processes. Largest resident sizes are those of the process that "
        "writes, and of the largest of those that read. CPU is the processor's time, of all processes and their "
        "start, which other work on the machine disturbs less.",
        "",
        "| input | drawings | drawings/s | plain loop | times | CPU us each | plain loop | times | writes, MiB | "
        "reads, MiB | bytes a drawing |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        for megabytes in arguments.megabytes:
            files = repeat(arguments.files, megabytes * 1_000_000, Path(name) / f"{megabytes}")
            before = baseline(files[0])
            store = Path(name) / f"store-{megabytes}"
            done = run(PREPARE, store, arguments.processes, *files)
            plain, plain_used = (sum(pair) / 2 for pair in zip(before, baseline(files[0]), strict=True))
            used = done["used"] / done["drawings"]
            rate = done["drawings"] / done["seconds"]
            size = sum(path.stat().st_size for path in store.iterdir()) / done["drawings"]
            lines.append(
                f"| {megabytes:,} MB | {done['drawings']:,} | {rate:,.0f} | {plain:,.0f} | {rate / plain:.1f} | "
                f"{1e6 * used:.1f} | {1e6 * plain_used:.1f} | {plain_used / used:.1f} | "
                f"{done['peaks'][0]:.0f} | {done['peaks'][1]:.0f} | {size:.0f} |"
            )
            for file in files:
                file.unlink()
        part = repeat(arguments.files, COLD_DRAWINGS * 500, Path(name) / "cold")
        store = Path(name) / "store-cold"
        run(PREPARE, store, arguments.processes, *part)
        starts = [run(FIRST_BATCH, store) for _ in range(5)]
        first = sorted(starts, key=lambda one: one["seconds"])[2]
    lines += [
        "",
        f"From a store of {first['drawings']:,} drawings to the first training batch of 100: "
        f"{first['seconds']:.3f} s after the imports (median of 5 processes), of which opening the store "
        f"{first['opened']:.3f} s.",
    ]
    write_results("prepare_speed", lines)


if __name__ == "__main__":
    main()
