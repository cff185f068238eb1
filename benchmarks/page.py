"""How soon does the page draw after the pen lifts, how smoothly, and what does its server bear?

The page is driven in Debian's Chromium, served and as a file; the server, a process of its own, is then asked by 50
clients at once, each the next thing as soon as it has the last, and its memory is watched over many requests.
"""

import argparse
import contextlib
import http.client
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from results import machine, write_results

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SAMPLE = [[[20, 130], [84, 126], [150, 128], [236, 124]]]

WATCH = """
  window.watched = { longest: 0, frames: [], lifted: 0, shown: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) watched.longest = Math.max(watched.longest, entry.duration);
  }).observe({ type: "longtask" });
  const canvas = document.getElementById("canvas");
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--completion").trim();
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    if (watched.lifted && !watched.shown && this.strokeStyle === colour)
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


def ask(port: int, body: dict, path: str = "/api/completions/stream") -> tuple[int, float, float]:
    """Return the status, and the seconds to the first and to the last byte."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read(1)
        first = time.perf_counter() - began
        answer.read()
        return answer.status, first, time.perf_counter() - began


def load(port: int, users: int, seconds: float) -> tuple[Counter, list[float], list[float]]:
    """Let so many users ask one thing after another; return statuses, and seconds to the first and last byte."""
    statuses: Counter = Counter()
    first, last = [], []
    end = time.monotonic() + seconds
    categories = ["cat", "pig", "snake", "face", "cactus"]

    def user(number: int) -> None:
        turn = 0
        while time.monotonic() < end:
            body = {"strokes": SAMPLE, "category": categories[(number + turn) % 5], "count": 1, "scale": 1}
            try:
                status, began, done = ask(port, {**body, "seed": number * 1000 + turn})
                first.append(began)
                last.append(done)
            except OSError as error:
                status = type(error).__name__
            statuses[status] += 1
            turn += 1

    threads = [threading.Thread(target=user, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses, first, last


def memory_of(process: subprocess.Popen) -> float:
    """Return a process's resident memory in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024


def remember(process: subprocess.Popen, port: int, requests: int) -> list[tuple[int, float]]:
    """Ask many small things from a few clients; return the memory as it goes."""
    seen = []
    done = 0
    while done < requests:
        share = max(1, requests // 10)

        def client(number: int, share: int = share) -> None:
            for turn in range(share // 4):
                ask(port, {"strokes": SAMPLE, "category": "pig", "max_points": 8, "seed": number + turn, "scale": 1})

        threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done += share
        seen.append((done, memory_of(process)))
    return seen


def percentile(values: list[float], share: float) -> float:
    """Return a percentile."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=10_000)
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
        ask(port, {"strokes": SAMPLE, "category": "pig"})
        statuses, first, last = load(port, arguments.users, arguments.seconds)
        lines += [
            f"{arguments.users} clients at once for {arguments.seconds:g} s, each a completion after the other: "
            f"{sum(statuses.values()):,} answers, by status {dict(statuses)}. Seconds to the first byte / to the last: "
            + ", ".join(
                f"p{round(100 * share)} {percentile(first, share):.2f} / {percentile(last, share):.2f}"
                for share in (0.5, 0.9, 0.99)
            )
            + ".",
            "",
        ]
        memory = remember(process, port, arguments.requests)
        lines += [
            "Resident memory over further requests: "
            + ", ".join(f"{megabytes:.0f} MB after {done:,}" for done, megabytes in memory)
            + "."
        ]
    write_results("page", lines)


if __name__ == "__main__":
    main()
