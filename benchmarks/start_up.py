"""How long do commands take from a cold start, and where does each millisecond go?"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from results import machine, write_results

SAMPLE = Path(__file__).parent.parent / "samples" / "pig.ndjson"
SKETCHRNN = [sys.executable, "-m", "sketchrnn"]
COMPLETE = [*SKETCHRNN, "complete", str(SAMPLE)]
GENERATE = [*SKETCHRNN, "generate", "--category", "cat", "--format", "ndjson"]
ONE_EACH = ["--best-of", "1", "--scale", "1"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy, click": [sys.executable, "-c", "import numpy, click"],
    "sketchrnn --help": [*SKETCHRNN, "--help"],
    "complete, of 1": COMPLETE,
    "complete, of 1, the scale and the first drawing as given": [*COMPLETE, *ONE_EACH],
    "complete -n 100": [*COMPLETE, "-n", "100"],
    "complete -n 100, the scale and the first drawings as given": [*COMPLETE, *ONE_EACH, "-n", "100"],
    "generate -n 1000": [*GENERATE, "-n", "1000"],
    "generate -n 1000, the first drawings": [*GENERATE, "-n", "1000", "--best-of", "1"],
    "import torch": [sys.executable, "-c", "import torch"],
}
IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)")
PACKAGES = ("numpy", "tinycss2", "click", "safetensors", "ndjson", "xml", "sketchrnn")


def run(command: list[str], threads: int, package: Path | None = None) -> tuple[float, float]:
    """Return the seconds that a command took, by the clock and of the processor, on so many threads.

    Args:
        command: the program and its arguments.
        threads: number of threads.
        package: folder of the version of sketchrnn that the command runs; by default the installed one.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    if package is not None:
        environment["PYTHONPATH"] = str(package)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    before, started = os.times(), time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=package,  # python -m looks for the package in the current folder first
    )
    wall, after = time.perf_counter() - started, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def where_it_goes(command: list[str]) -> Counter[str]:
    """Return the milliseconds that importing each package takes, by Python's own account."""
    result = subprocess.run([command[0], "-X", "importtime", *command[1:]], check=True, capture_output=True, text=True)
    spent: Counter[str] = Counter()
    for line in result.stderr.splitlines():
        if match := IMPORT_LINE.match(line):
            package = match[2].split(".")[0]
            spent[package if package in PACKAGES else "the standard library and others"] += int(match[1]) / 1000  # type: ignore[assignment]
    return spent


def beside(baseline: Path, rounds: int, threads: int) -> list[str]:
    """Return a table: complete of each sample with a category, by another version and by this one, taking turns."""
    samples = [path for path in sorted(SAMPLE.parent.glob("*.ndjson")) if '"word"' in path.read_text()]
    versions = (baseline, Path(__file__).parent.parent)
    lines = [
        "| prefix | drawings | baseline, least s | this version, least s | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for count in (1, 100):
        totals = [0.0, 0.0]
        for path in samples:
            command = [*SKETCHRNN, "complete", str(path), "-n", str(count)]
            taken = [[run(command, threads, version)[0] for version in versions] for _ in range(rounds)]
            least = [min(times) for times in zip(*taken, strict=True)]
            totals = [total + time for total, time in zip(totals, least, strict=True)]
            lines.append(f"| {path.stem} | {count} | {least[0]:.2f} | {least[1]:.2f} | {least[1] / least[0]:.2f} |")
        means = [total / len(samples) for total in totals]
        lines.append(f"| all, mean | {count} | {means[0]:.2f} | {means[1]:.2f} | {means[1] / means[0]:.2f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--baseline", type=Path, help="folder of another version to run beside this one")
    arguments = parser.parse_args()
    rounds, threads = arguments.rounds, arguments.threads
    if arguments.baseline is not None:
        title = (
            f"{machine('cpu')}; `start_up.py --baseline FOLDER --rounds {rounds}`, threads: {threads}, by the clock."
        )
        write_results("start_up_beside", [title, "", *beside(arguments.baseline, rounds, threads)])
        return
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):  # the commands take turns, so that what else the machine does meets all of them
        for name, command in COMMANDS.items():
            taken[name].append(run(command, threads))
    walls, processor = (
        {name: statistics.median(times[which] for times in rows[1:]) for name, rows in taken.items()}
        for which in (0, 1)
    )  # the first round fills the disk cache
    least = {name: min(times[1] for times in rows[1:]) for name, rows in taken.items()}
    least_wall = {name: min(times[0] for times in rows[1:]) for name, rows in taken.items()}
    bare = least["python -c pass"]
    lines = [
        f"{machine('cpu')}; `start_up.py --rounds {rounds}`, threads: {threads}, the commands taking turns.",
        "",
        "| command | median s | processor, median s | least s | least beyond `pass` | share of import torch |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {walls[name]:.3f} | {processor[name]:.3f} | {least[name]:.3f} | {least[name] - bare:.3f} "
            f"| {least[name] / least['import torch']:.3f} |"
            for name in COMMANDS
        ),
        "",
        "Milliseconds of importing (least of the rounds, of each package its own modules), and what is left of the "
        "least that the command took; all by the clock:",
        "",
        f"| command | {' | '.join((*PACKAGES, 'the standard library and others'))} | the rest |",
        "| --- |" + " --- |" * (len(PACKAGES) + 2),
    ]
    for name in ("sketchrnn --help", "complete, of 1"):
        samples = [where_it_goes(COMMANDS[name]) for _ in range(rounds)]
        spent = {package: min(sample[package] for sample in samples) for package in set().union(*samples)}
        rest = 1000 * least_wall[name] - sum(spent.values())
        columns = [spent.get(package, 0.0) for package in (*PACKAGES, "the standard library and others")]
        lines.append(f"| {name} | {' | '.join(f'{value:.0f}' for value in columns)} | {rest:.0f} |")
    write_results("start_up", lines)


if __name__ == "__main__":
    main()
