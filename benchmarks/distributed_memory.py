"""What each process of a distributed run reads of a store, and keeps in memory.

    python benchmarks/distributed_memory.py data/animals --processes 1 2 4

Each process goes through the batches of an epoch as training does, without a network, and then says how much of the
mapped files was read into its memory, and what else its drawings take.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from results import machine, write_results

PROCESS = """
import json, math, re, sys
from pathlib import Path
from sketchrnn.training.batches import Collator
from sketchrnn.dataset.load import load
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import Workers
from sketchrnn.training.batches import batch_stream

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

store, rank, size, batch_size = sys.argv[1], *map(int, sys.argv[2:])
before = anonymous()
drawings, _ = load([store])
train = drawings.of_split("train")
training = TrainingConfiguration(batch_size=batch_size)
collator = Collator(train, drawings.offset_scale())
stream = batch_stream(train, collator, training, 0, 250, Workers(rank, size))
made = sum(len(next(stream)) for _ in range(round(len(train) / batch_size)))
mapped, resident, path = 0, 0, ""
for line in Path("/proc/self/smaps").read_text().splitlines():
    if found := re.match(r"[0-9a-f]+-[0-9a-f]+ \\S+ \\S+ \\S+ \\S+ +(.*)", line):
        path = found[1]
    elif path.endswith(".safetensors") and (found := re.match(r"(Size|Rss):\\s+(\\d+)", line)):
        mapped += int(found[2]) * (found[1] == "Size")
        resident += int(found[2]) * (found[1] == "Rss")
print(json.dumps([made, mapped / 1024, resident / 1024, (anonymous() - before) / 1024]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batch-size", type=int, default=1000, help="of all processes together")
    arguments = parser.parse_args()
    lines = [
        f"{machine('cpu')}; an epoch of batches of {arguments.batch_size:,}. Read: pages of the store's files that are "
        "in a process's memory at the end; processes of one machine share them, and they can be dropped at any time.",
        "",
        "| processes | which | drawings made | store, MiB | read, MiB | of the store | memory of its own, MiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size in arguments.processes:
        commands = [
            [sys.executable, "-c", PROCESS, *map(str, (arguments.store, rank, size, arguments.batch_size))]
            for rank in range(size)
        ]
        children = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
        for rank, child in enumerate(children):
            made, mapped, read, own = json.loads(child.communicate()[0])
            lines.append(
                f"| {size} | {rank + 1} | {made:,} | {mapped:.0f} | {read:.0f} | {read / mapped:.0%} | {own:.0f} |"
            )
    write_results("distributed_memory", lines)


if __name__ == "__main__":
    main()
