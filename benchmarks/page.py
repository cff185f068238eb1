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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from results import machine, write_results

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

WATCH = """
  window.watched = { longest: 0, frames: [], lifted: 0, shown: [], asked: new Map(), guesses: [] };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) watched.longest = Math.max(watched.longest, entry.duration);
  }).observe({ type: "longtask" });

  // from the pen that lifts to the frame after the first line in the model's color
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    const { lifted } = watched;
    watched.color ??= getComputedStyle(document.documentElement).getPropertyValue("--completion").trim();
    if (lifted && this.strokeStyle === watched.color) {
      watched.lifted = 0;
      requestAnimationFrame(() => watched.shown.push(performance.now() - lifted));
    }
    return stroke.apply(this, path);
  };
  addEventListener("pointerdown", () => {
    if (!watched.began) watched.longest = 0; // what the page did before counts for nothing
    Object.assign(watched, { began: true, penIsDown: true });
  }, true);
  addEventListener("pointerup", () => Object.assign(watched, { lifted: performance.now(), penIsDown: false }), true);

  // from the question to the worker's answer, of guesses while the pen is down
  const ask = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (!watched.asked.has(this)) {
      watched.asked.set(this, new Map());
      this.addEventListener("message", ({ data: { id, done } }) => {
        const own = watched.asked.get(this);
        if (done && own.has(id)) watched.guesses.push(performance.now() - own.get(id));
        own.delete(id);
      });
    }
    if (message.kind === "guess" && watched.penIsDown) watched.asked.get(this).set(message.id, performance.now());
    return ask.call(this, message, ...rest);
  };

  let last = 0;
  const frame = (now) => {
    if (last && watched.penIsDown) watched.frames.push([now - last, document.body.dataset.drawing === "true"]);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
"""

SHAPES = {
    "circle": [(math.cos(step / 10), math.sin(step / 10)) for step in range(64)],
    "arc": [(math.cos(step / 16), math.sin(step / 16)) for step in range(51)],
    "walls": [
        *((-1, step / 10 - 1) for step in range(20)),
        *((step / 10 - 1, 1) for step in range(20)),
        *((1, 1 - step / 10) for step in range(20)),
    ],
}
"""Lines that are drawn, in shares of their size. A circle is whole as a circle, so that other categories are tried."""


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


class Visitor:
    """A visitor with a mouse, on a page that nobody has used before."""

    def __init__(self, browser, address: str) -> None:
        self.context = browser.new_context(viewport={"width": 1000, "height": 700})
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.goto(address)
        self.page.wait_for_selector("body[data-ready=true][data-restored=true]")
        self.box = self.page.locator("#canvas").bounding_box()

    def draw(self, shape: str, *, size: float = 100, left: float = 0, pause: float = 0.012) -> None:
        """Draw a line, a point every ``pause`` seconds."""
        x, y = self.box["x"] + self.box["width"] / 2 - left, self.box["y"] + self.box["height"] / 2
        (first, *others) = [(x + size * px, y + size * py) for px, py in SHAPES[shape]]
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in others:
            self.page.mouse.move(*point)
            time.sleep(pause)
        self.page.mouse.up()

    def wait_until_drawn(self) -> None:
        """Wait until all endings are there and the first one has begun to show."""
        self.page.wait_for_function(
            "() => document.body.dataset.drawing === 'false' && !watched.lifted", timeout=60_000
        )


def watch_page(browser, address: str, rounds: int, shapes: Sequence[str]) -> dict[str, float]:
    """Draw lines on the page; return figures in ms."""
    first, frames, guesses, longest = [], [], [], []
    for round_ in range(rounds):
        for shape in shapes:
            visitor = Visitor(browser, address)
            visitor.draw(shape, size=90 + 10 * (round_ % 5))
            visitor.wait_until_drawn()
            for step in range(4):  # at once, so that the endings of the line before are under way
                visitor.draw(shape, size=30, left=60 * step - 90, pause=0.004)
            visitor.wait_until_drawn()
            watched = visitor.page.evaluate("() => watched")
            first.append(watched["shown"][0])
            frames += watched["frames"]
            guesses += watched["guesses"]
            longest.append(watched["longest"])
            visitor.context.close()
    under_way = [time for time, drawing in frames if drawing]
    return {
        "best": min(first),
        "first": statistics.median(first),
        "worst": max(first),
        "guess": statistics.median(guesses),
        "worst guess": max(guesses),
        "fps": 1000 / statistics.mean(time for time, _ in frames),
        "fps under way": 1000 / statistics.mean(under_way),
        "late": sum(time > 25 for time in under_way) / len(under_way),
        "longest": max(longest),
    }


def watch_memory(browser, address: str, drawings: int) -> str:
    """Make many drawings, each on a new sheet; return how the page's memory grew."""
    visitor = Visitor(browser, address)
    devtools = visitor.context.new_cdp_session(visitor.page)
    pid = max(renderers(browser), key=memory_of)
    sizes = []
    for number in range(drawings):
        visitor.draw(list(SHAPES)[number % len(SHAPES)], pause=0)
        visitor.wait_until_drawn()
        visitor.page.click("#new-sheet")
        if (number + 1) % max(1, drawings // 5) == 0:
            devtools.send("HeapProfiler.collectGarbage")
            heap = devtools.send("Runtime.getHeapUsage")["usedSize"] / 2**20
            sizes.append(f"{heap:.1f} and {memory_of(pid):.0f} after {number + 1}")
    visitor.context.close()
    return (
        f"{drawings} drawings, each on a new sheet: the page's heap, and all of its process with the worker, in MB: "
        + ", ".join(sizes)
        + "."
    )


def renderers(browser) -> list[int]:
    """Return the processes of a browser that show pages; other browsers may run beside it."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return [process["id"] for process in processes if process["type"] == "renderer"]


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
    times, sizes, memory = [], [], [memory_of(process.pid)]
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
            memory.append(memory_of(process.pid))

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


def memory_of(pid: int) -> float:
    """Return a process's resident memory in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def percentile(values: list[float], share: float) -> float:
    """Return a percentile."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of all shapes, each on a page just opened")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--drawings", type=int, default=500, help="after which the memory is compared")
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    began = f"{machine('cpu')}; load average {Path('/proc/loadavg').read_text().split()[0]} when it began."
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found and (arguments.rounds or arguments.drawings):
        from playwright.sync_api import sync_playwright

        with tempfile.TemporaryDirectory() as folder, server() as (_, port), sync_playwright() as driver:
            path = Path(folder) / "page.html"
            subprocess.run([sys.executable, "-m", "sketchrnn", "export-page", "-o", path], check=True)
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
            addresses = {"served": f"http://127.0.0.1:{port}/", "file": path.as_uri()}
            if arguments.rounds:
                rows = [
                    row_of(name, watch_page(browser, one, arguments.rounds, arguments.shapes))
                    for name, one in addresses.items()
                ]
                write_results("page", [began, "", *TABLE, *rows])
            if arguments.drawings:
                write_results(
                    "page memory", [began, "", watch_memory(browser, addresses["served"], arguments.drawings)]
                )
            browser.close()
    if arguments.visitors:
        with server() as (process, port):
            lines = receive(process, port, arguments.visitors, arguments.seconds)
        write_results("page server", [began, "", *lines])


TABLE = [
    "| page | pen lifted to first new line, best ms | median ms | worst ms | guess while drawing, median ms "
    "| worst ms | frames a second while drawing | the same with endings under way | of these over 25 ms "
    "| longest task ms |",
    "|" + " --- |" * 10,
]


def row_of(name: str, figures: dict[str, float]) -> str:
    """Return a row of the table."""
    return (
        f"| {name} | {figures['best']:.0f} | {figures['first']:.0f} | {figures['worst']:.0f} "
        f"| {figures['guess']:.0f} | {figures['worst guess']:.0f} | {figures['fps']:.0f} "
        f"| {figures['fps under way']:.0f} | {figures['late']:.1%} | {figures['longest']:.0f} |"
    )


if __name__ == "__main__":
    main()
