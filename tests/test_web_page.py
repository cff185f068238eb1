"""The files that the page consists of."""

import json
import re

import pytest
from web import program

from sketchrnn.model.checkpoint import load_shipped
from sketchrnn.web.model_file import page_model
from sketchrnn.web.page_files import SCRIPT, WORKER, bundled, exported_page, page_text, served_page


@pytest.mark.parametrize("entry", [SCRIPT, WORKER])
def test_a_bundle_holds_each_module_once(entry):
    script = bundled(entry)
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    names = re.findall(r"^const (module_\w+) = \(\(\) => \{", script, re.MULTILINE)
    assert len(names) == len(set(names)) > 3
    assert ("module_draw" in script) == (entry == WORKER)  # the page itself draws nothing


def test_the_kernel_is_what_its_source_says(tmp_path):
    import base64
    import subprocess

    (tmp_path / "kernel.wat").write_text(page_text("kernel.wat"))
    subprocess.run([program("wat2wasm"), "kernel.wat", "-o", "kernel.wasm"], cwd=tmp_path, check=True)
    held = re.search(r'KERNEL =\s*"([^"]*)"', page_text("kernel.js"))
    assert base64.b64decode(held[1]) == (tmp_path / "kernel.wasm").read_bytes()


def test_the_exported_page_asks_for_nothing():
    page = exported_page(page_model(load_shipped(), "int8"))
    assert len(page) < 8_000_000
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_the_served_model_is_small():
    assert len(page_model(load_shipped(), "int8")) < 6_000_000


def test_the_service_worker_keeps_every_file():
    files = served_page(b"model")
    kept = re.search(r"^const FILES = (.*);$", files["/service-worker.js"].content.decode(), re.MULTILINE)[1]
    assert {path.removeprefix("./") for path in json.loads(kept)} == {path.removeprefix("/") for path in files} - {
        "service-worker.js"
    }
