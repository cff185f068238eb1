"""`sketchrnn prepare` and `download`, killed at random moments: does the same command then give the same bytes?

    python benchmarks/kills_of_prepare.py drawings.ndjson --kills 50

Each time the command starts afresh, is killed by SIGKILL at a random moment, its start and its end included, and given
again. It downloads from a server on this machine.
"""

import argparse
import contextlib
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from results import write_results

PIECE = 4000  # bytes that the server sends at a time
PAUSE = 0.002  # seconds between two pieces


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files slowly, and from the middle on."""

    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        """Send what is asked for."""
        content = Path(self.translate_path(self.path)).read_bytes()
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", f'"{len(content)}"')
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client was killed
            for place in range(start, len(content), PIECE):
                self.wfile.write(content[place : place + PIECE])
                time.sleep(PAUSE)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def disturbed(command: list[str], folder: Path, kills: int, generator: np.random.Generator) -> tuple[int, int, float]:
    """Kill a command that writes into a folder, again and again.

    Returns:
        How many of the kills met it at work, after how many the result was that of the undisturbed run, and how long
        that took.
    """
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    span = time.monotonic() - started
    expected, met, same = contents(folder), 0, 0
    for _ in range(kills):
        shutil.rmtree(folder)
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0.0, 1.05 * span))
        met += child.poll() is None
        child.kill()
        child.wait()
        subprocess.run(command, check=True, capture_output=True)
        same += contents(folder) == expected
    return met, same, span


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="about 5 MB of simplified drawings")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = arguments.file.read_bytes()
        served = folder / "served" / "full" / "simplified"
        served.mkdir(parents=True)
        sources = []
        for category in ("cat", "bus", "eye", "pig"):
            path = folder / f"{category}.ndjson"
            path.write_bytes(content.replace(b'"word":"eye"', b'"word":"%s"' % category.encode()))
            shutil.copy(path, served)
            sources.append(str(path))
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *given: Handler(*given, directory=str(folder / "served"))
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ["SKETCHRNN_QUICKDRAW"] = f"http://127.0.0.1:{server.server_address[1]}"
        run = [sys.executable, "-m", "sketchrnn"]
        commands = {
            "prepare": [*run, "prepare", *sources, "-o", str(folder / "store"), "--processes", "2"],
            "download": [*run, "download", "cat", "bus", "eye", "--to", str(folder / "data")],
        }
        for what, target in (("prepare", "store"), ("download", "data")):
            met, same, span = disturbed(commands[what], folder / target, arguments.kills, generator)
            lines.append(
                f"`{what}`, {span:.1f} s undisturbed: killed {arguments.kills} times, {met} of them at work; given "
                f"again it left the bytes of the undisturbed run, and nothing else, {same} times of {arguments.kills}."
            )
            print(lines[-1], flush=True)
        server.shutdown()
    write_results("kills_of_prepare", lines)


if __name__ == "__main__":
    main()
