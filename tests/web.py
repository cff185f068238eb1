"""A running server and a real browser for tests."""

import contextlib
import http.client
import json
import shutil
import socket
import threading
import time

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextlib.contextmanager
def serving(app):
    """Run an application in a thread; yield its port."""
    from sketchrnn.web.server import server_of

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def ask(port, path, body=None, *, method=None, headers=None):
    """Send a request, JSON unless it is bytes; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    with contextlib.closing(connection):
        connection.request(method or ("GET" if body is None else "POST"), path, content, given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@contextlib.contextmanager
def browsing():
    """Yield a real browser; skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
