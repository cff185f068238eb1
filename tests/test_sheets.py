import dataclasses
import errno
import os
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from builders import checkpoint_of, network_of, random_drawings, rows_of_drawing, small_model
from test_training import DRAWINGS, TRAINING, Watcher, run_training

from sketchrnn.errors import ConfigurationError
from sketchrnn.training.files import sheets_path
from sketchrnn.training.reports import PICTURES, choose_prefixes, completion_sheet

CATEGORIES = tuple("abcdefghijklmnopqrst")


@pytest.mark.parametrize(
    ("categories", "count"), [(CATEGORIES, 80), (("a",), 80), (("a", "b", "c"), 40), (("a", "b", "c"), 7)]
)
def test_prefixes_are_first_halves_of_as_many_categories_as_can_be(categories, count):
    drawings = random_drawings(count, categories=categories)
    prefixes = choose_prefixes(drawings)
    assert len(prefixes) == min(PICTURES, count)
    assert len({prefix.category for prefix in prefixes}) == min(PICTURES, len(np.unique(drawings.category)))
    halves = []
    for place in range(count):
        rows = rows_of_drawing(drawings, place)
        halves.append((categories[drawings.category[place]], rows[: (len(rows) + 1) // 2, :2]))
    for prefix in prefixes:
        offsets = prefix.sketch.to_stroke3()[:, :2]
        assert any(
            prefix.category == category and offsets.shape == half.shape and np.allclose(offsets, half, atol=1e-3)
            for category, half in halves
        )


def test_a_sheet_shows_prefixes_and_their_completions():
    checkpoint = checkpoint_of(network_of(small_model(categories=("pig", "face"))), max_length=20)
    prefixes = choose_prefixes(DRAWINGS.of_split("valid"), 3)
    sheet = completion_sheet(checkpoint, prefixes, "a title")
    root = ElementTree.fromstring(sheet)
    groups = {group.get("id"): group for group in root.iter("{http://www.w3.org/2000/svg}g") if group.get("id")}
    for number, prefix in enumerate(prefixes):
        assert len(groups[f"prefix-{number}"]) == len(prefix.sketch.strokes)
        assert f"completion-{number}" in groups
    assert "a title" in sheet
    assert sheet == completion_sheet(checkpoint, prefixes, "a title")


def test_each_evaluation_leaves_a_sheet_and_a_new_run_none_of_the_old(tmp_path):
    watcher = Watcher()
    run_training(tmp_path / "a.safetensors", observer=watcher)
    folder = sheets_path(tmp_path / "a.safetensors")
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["0000004.svg", "0000008.svg", "0000012.svg"]
    assert [file.read_text() for file in files] == watcher.sheets
    assert len(set(watcher.sheets)) == 3
    run_training(tmp_path / "a.safetensors", training=dataclasses.replace(TRAINING, max_steps=4))
    assert [file.name for file in folder.iterdir()] == ["0000004.svg"]


def test_tensorboard_gets_figures_and_the_sheet(tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from sketchrnn.training.reports import Observers, TensorBoard

    board, watcher = TensorBoard(tmp_path / "board"), Watcher()
    watcher.on_evaluation = lambda report, sheet: watcher.evaluations.append(report)
    run_training(
        tmp_path / "a",
        training=dataclasses.replace(TRAINING, max_steps=100, evaluate_every=50),
        observer=Observers([board, watcher]),
    )
    board.close()
    events = event_accumulator.EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    for name, attribute in (
        ("loss/L_R", "reconstruction"),
        ("loss/L_KL", "kl"),
        ("schedule/learning rate", "learning_rate"),
        ("schedule/KL weight", "kl_weight"),
        ("gradient norm", "gradient_norm"),
        ("drawings per second", "drawings_per_second"),
    ):
        seen = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in seen] == [50, 100]
        expected = [getattr(report, attribute) for report in watcher.reports]
        assert [value for _, value in seen] == pytest.approx(expected, rel=1e-5)
    nats = [event.value for event in events.Scalars("validation/nats per point after 25%")]
    assert nats == pytest.approx([report.nats_per_point[1] for report in watcher.evaluations], rel=1e-5)
    images = events.Images("completions")
    assert [image.step for image in images] == [50, 100]
    assert (images[0].width, images[0].height) == (images[1].width, images[1].height)
    assert images[0].encoded_image_string != images[1].encoded_image_string


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    pytest.importorskip("tensorboard")
    from sketchrnn.training.reports import TensorBoard

    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file: cannot be written"):
        TensorBoard(tmp_path / "file")


def test_a_disk_that_fills_up_does_not_stop_training(tmp_path, monkeypatch, caplog):
    pytest.importorskip("tensorboard")
    from sketchrnn.training.reports import TensorBoard

    board = TensorBoard(tmp_path / "board")

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(board._writer, "add_scalar", full)
    outcome = run_training(tmp_path / "a", observer=board)
    board.close()
    assert outcome.finished
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "cannot be written: no space left on device; TensorBoard gets no more figures"
    ]


def test_without_tensorboard_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    from sketchrnn.training.reports import TensorBoard

    with pytest.raises(ConfigurationError, match=r"sketchrnn\[tensorboard\]"):
        TensorBoard(tmp_path)
