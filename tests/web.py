"""The page's server, its engine in Node and in a browser, and a real browser for tests."""

import base64
import contextlib
import http.client
import json
import shutil
import subprocess
import threading
from pathlib import Path

from sketchrnn.web.page_files import MEDIA_TYPES, PageFile
from sketchrnn.web.server import PageServer

PATIENCE = 300
"""Seconds that a test waits for another process or thread, on a busy machine too."""
PAGE_WAIT = 120_000  # ms: the machine may be busy
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ROOT = Path(__file__).parent.parent
DRIVER = "tests/engine_driver.js"


@contextlib.contextmanager
def serving(files, host="127.0.0.1"):
    """Run a server in a thread; yield its port."""
    server = PageServer(files, host, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(port, path, *, method="GET", headers=None):
    """Send a request; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def program(*names):
    """Return a program's path; the test fails where there is none."""
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, f"this test needs one of {', '.join(names)}; .ci/run installs it"
    return found


@contextlib.contextmanager
def browsing():
    """Yield a real browser."""
    from playwright import sync_api

    path = program(*BROWSERS)
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Engine:
    """The engine in JavaScript; ``ask`` sends a line to tests/engine_driver.js and returns its answer."""

    def __init__(self, ask):
        self._ask = ask

    def __call__(self, name, *values):
        answer = json.loads(self._ask(json.dumps([name, *values])))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def load(self, content, **options):
        """Load a model's file."""
        return self("load", base64.b64encode(content).decode(), options)


@contextlib.contextmanager
def engine_in_node():
    """Yield the engine in Node."""
    process = subprocess.Popen(
        [program("node"), ROOT / DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline()

    with process:
        yield Engine(ask)
        process.stdin.close()


@contextlib.contextmanager
def engine_in_chromium():
    """Yield the engine in Chromium, under the content security policy of the served page."""
    paths = [ROOT / DRIVER, *(ROOT / "sketchrnn/web/engine").glob("*.js")]
    files = {
        f"/{path.relative_to(ROOT).as_posix()}": PageFile(path.read_bytes(), MEDIA_TYPES["js"], immutable=False)
        for path in paths
    }
    files["/"] = PageFile(b"", MEDIA_TYPES["html"], immutable=False)
    with serving(files) as port, browsing() as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.evaluate(f"async () => {{ window.driver = await import('/{DRIVER}'); }}")
        yield Engine(lambda line: page.evaluate("(line) => driver.answer(line)", line))
