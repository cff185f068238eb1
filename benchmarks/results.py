"""Puts what a script measured into its place in RESULTS.md."""

import datetime
import os
import platform
import re
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "RESULTS.md"


def write_results(name: str, lines: list[str]) -> None:
    """Print the lines, and let them stand in RESULTS.md between the markers of that name."""
    text = "\n".join(lines)
    print(text)
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    document = RESULTS.read_text()
    if begin not in document:
        raise SystemExit(f"{RESULTS} has no place for {name}: expected a line {begin}")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    RESULTS.write_text(pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", document))


def machine(device: str) -> str:
    """Return the date and what the figures were measured on."""
    if device.startswith("cuda"):
        where = torch.cuda.get_device_name(device)
    else:
        where = f"{os.cpu_count()} cores of {processor()}"
    return f"{datetime.datetime.now(datetime.timezone.utc).date()}, {where}, torch {torch.__version__}"


def processor() -> str:
    """Return the processor's name."""
    description = Path("/proc/cpuinfo")
    if description.exists():
        names = re.findall(r"^model name\s*: (.*)$", description.read_text(), re.MULTILINE)
        if names:
            return str(names[0])
    return platform.processor() or platform.machine()
