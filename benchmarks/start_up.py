"""How long does ``sketchrnn complete`` take from a cold start, against ``import torch``?"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

SAMPLE = Path(__file__).parent.parent / "samples" / "pig.ndjson"
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy, click, svgwrite": [sys.executable, "-c", "import numpy, click, svgwrite"],
    "sketchrnn --help": [sys.executable, "-m", "sketchrnn", "--help"],
    "sketchrnn complete": [sys.executable, "-m", "sketchrnn", "complete", str(SAMPLE)],
    "import torch": [sys.executable, "-c", "import torch"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):  # the commands take turns, so that what else the machine does meets all of them
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}  # the first fills the disk cache
    print("| command | median s | share of import torch |\n| --- | --- | --- |")
    for name, median in medians.items():
        print(f"| {name} | {median:.3f} | {median / medians['import torch']:.3f} |")


if __name__ == "__main__":
    main()
