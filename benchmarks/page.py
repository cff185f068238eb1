"""How soon does the page draw after the pen lifts, how smoothly, and how many visitors does its server bear?

The page is driven in Debian's Chromium, served and as a file. Then visitors arrive at the server, a process of its own,
at an even rate: each fetches the page and all that it names, and comes back once, when the page has not changed.
"""

import argparse
import contextlib
import gzip
import http.client
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from results import machine, write_results

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

WATCH = """
  window.watched = { longest: 0, frames: [], lifted: 0, shown: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) watched.longest = Math.max(watched.longest, entry.duration);
  }).observe({ type: "longtask" });
  const canvas = document.getElementById("canvas");
  const color = getComputedStyle(document.documentElement).getPropertyValue("--completion").trim();
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    if (watched.lifted && !watched.shown && this.strokeStyle === color)
      requestAnimationFrame(() => (watched.shown ||= performance.now()));
    return stroke.apply(this, path);
  };
  canvas.addEventListener("pointerup", () => { watched.lifted = performance.now(); watched.shown = 0; }, true);
  let last = 0;
  const frame = (now) => { if (last) watched.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
"""


@contextlib.contextmanager
def server():
    """Start the server; yield the process and its port."""
    command = [sys.executable, "-m", "sketchrnn", "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process, int(re.search(r":(\d+)/", process.stderr.readline())[1])
    finally:
        process.terminate()
        process.wait()


def watch_page(browser, address: str, rounds: int) -> dict[str, float]:
    """Draw circles on the page; return figures in ms."""
    first, frames, longest = [], [], []
    for round_ in range(rounds):
        context = browser.new_context(viewport={"width": 1000, "height": 700})
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready=true]")
        time.sleep(1)
        page.evaluate(f"() => {{ {WATCH} }}")
        box = page.locator("#canvas").bounding_box()
        x, y, size = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 90 + 10 * (round_ % 5)
        page.mouse.move(x + size, y)
        page.mouse.down()
        page.evaluate("() => { watched.frames = []; watched.longest = 0 }")
        for step in range(1, 61):
            page.mouse.move(x + size * math.cos(step / 10), y + size * math.sin(step / 10))
            time.sleep(0.012)
        drawing = page.evaluate("() => ({ frames: watched.frames, longest: watched.longest })")
        page.mouse.up()
        time.sleep(3)
        shown = page.evaluate("() => watched.shown - watched.lifted")
        if shown > 0:
            first.append(shown)
        frames += drawing["frames"]
        longest.append(max(drawing["longest"], page.evaluate("() => watched.longest")))
        context.close()
    return {
        "best": min(first),
        "first": statistics.median(first),
        "worst": max(first),
        "fps": 1000 / statistics.median(frames),
        "late": sum(frame > 25 for frame in frames) / len(frames),
        "longest": max(longest),
    }


def visit(port: int) -> tuple[float, int]:
    """Fetch what a browser fetches, then return once; return the seconds of the first visit, and the bytes."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def fetch(path: str, expected: int = 200, **headers: str) -> tuple[bytes, str]:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip, br", **headers})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise OSError(f"{path}: {answer.status}")
        content = gzip.decompress(content) if path == "/" and answer.headers["Content-Encoding"] else content
        return content, answer.headers["ETag"]

    with contextlib.closing(connection):
        page, tag = fetch("/")
        names = re.findall(r"[\w-]+-[0-9a-f]{16}\.\w+", page.decode())
        size = len(page) + sum(len(fetch(f"/{name}")[0]) for name in names)
        seconds = time.perf_counter() - began
        fetch("/", 304, **{"If-None-Match": tag})
    return seconds, size


def receive(process: subprocess.Popen, port: int, visitors: int, seconds: float) -> list[str]:
    """Let visitors come evenly over some seconds; return lines about them."""
    faults: Counter[str] = Counter()
    times, sizes, memory = [], [], [memory_of(process)]
    began = time.monotonic()

    def come(number: int) -> None:
        time.sleep(max(0.0, began + number * seconds / visitors - time.monotonic()))
        try:
            took, size = visit(port)
            times.append(took)
            sizes.append(size)
        except (OSError, http.client.HTTPException) as error:
            faults[f"{type(error).__name__}: {error}"] += 1
        if (number + 1) % max(1, visitors // 5) == 0:
            memory.append(memory_of(process))

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(come, range(visitors)))
    took = time.monotonic() - began
    return [
        f"{visitors:,} visitors in {took:.0f} s, each {statistics.median(sizes) / 1e6:.1f} MB and one return: "
        f"{len(times):,} served, {sum(faults.values())} faults {dict(faults) or ''}; seconds of a visit "
        + ", ".join(f"p{round(100 * share)} {percentile(times, share):.3f}" for share in (0.5, 0.9, 0.99))
        + f"; processor time of the server {processor_seconds(process):.1f} s.",
        "",
        "Resident memory at the start and after each fifth: " + ", ".join(f"{size:.0f} MB" for size in memory) + ".",
    ]


def processor_seconds(process: subprocess.Popen) -> float:
    """Return how much processor time a process has taken."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(process: subprocess.Popen) -> float:
    """Return a process's resident memory in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024


def percentile(values: list[float], share: float) -> float:
    """Return a percentile."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    lines = [f"{machine('cpu')}; load average {Path('/proc/loadavg').read_text().split()[0]} when it began.", ""]
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        from playwright.sync_api import sync_playwright

        lines += [
            "| page | pen lifted to first new line, best ms | median ms | worst ms | frames a second while drawing "
            "| frames over 25 ms | longest task ms |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        with tempfile.TemporaryDirectory() as folder, server() as (_, port), sync_playwright() as driver:
            path = Path(folder) / "page.html"
            subprocess.run([sys.executable, "-m", "sketchrnn", "export-page", "-o", path], check=True)
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
            for name, address in {"served": f"http://127.0.0.1:{port}/", "file": path.as_uri()}.items():
                figures = watch_page(browser, address, arguments.rounds)
                lines.append(
                    f"| {name} | {figures['best']:.0f} | {figures['first']:.0f} | {figures['worst']:.0f} "
                    f"| {figures['fps']:.0f} | {figures['late']:.1%} | {figures['longest']:.0f} |"
                )
            browser.close()
        lines.append("")
    with server() as (process, port):
        lines += receive(process, port, arguments.visitors, arguments.seconds)
    write_results("page", lines)


if __name__ == "__main__":
    main()
