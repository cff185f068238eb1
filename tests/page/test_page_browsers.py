"""The main path in Firefox and WebKit, where they are installed: draw, see endings, undo, reload."""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

PATIENCE = 120  # seconds
MINI_BROWSER = next(iter(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")), None)


def wanted(*programs):
    """Skip without a program."""
    for program in programs:
        if program is None or shutil.which(program) is None:
            pytest.skip(f"{program or 'MiniBrowser'} is absent")


@contextlib.contextmanager
def display():
    """Yield the environment of a program that needs a screen."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1200x900x24"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            yield {**os.environ, "DISPLAY": f":{numbers.readline().strip()}"}
    finally:
        server.terminate()
        server.wait()


class Firefox:
    """Firefox by WebDriver BiDi, which it speaks without a program between."""

    def __init__(self, process, profile):
        from websocket import create_connection

        port = None
        for line in process.stderr:
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                port = found[1]
                break
        assert port, "Firefox said no address"
        self.numbers = itertools.count(1)
        self.socket = create_connection(f"{port}/session", timeout=PATIENCE, suppress_origin=True)
        self.call("session.new", capabilities={})
        self.context = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def get(self, address):
        self.call("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def run(self, expression):
        result = self.call(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": self.context},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        value = result["result"].get("value")
        return None if value is None else json.loads(value)

    def draw(self, points):
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y)} for x, y in points]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self.call("input.performActions", context=self.context, actions=[pointer])


class WebKit:
    """WebKitGTK by its WebDriver."""

    def __init__(self, driver):
        self.driver = driver

    def get(self, address):
        self.driver.get(address)

    def run(self, expression):
        return self.driver.execute_script(f"return {expression}")

    def draw(self, points):
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        actions = ActionBuilder(self.driver, duration=20)
        pointer = actions.pointer_action
        for index, (x, y) in enumerate(points):
            pointer.move_to_location(round(x), round(y))
            if not index:
                pointer.pointer_down()
        pointer.pointer_up()
        actions.perform()


@contextlib.contextmanager
def firefox(folder):
    wanted("firefox-esr")
    (folder / "user.js").write_text(
        'user_pref("ui.prefersReducedMotion", 1);\nuser_pref("intl.accept_languages", "en");\n'
    )
    command = ["firefox-esr", "--headless", "--remote-debugging-port", "0", "--profile", folder]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield Firefox(process, folder)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def webkit(folder):
    wanted("WebKitWebDriver", "Xvfb", MINI_BROWSER)
    from selenium.webdriver import WebKitGTK, WebKitGTKOptions
    from selenium.webdriver.webkitgtk.service import Service

    options = WebKitGTKOptions()
    options.binary_location = str(MINI_BROWSER)
    options.add_argument("--automation")
    with display() as environment:
        environment |= {
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "LANG": "en_US.UTF-8",
        }
        driver = WebKitGTK(options=options, service=Service(shutil.which("WebKitWebDriver"), env=environment))
        try:
            yield WebKit(driver)
        finally:
            driver.quit()


def wait_for(browser, expression):
    """Wait until an expression is true."""
    until = time.monotonic() + PATIENCE
    while not browser.run(expression):
        assert time.monotonic() < until, f"{expression}: {browser.run('document.getElementById(`status`).textContent')}"
        time.sleep(0.1)


@pytest.mark.parametrize("start", [firefox, webkit], ids=["firefox", "webkit"])
@pytest.mark.parametrize("place", ["served", "file"])
def test_a_drawing_is_finished_and_kept(addresses, tmp_path, start, place):
    ready = "document.body?.dataset.ready === 'true' && document.body.dataset.restored === 'true'"
    drawn = "document.body.dataset.drawing === 'false' && document.querySelectorAll('.ending svg').length > 0"
    with start(tmp_path) as browser:
        browser.get(addresses[place])
        wait_for(browser, ready)
        box = browser.run(
            "(({ x, y, width, height }) => [x, y, width, height])"
            "(document.getElementById('canvas').getBoundingClientRect())"
        )
        x, y, size = box[0] + box[2] / 2, box[1] + box[3] / 2, min(box[2], box[3]) / 2
        browser.draw(
            [
                (x + size * a, y + size * b)
                for a, b in [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.4)]
            ]
        )
        wait_for(browser, drawn)
        assert "1 stroke of yours" in browser.run("document.getElementById('description').textContent")
        pictures = "[...document.querySelectorAll('.ending .drawn')].map((path) => path.getAttribute('d'))"
        before = browser.run(pictures)
        browser.get(addresses[place])
        wait_for(browser, f"{ready} && {drawn}")
        assert browser.run(pictures) == before
        browser.run("document.getElementById('undo').click() || true")
        wait_for(browser, "!document.getElementById('hint').hidden")
