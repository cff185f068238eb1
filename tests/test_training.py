import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from builders import CONFIGURATIONS, random_drawings, small_model
from web import PATIENCE

from sketchrnn.errors import CheckpointError, ConfigurationError, DatasetError, SketchRNNError, TrainingError
from sketchrnn.model.checkpoint import CATEGORY_COUNTS, load_checkpoint
from sketchrnn.training import files, run, state
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.files import last_path, log_path
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.reports import Silent
from sketchrnn.training.run import train

MAX_LENGTH = 12
DRAWINGS = random_drawings(40, categories=("pig", "face"))
MODEL = small_model(latent_dropout=0.5)
TRAINING = TrainingConfiguration(
    max_steps=12,
    batch_size=10,
    learning_rate=0.01,
    learning_rate_schedule="exponential",
    warmup_steps=0,
    dropout=0.1,
    weight_decay=0.01,
    evaluate_every=4,
    checkpoint_every=3,
)


class Watcher(Silent):
    """Notes what it is told; at a step it does something."""

    def __init__(self, at=None, act=None):
        self.steps, self.reports, self.evaluations, self.sheets = [], [], [], []
        self.at, self.act = at, act

    def on_step(self, step, report):
        self.steps.append(step)
        if report is not None:
            self.reports.append(report)
        if step == self.at:
            self.act()

    def on_evaluation(self, report, sheet):
        self.evaluations.append(report)
        self.sheets.append(sheet)


def run_training(path, model=MODEL, training=TRAINING, drawings=DRAWINGS, **settings):
    settings = {"max_length": MAX_LENGTH, **settings}
    return train(drawings, model, training, path, **settings)


def test_a_model_says_how_many_drawings_of_each_category_it_was_trained_on(tmp_path):
    run_training(tmp_path / "a.safetensors")
    training = DRAWINGS.of_split("train")
    counts = [int((training.category == place).sum()) for place in range(len(DRAWINGS.categories))]
    assert load_checkpoint(tmp_path / "a.safetensors").training[CATEGORY_COUNTS] == counts


def interrupt():
    signal.raise_signal(signal.SIGINT)


def stored(path):
    """The weights, optimizer's too, and the training record of a checkpoint."""
    checkpoint = load_checkpoint(path)
    return checkpoint.weights, checkpoint.training


def assert_same_checkpoint(path, other):
    for ours, theirs in ((path, other), (last_path(path), last_path(other))):
        (weights, training), (other_weights, other_training) = stored(ours), stored(theirs)
        assert weights.keys() == other_weights.keys()
        for name, value in weights.items():
            assert np.array_equal(value, other_weights[name]), name
        assert training == other_training


def records_of(path, kind=None):
    records = [json.loads(line) for line in log_path(path).read_text().splitlines()]
    return [record for record in records if kind in (None, record["kind"])]


# --- learning


@pytest.mark.parametrize("kind", ["vae with categories", "decoder only"])
def test_the_loss_falls(tmp_path, kind):
    model = small_model(**{**CONFIGURATIONS[kind], "decoder_units": 24})
    training = dataclasses.replace(TRAINING, max_steps=150, evaluate_every=50, dropout=0.0, augment_drop=0.0)
    drawings = random_drawings(8, longest=6, categories=("pig", "face"))
    watcher = Watcher()
    run_training(tmp_path / "a", model, training, drawings, observer=watcher)
    losses = [report.reconstruction for report in watcher.reports]
    assert len(losses) == 3
    assert losses[2] < losses[1] < losses[0]
    assert losses[2] < losses[0] - 0.3
    assert all(report.seconds_left >= 0 and report.drawings_per_second > 0 for report in watcher.reports)
    assert watcher.steps == list(range(1, 151))


@pytest.mark.parametrize("changes", [{"clipping": "norm"}, {"precision": "bfloat16"}, {"pen_over_padding": True}])
def test_other_settings_learn_too(tmp_path, changes):
    training = dataclasses.replace(TRAINING, max_steps=50, evaluate_every=50, **changes)
    watcher = Watcher()
    outcome = run_training(tmp_path / "a", training=training, observer=watcher)
    assert outcome.finished
    assert np.isfinite(watcher.reports[0].reconstruction)
    first = evaluate(SketchRNN(MODEL), DRAWINGS.with_categories(("pig", "face")), DRAWINGS.offset_scale(), MAX_LENGTH)
    assert watcher.evaluations[0].nats_per_point[0] < first.nats_per_point[0]


def test_the_pen_over_padding_counts_every_row_up_to_nmax(tmp_path, monkeypatch):
    seen = []
    original = run.reconstruction_losses

    def spy(mixture, targets, lengths, max_length, *, pen_rows):
        seen.append((targets.shape[1], pen_rows))
        return original(mixture, targets, lengths, max_length, pen_rows=pen_rows)

    monkeypatch.setattr(run, "reconstruction_losses", spy)
    for over_padding in (True, False):
        training = dataclasses.replace(TRAINING, max_steps=3, pen_over_padding=over_padding)
        run_training(tmp_path / "a", training=training, max_length=30)
    assert {rows for rows, _ in seen[:3]} == {31}
    assert max(rows for rows, _ in seen[3:]) <= 13
    assert [pen_rows for _, pen_rows in seen] == ["all"] * 3 + ["end"] * 3


def test_a_seed_repeats_a_run_and_another_does_not(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_training(tmp_path / name, training=dataclasses.replace(TRAINING, seed=seed))
    assert_same_checkpoint(tmp_path / "a", tmp_path / "b")
    weights, other = stored(tmp_path / "a")[0], stored(tmp_path / "c")[0]
    assert any(not np.array_equal(weights[name], other[name]) for name in weights)


# --- what is kept


def test_the_checkpoint_holds_what_using_the_model_takes(tmp_path):
    outcome = run_training(tmp_path / "a.safetensors")
    best, last = load_checkpoint(tmp_path / "a.safetensors"), load_checkpoint(tmp_path / "a.last.safetensors")
    assert best.configuration == last.configuration == dataclasses.replace(MODEL, categories=("pig", "face"))
    assert best.offset_scale == DRAWINGS.offset_scale()
    assert (best.unit, best.max_length) == ("box", MAX_LENGTH)
    assert not any(name.startswith("optimizer.") for name in best.weights)
    assert sum(name.startswith("optimizer.exp_avg.") for name in last.weights) == len(best.weights)
    assert best.training["step"] == best.training["best_step"] == outcome.best_step
    assert last.training["step"] == outcome.step == 12
    assert last.training["best_score"] == outcome.best_score
    assert outcome.finished
    assert not outcome.interrupted
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.safetensors", "a.last.safetensors", "a.log.jsonl", "a.sheets",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["vae", "vae with categories", "decoder only"])
def test_the_best_is_the_lowest_score_and_its_weights_are_kept(tmp_path, kind):
    watcher = Watcher()
    training = dataclasses.replace(TRAINING, max_steps=20, evaluate_every=2, learning_rate=0.1, kl_floor=0.001)
    outcome = run_training(tmp_path / "a", small_model(**CONFIGURATIONS[kind]), training, observer=watcher)
    scores = [report.score for report in watcher.evaluations]
    assert [report.step for report in watcher.evaluations] == list(range(2, 21, 2))
    assert outcome.best_score == min(scores)
    assert outcome.best_step == watcher.evaluations[int(np.argmin(scores))].step
    running = np.minimum.accumulate([float("inf"), *scores])
    assert [report.best for report in watcher.evaluations] == [
        score < before for score, before in zip(scores, running, strict=False)
    ]
    assert not all(report.best for report in watcher.evaluations)  # else nothing was chosen
    checkpoint = load_checkpoint(tmp_path / "a")
    network = SketchRNN.from_checkpoint(checkpoint)
    again = evaluate(network, DRAWINGS.of_split("valid"), checkpoint.offset_scale, MAX_LENGTH)
    best = watcher.evaluations[int(np.argmin(scores))]
    assert again.nats_per_point == pytest.approx(best.nats_per_point, rel=1e-5)
    for report in watcher.evaluations:
        if kind == "vae":  # the weight of the end, not the step's 0.01
            assert report.score == pytest.approx(report.reconstruction + 0.5 * max(report.kl, 0.001))
        else:
            assert report.score == report.nats_per_point[0]


def test_the_kl_in_the_score_has_its_floor(tmp_path):
    watcher = Watcher()
    training = dataclasses.replace(TRAINING, max_steps=1, kl_floor=50.0, kl_weight=2.0)
    run_training(tmp_path / "a", small_model(latent_dropout=0.0), training, observer=watcher)
    report = watcher.evaluations[0]
    assert report.score == pytest.approx(report.reconstruction + 100.0)


def test_the_log_has_one_object_a_line(tmp_path):
    training = dataclasses.replace(TRAINING, max_steps=110, evaluate_every=40)
    run_training(tmp_path / "a", training=training)
    assert [record["step"] for record in records_of(tmp_path / "a", "step")] == [50, 100]
    assert [record["step"] for record in records_of(tmp_path / "a", "evaluation")] == [40, 80, 110]
    assert len(records_of(tmp_path / "a")) == 5
    assert records_of(tmp_path / "a", "step")[0]["learning_rate"] == pytest.approx((0.01 - 1e-5) * 0.9999**49 + 1e-5)


# --- stopping and going on


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["vae with categories", "decoder only"])
@pytest.mark.parametrize("at", [1, 4, 7])
def test_an_interrupted_run_goes_on_to_the_last_bit(tmp_path, kind, at, number):
    model = small_model(**CONFIGURATIONS[kind])
    run_training(tmp_path / "whole", model)
    handler = signal.getsignal(number)
    outcome = run_training(tmp_path / "parts", model, observer=Watcher(at, lambda: signal.raise_signal(number)))
    assert signal.getsignal(number) is handler
    assert outcome.interrupted
    assert not outcome.finished
    assert outcome.step == at == stored(last_path(tmp_path / "parts"))[1]["step"]
    outcome = run_training(tmp_path / "parts", model, resume=True)
    assert outcome.finished
    assert outcome.step == 12
    assert_same_checkpoint(tmp_path / "parts", tmp_path / "whole")
    assert records_of(tmp_path / "parts", "evaluation") == records_of(tmp_path / "whole", "evaluation")


def test_the_comparison_notices_a_lost_optimizer(tmp_path, monkeypatch):
    run_training(tmp_path / "whole")
    run_training(tmp_path / "parts", observer=Watcher(4, interrupt))
    original = state.load_checkpoint

    def with_fresh_moments(path):
        checkpoint = original(path)
        fresh = {name: 0 * value for name, value in checkpoint.weights.items() if name.startswith("optimizer.exp")}
        return dataclasses.replace(checkpoint, weights=checkpoint.weights | fresh)

    monkeypatch.setattr(state, "load_checkpoint", with_fresh_moments)
    run_training(tmp_path / "parts", resume=True)
    with pytest.raises(AssertionError):
        assert_same_checkpoint(tmp_path / "parts", tmp_path / "whole")


def test_a_second_interrupt_ends_at_once_and_a_file_is_there_to_go_on_from(tmp_path):
    run_training(tmp_path / "whole")

    def twice():
        interrupt()
        interrupt()

    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path / "parts", observer=Watcher(8, twice))
    assert stored(last_path(tmp_path / "parts"))[1]["step"] == 6
    run_training(tmp_path / "parts", resume=True)
    assert_same_checkpoint(tmp_path / "parts", tmp_path / "whole")


def test_it_trains_in_another_thread_too(tmp_path):
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(run_training(tmp_path / "a")))
    thread.start()
    thread.join()
    assert outcomes[0].finished


def test_out_of_time_everything_is_kept(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: clock[0])

    class OneSecondEach(Watcher):
        def on_step(self, step, report):
            super().on_step(step, report)
            clock[0] += 1.0

    training = dataclasses.replace(TRAINING, max_steps=100_000, checkpoint_every=100_000, evaluate_every=100_000)
    watcher = OneSecondEach()
    outcome = run_training(tmp_path / "a", training=training, max_seconds=5.0, observer=watcher)
    assert outcome.step == 5
    assert not outcome.finished
    assert not outcome.interrupted
    assert stored(last_path(tmp_path / "a"))[1]["step"] == outcome.step
    assert [report.step for report in watcher.evaluations] == [outcome.step]
    assert outcome.best_step == outcome.step
    again = run_training(tmp_path / "a", training=training, max_seconds=3.0, resume=True, observer=OneSecondEach())
    assert again.step == 8


def test_no_time_at_all(tmp_path):
    outcome = run_training(tmp_path / "a", max_seconds=0.0)
    assert (outcome.step, outcome.best_step) == (0, 0)
    run_training(tmp_path / "whole")
    run_training(tmp_path / "a", resume=True)
    for name, value in stored(last_path(tmp_path / "a"))[0].items():
        assert np.array_equal(value, stored(last_path(tmp_path / "whole"))[0][name])


def test_patience_ends_a_run_that_gets_no_better(tmp_path):
    training = dataclasses.replace(TRAINING, max_steps=60, evaluate_every=5, patience=2, learning_rate=1e-12)
    training = dataclasses.replace(training, min_learning_rate=0.0, averaged_share=0.0)  # nothing is learned
    outcome = run_training(tmp_path / "a", training=training)
    assert outcome.finished
    assert outcome.step == outcome.best_step + 10 < 60
    assert run_training(tmp_path / "a", training=training, resume=True).step == outcome.step


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    run_training(tmp_path / "a")
    run_training(tmp_path / "whole")
    for _ in range(2):
        assert run_training(tmp_path / "a", resume=True).finished
    assert_same_checkpoint(tmp_path / "a", tmp_path / "whole")
    assert records_of(tmp_path / "a") == records_of(tmp_path / "whole")


def test_more_steps_can_be_added(tmp_path):
    longer = dataclasses.replace(TRAINING, max_steps=16)
    run_training(tmp_path / "a")
    assert run_training(tmp_path / "a", training=longer, resume=True).step == 16
    run_training(tmp_path / "whole", training=longer)
    assert_same_checkpoint(tmp_path / "a", tmp_path / "whole")


def test_a_log_with_steps_that_are_taken_again_and_a_line_cut_off(tmp_path):
    run_training(tmp_path / "whole")
    run_training(tmp_path / "a", observer=Watcher(7, interrupt))
    with log_path(tmp_path / "a").open("a") as file:
        file.write('{"kind": "evaluation", "step": 8, "score": 1.0}\n{"kind": "evaluation", "st')
    run_training(tmp_path / "a", resume=True)
    assert records_of(tmp_path / "a") == records_of(tmp_path / "whole")


@pytest.fixture
def losses_not_finite(monkeypatch):
    """Let the losses of chosen steps, counted from 0, be NaN."""
    chosen: set[int] = set()
    steps = iter(range(10_000))
    original = run.reconstruction_losses

    def broken(*arguments, **options):
        offset, pen = original(*arguments, **options)
        return (offset * float("nan"), pen) if next(steps) in chosen else (offset, pen)

    monkeypatch.setattr(run, "reconstruction_losses", broken)
    return chosen


@pytest.mark.parametrize("clipping", ["value", "norm"])
def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(tmp_path, losses_not_finite, clipping):
    training = dataclasses.replace(TRAINING, max_steps=50, checkpoint_every=1, evaluate_every=1, clipping=clipping)
    losses_not_finite |= {3, 4, 20}
    seen = {}
    watcher = Watcher()
    watcher.on_evaluation = lambda report, sheet: seen.update({report.step: stored(last_path(tmp_path / "a"))[0]})
    run_training(tmp_path / "a", training=training, observer=watcher)
    for after, before in ((5, 4), (6, 5), (22, 21)):  # at an evaluation the file holds the step before
        trained = [name for name in seen[after] if name.startswith("optimizer.")]
        changed = [name for name in trained if not np.array_equal(seen[after][name], seen[before][name])]
        assert trained
        assert not changed, (after, changed)
    assert any(not np.array_equal(value, seen[7][name]) for name, value in seen[8].items())
    (report,) = watcher.reports
    assert report.skipped == 3
    assert np.isfinite([report.reconstruction, report.kl, report.gradient_norm]).all()
    assert all(np.isfinite(value).all() for value in stored(last_path(tmp_path / "a"))[0].values())


def test_a_run_that_stays_not_finite_stops_and_keeps_the_last_good_weights(tmp_path, losses_not_finite):
    losses_not_finite |= set(range(33, 1000))
    training = dataclasses.replace(TRAINING, max_steps=1000, evaluate_every=1000)
    with pytest.raises(TrainingError, match=r"step 50: .* not finite in the last 17 steps.*Last weights: .*a\.last"):
        run_training(tmp_path / "a", training=training)
    losses_not_finite.clear()
    run_training(tmp_path / "whole", training=dataclasses.replace(training, max_steps=33))
    for name, value in stored(last_path(tmp_path / "whole"))[0].items():
        if name.startswith("optimizer."):  # the average goes on following them
            assert np.array_equal(value, stored(last_path(tmp_path / "a"))[0][name]), name


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size")
def test_a_full_disk_is_said_and_harms_no_file(tmp_path, caplog):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = {}

    class FullInBetween(Watcher):
        def on_step(self, step, report):
            super().on_step(step, report)
            if step == 3:
                before.update({path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".last"})
                resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))  # the disk is full
            if step == 7:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
                assert {path: path.read_bytes() for path in before} == before

    watcher = FullInBetween()
    try:
        outcome = run_training(tmp_path / "a", observer=watcher)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.finished
    assert len(before) == 1
    for said, file in zip(
        caplog.messages, ("a.last", "a", "a.log.jsonl", "a.sheets/0000004.svg", "a.last"), strict=True
    ):
        assert f"{tmp_path / file}: cannot be written: " in said
    run_training(tmp_path / "whole")
    for name, value in stored(last_path(tmp_path / "whole"))[0].items():
        assert np.array_equal(value, stored(last_path(tmp_path / "a"))[0][name])
    assert not list(tmp_path.glob(".*"))
    assert [record["step"] for record in records_of(tmp_path / "a", "evaluation")] == [8, 12]


KILLED = dataclasses.replace(TRAINING, max_steps=60, checkpoint_every=1, evaluate_every=3)
CHILD = """
import os, signal, sys, threading
from pathlib import Path
from test_training import KILLED, Watcher, run_training
path, at, seconds, number = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
kill = threading.Timer(seconds, os.kill, (os.getpid(), number))
run_training(path, training=KILLED, observer=Watcher(at, kill.start))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_run_leaves_checkpoints_and_goes_on_to_the_last_bit(tmp_path):
    places = [str(Path(__file__).parent), str(Path(run.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    generator = np.random.default_rng(0)
    children = {}
    for number, at in ((signal.SIGKILL, 3), (signal.SIGKILL, 9), (signal.SIGTERM, 12), (signal.SIGKILL, 16)):
        path = tmp_path / f"{number.name} at {at}"
        moment = [str(at), str(generator.uniform(0, 0.03)), str(int(number))]
        children[path] = subprocess.Popen([sys.executable, "-c", CHILD, str(path), *moment], env=environment)
    run_training(tmp_path / "whole", training=KILLED)
    for path, child in children.items():
        assert child.wait(timeout=PATIENCE) == (0 if path.name.startswith("SIGTERM") else -signal.SIGKILL)
        best, last = stored(path)[1], stored(last_path(path))[1]
        assert 2 <= last["step"] < KILLED.max_steps
        assert best["step"] <= last["step"] + 1  # saved in the step in which it was killed
        assert run_training(path, training=KILLED, resume=True).finished
        assert_same_checkpoint(path, tmp_path / "whole")
        assert records_of(path, "evaluation") == records_of(tmp_path / "whole", "evaluation")


def test_a_model_that_cannot_be_written_is_not_the_best(tmp_path, monkeypatch):
    whole, watcher = Watcher(), Watcher()
    run_training(tmp_path / "whole", observer=whole)
    original, calls = files.RunFiles.keep_best, []

    def failing_once(self, score):
        calls.append(score)
        return len(calls) > 1 and original(self, score)

    monkeypatch.setattr(files.RunFiles, "keep_best", failing_once)
    run_training(tmp_path / "a", observer=watcher)
    assert whole.evaluations[0].best
    assert not watcher.evaluations[0].best
    assert [report.score for report in watcher.evaluations] == [report.score for report in whole.evaluations]


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"training": dataclasses.replace(TRAINING, learning_rate=0.5)},
            "configuration.learning_rate was 0.01, is 0.5",
        ),
        ({"training": dataclasses.replace(TRAINING, seed=7)}, "configuration.seed was 0, is 7"),
        ({"model": small_model(decoder_units=13)}, "model.decoder_units was 12, is 13"),
        ({"drawings": random_drawings(44, categories=("pig", "face"))}, "drawings.train was 30, is 33"),
        ({"drawings": random_drawings(40, 1, categories=("pig", "face"))}, "drawings.fingerprint was"),
        ({"drawings": dataclasses.replace(DRAWINGS, categories=("cat", "face"))}, "model.categories was"),
        ({"max_length": 13}, "max_length was 12, is 13"),
    ],
)
def test_going_on_with_something_else_is_refused(tmp_path, changes, said):
    run_training(tmp_path / "a", observer=Watcher(4, interrupt))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ConfigurationError) as caught:
        run_training(tmp_path / "a", **changes, resume=True)
    message = str(caught.value)
    assert message.startswith(f"{last_path(tmp_path / 'a')}: cannot resume")
    assert said in message
    assert "\n" not in message
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_may_go_on_with_other_intervals(tmp_path):
    run_training(tmp_path / "a", observer=Watcher(4, interrupt))
    other = dataclasses.replace(TRAINING, evaluate_every=5, checkpoint_every=2)
    assert run_training(tmp_path / "a", training=other, resume=True).finished


def test_going_on_without_a_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        run_training(tmp_path / "a", resume=True)
    run_training(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b.last")  # the best model: no optimizer's state, but a step
    last_path(tmp_path / "a").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="damaged"):
        run_training(tmp_path / "a", resume=True)
    with pytest.raises(CheckpointError, match="expected the state of a training run"):
        run_training(tmp_path / "b", resume=True)


def test_only_one_process_trains_into_the_same_files(tmp_path):
    errors = []

    def second():
        for path in (tmp_path / "a.safetensors", tmp_path / "a"):  # they share log and sheets
            with pytest.raises(TrainingError, match="another process writes to these files") as caught:
                run_training(path)
            errors.append(caught.value)

    before = {path.name for path in tmp_path.iterdir()}
    run_training(tmp_path / "a.safetensors", observer=Watcher(3, second))
    assert len(errors) == 2
    run_training(tmp_path / "whole.safetensors")
    assert_same_checkpoint(tmp_path / "a.safetensors", tmp_path / "whole.safetensors")
    assert not [name for name in before if "lock" in name]
    assert not list(tmp_path.glob(".*"))


def test_files_of_an_earlier_run_are_kept_unless_told(tmp_path):
    sheets = tmp_path / "a.sheets"
    sheets.mkdir()
    (sheets / "1.svg").write_text("a drawing of the user's")
    run_training(tmp_path / "a.safetensors", overwrite=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(SketchRNNError, match="exists already"):
        run_training(tmp_path / "a.safetensors", overwrite=False)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    run_training(tmp_path / "a.safetensors")
    assert (sheets / "1.svg").read_text() == "a drawing of the user's"
    with pytest.raises(ConfigurationError, match="expected the name of a model, found that of the last state"):
        run_training(tmp_path / "a.last.safetensors")


@pytest.mark.parametrize(("split", "name"), [(1, "training"), (0, "validation")])
def test_an_empty_split_is_refused(tmp_path, split, name):
    drawings = dataclasses.replace(DRAWINGS, split=np.full(40, split))
    with pytest.raises(DatasetError, match=f"expected drawings in the {name} split"):
        run_training(tmp_path / "a", drawings=drawings)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_said_before_training(tmp_path):
    watcher = Watcher()
    with pytest.raises(SketchRNNError, match="cannot be written: no such file or directory"):
        run_training(tmp_path / "missing" / "a", observer=watcher)
    assert watcher.steps == []
