"""What a user types, and what comes back: results, and one line for whatever is wrong."""

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from web import PATIENCE

from sketchrnn.cli import main
from sketchrnn.formats import read_records
from sketchrnn.model.checkpoint import load_shipped, save_checkpoint

ROOT = Path(__file__).parent.parent
PIG = ROOT / "samples" / "pig.ndjson"
CIRCLE = ROOT / "samples" / "circle.json"
SVG = "{http://www.w3.org/2000/svg}"
TINY = ["--set", "decoder_units=12", "--set", "encoder_units=6", "--set", "latent_units=3", "--set", "mixtures=2"]


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def fails(result, *parts, code=1):
    """The command said in one line, the last, what is wrong, and gave no result."""
    assert result.exit_code == code, (result.exit_code, result.output, result.exception)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.stdout == ""
    if code == 1:
        lines = result.stderr.strip().splitlines()
        assert [line.startswith("Error: ") for line in lines] == [False] * (len(lines) - 1) + [True], result.stderr
        if not lines[0].endswith("the 255 box"):  # what train and evaluate say of the drawings they have read
            assert len(lines) == 1, result.stderr
    for part in parts:
        assert str(part) in result.stderr, result.stderr


def polylines_of(group):
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in group]


def groups(text):
    return {group.get("id"): group for group in ElementTree.fromstring(text).iter(f"{SVG}g") if group.get("id")}


# complete


def test_the_prefix_comes_out_exactly_and_the_completion_in_a_group_of_its_own(tmp_path):
    result = run("complete", PIG, "-o", tmp_path / "pig.svg")
    assert result.exit_code == 0, result.output
    found = groups((tmp_path / "pig.svg").read_text())
    (record,) = read_records(PIG)
    assert polylines_of(found["prefix"]) == record.sketch.polylines()
    assert len(found["completion"]) > 0
    assert result.stdout == ""


def test_without_an_output_the_picture_goes_to_standard_output():
    result = run("complete", PIG)
    assert result.stdout.startswith("<?xml")
    assert "prefix" in groups(result.stdout)


def points_of(line):
    return np.concatenate([np.transpose(stroke) for stroke in json.loads(line)["drawing"]])


def test_a_seed_repeats_a_drawing_and_seeds_count_up():
    together = run("complete", PIG, "-n", 3, "--seed", 5, "--format", "ndjson").stdout.splitlines()
    assert together == run("complete", PIG, "-n", 3, "--seed", 5, "--format", "ndjson").stdout.splitlines()
    assert len(set(together)) == 3
    for seed, line in zip((5, 6, 7), together, strict=True):
        alone = run("complete", PIG, "--seed", seed, "--format", "ndjson").stdout
        # a matrix product of one row rounds otherwise than one of three
        np.testing.assert_allclose(points_of(alone), points_of(line), atol=0.1)


def test_several_make_a_sheet_or_a_file_each(tmp_path):
    assert run("complete", PIG, "-n", 3, "-o", tmp_path / "sheet.svg").exit_code == 0
    assert {"prefix-0", "completion-2"} <= set(groups((tmp_path / "sheet.svg").read_text()))
    assert run("complete", PIG, "-n", 3, "-o", tmp_path / "pig-%02d.svg").exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("pig-*")) == ["pig-00.svg", "pig-01.svg", "pig-02.svg"]


def test_ndjson_holds_prefix_and_completion_and_is_read_again():
    result = run("complete", PIG, "-n", 2, "--format", "ndjson")
    (prefix,) = read_records(PIG)
    for line in result.stdout.splitlines():
        record = json.loads(line)
        assert record["word"] == "pig"
        assert record["drawing"][0] == [list(axis) for axis in zip(*prefix.sketch.polylines()[0], strict=True)]
    sheet = run("render", "-", stdin=result.stdout)
    assert "drawing-1" in groups(sheet.stdout)


def test_standard_input_is_a_prefix():
    result = run("complete", "-", "--category", "face", stdin=CIRCLE.read_text())
    assert result.exit_code == 0
    assert polylines_of(groups(result.stdout)["prefix"]) == [[tuple(p) for p in json.loads(CIRCLE.read_text())[0]]]


def test_a_record_of_many_is_named_by_index_or_key(tmp_path):
    many = tmp_path / "many.ndjson"
    lines = [{"word": "pig", "key_id": str(place), "drawing": [[[place, 9], [0, 9]]]} for place in range(3)]
    many.write_text("\n".join(map(json.dumps, lines)))
    for choice in (("--index", 2), ("--key-id", "2")):
        found = groups(run("complete", many, *choice).stdout)
        assert polylines_of(found["prefix"]) == [[(2, 0), (9, 9)]]
    every = run("complete", many, "-n", 2, "--format", "ndjson", "--max-points", 5).stdout.splitlines()
    assert [json.loads(line)["key_id"] for line in every] == ["0", "0", "1", "1", "2", "2"]
    fails(run("complete", many, "--index", 3), many, "expected a record with index 3")
    fails(run("complete", many, "--key-id", "7"), many, "key_id 7")
    fails(run("complete", many, "--key-id", "1", "--index", 1), code=2)


@pytest.mark.parametrize(
    "strokes",
    [
        [[[5, 5]]],
        [[[5, 5], [5, 5], [5, 5]]],
        [[[5, 5]], [[9, 9], [20, 20]]],
        [[], [[1, 1], [200, 200]], []],
        [[[x % 255, (x * 7) % 255] for x in range(3000)]],
    ],
    ids=["one point", "repeated points", "a dot first", "empty strokes", "3,000 points"],
)
@pytest.mark.parametrize("pen_down", [False, True])
def test_odd_prefixes_survive(tmp_path, strokes, pen_down):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"strokes": strokes, "word": "pig", "pen_down": pen_down}))
    result = run("complete", path, "--max-points", 20)
    assert result.exit_code == 0, result.output
    written = polylines_of(groups(result.stdout)["prefix"])
    kept = [stroke * 2 if len(stroke) == 1 else stroke for stroke in strokes if stroke]
    assert written == [[tuple(map(float, point)) for point in stroke] for stroke in kept]


def test_with_the_pen_down_the_completion_begins_at_the_last_point(tmp_path):
    path = tmp_path / "open.json"
    path.write_text(json.dumps({"strokes": [[[10, 20], [30, 44.5]]], "word": "pig", "pen_down": True}))
    completion = polylines_of(groups(run("complete", path).stdout)["completion"])
    assert completion[0][0] == (30, 44.5)


def test_cut_drawings_are_told():
    result = run("complete", PIG, "--max-points", 2)
    assert "1 drawings reached --max-points and were cut" in result.stderr


# generate, render, info


def test_generate_draws_the_category():
    result = run("generate", "--category", "cactus", "-n", 4, "--format", "ndjson")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["word"] for record in records] == ["cactus"] * 4
    assert all(record["drawing"] for record in records)


def test_render_shows_one_or_many(tmp_path):
    assert set(groups(run("render", PIG).stdout)) == {"drawing"}
    result = run("render", PIG, CIRCLE, "-o", tmp_path / "both.svg", "--columns", 2)
    assert result.exit_code == 0
    assert {"drawing-0", "drawing-1"} <= set(groups((tmp_path / "both.svg").read_text()))
    limited = run("render", PIG, CIRCLE, "--limit", 1)
    assert "--limit" in limited.stderr
    fails(run("render", PIG, "--skip", 1), "expected drawings after")


def test_info_names_all_categories():
    text = run("info").stdout
    assert "categories (345)" in text
    fields = json.loads(run("info", "--json").stdout)
    assert len(fields["configuration"]["categories"]) == 345


# train and evaluate


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    path = tmp_path_factory.mktemp("drawings") / "cats.ndjson"
    generator = np.random.default_rng(0)
    with path.open("w") as file:
        for key in range(80):
            strokes = [np.cumsum(generator.integers(-20, 20, (2, 6)), axis=1).tolist() for _ in range(3)]
            file.write(json.dumps({"word": "cat", "key_id": str(key), "drawing": strokes}) + "\n")
    return path


def test_guess_lists_the_most_probable():
    lines = run("guess", PIG).stdout.splitlines()
    assert len(lines) == 5
    shares = [float(line.split("%")[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 100 / 345  # percent
    values = json.loads(run("guess", PIG, "-n", 2, "--json").stdout)
    assert [f"{value['probability']:6.1%}  {value['category']}" for value in values] == lines[:2]
    fails(run("guess", "missing.json"), "missing.json")


def test_without_a_category_the_sketch_becomes_what_it_looks_like():
    best = [value["category"] for value in json.loads(run("guess", CIRCLE, "-n", 5, "--json").stdout)]
    for choice in ((), ("--category", "auto")):
        result = run("complete", CIRCLE, "--format", "ndjson", *choice)
        (drawn,) = (json.loads(line)["word"] for line in result.stdout.splitlines())
        assert drawn in best
        assert f"guessed: {best[0]} " in result.stderr
        assert (f"{best[0]}: nothing to add; drawn as {drawn}" in result.stderr) == (drawn != best[0])
    both = run("complete", CIRCLE, "--category", "auto:2", "-n", 2, "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line)["word"] for line in both] == [best[0], best[0], best[1], best[1]]
    named = run("complete", CIRCLE, "--category", best[0], "--format", "ndjson")
    assert "guessed" not in named.stderr
    assert json.loads(named.stdout)["drawing"] == json.loads(both[0])["drawing"]


def test_train_then_evaluate_then_complete(tmp_path, drawings):
    model = tmp_path / "cats.safetensors"
    trained = run("train", drawings, "-o", model, "--max-steps", 4, "--batch-size", 16, *TINY)
    assert trained.exit_code == 0, trained.output
    assert trained.stdout == ""
    assert "80 drawings read" in trained.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cats.last.safetensors",
        "cats.log.jsonl",
        "cats.safetensors",
        "cats.sheets",
    ]
    table = run("evaluate", model, drawings, "--split", "all")
    assert table.exit_code == 0, table.output
    assert "Nmax 250" in table.stdout
    assert table.stdout.splitlines()[-1].split()[:2] == ["overall", "80"]
    rows = run("evaluate", model, drawings, "--split", "all", "--csv").stdout.splitlines()
    assert rows[0] == "category,drawings,L_R,L_KL,nats_0,nats_25,nats_50,nats_75"
    values = json.loads(run("evaluate", model, drawings, "--split", "all", "--json").stdout)
    assert values["overall"]["nats_0"] == pytest.approx(float(rows[-1].split(",")[4]))
    for latent in ("none", "prefix", "whole", "prior"):
        assert run("evaluate", model, drawings, "--latent", latent).exit_code == 0
        if latent != "whole":
            assert run("complete", CIRCLE, "--model", model, "--latent", latent).exit_code == 0


def test_resume_and_force(tmp_path, drawings):
    model = tmp_path / "cats.safetensors"
    options = ("-o", model, "--batch-size", 16, *TINY)
    assert run("train", drawings, *options, "--max-steps", 2).exit_code == 0
    fails(run("train", drawings, *options, "--max-steps", 2), model, "--force")
    assert run("train", drawings, *options, "--max-steps", 4, "--resume").exit_code == 0
    assert json.loads(run("info", model, "--json").stdout)["training"]["step"] in (2, 4)
    fails(run("train", drawings, *options, "--max-steps", 4, "--resume", "--seed", 1), "seed was 0, is 1")
    other = ("--max-steps", 4, "--resume", "--set", "learning_rate=0.5")
    fails(run("train", drawings, *options, *other), "learning_rate was 0.01, is 0.5")
    fails(run("train", drawings, "-o", tmp_path / "none.safetensors", "--resume"), "none.last.safetensors")


def test_wrong_settings_are_usage_errors(tmp_path, drawings):
    for setting in ("nonsense=1", "clip", "clip=x", "seed=3"):
        fails(run("train", drawings, "-o", tmp_path / "m.safetensors", "--set", setting), "--set", code=2)
    fails(run("train", drawings, "-o", tmp_path / "m.safetensors", "--latent-dropout", 2), "--latent-dropout", code=2)
    fails(run("train", drawings, "-o", tmp_path / "m.safetensors", "--set", "clip=-1"), "clip: expected", code=2)
    listed = run("train", "--set", "help")
    assert listed.exit_code == 0
    assert "clip=0.25" in listed.output


# wrong input


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def hostile_npz(path, victim):
    array = np.empty(1, dtype=object)
    array[0] = Hostile(victim)
    np.savez(path, train=array)


def wrong_files(folder):
    """For each kind of wrong drawing file its path."""
    contents = {
        "empty": b"",
        "blank": b"\n\n",
        "truncated.ndjson": PIG.read_bytes()[:-40],
        "truncated.json": CIRCLE.read_bytes()[:-9],
        "rubbish": bytes(range(256)) * 9,
        "number.json": b"3",
        "object.json": b'{"a": 1}',
        "shape.json": b"[[1, 2], [3, 4]]",
        "text.json": b'[[["a", "b"]]]',
        "nan.json": b"[[[NaN, 1], [2, 3]]]",
        "infinite.json": b"[[[1e999, 1], [2, 3]]]",
        "nan.ndjson": b'{"word": "pig", "drawing": [[[1, NaN], [2, 3]]]}',
        "ragged.ndjson": b'{"word": "pig", "drawing": [[[1, 2, 3], [2, 3]]]}',
        "plain.npz": b"PK\x03\x04 no zip",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "other.npz", "w") as archive:
        archive.writestr("a.txt", "text")
    hostile_npz(folder / "hostile.npz", folder / "victim")
    (folder / "directory").mkdir()
    return [*(folder / name for name in contents), folder / "other.npz", folder / "hostile.npz", folder / "directory"]


def test_wrong_drawings(tmp_path, drawings):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    for path in [*wrong_files(folder), folder / "missing"]:
        fails(run("complete", path, "--category", "pig", "-o", out / "a.svg"), path)
        fails(run("render", path, "-o", out / "a.svg"), path)
        fails(run("train", path, "-o", out / "m.safetensors"), path)
        fails(run("evaluate", "shipped", path), path)
    assert not (folder / "victim").exists()
    assert list(out.iterdir()) == []


def test_a_hundred_thousand_points(tmp_path):
    path = tmp_path / "long.json"
    path.write_text(json.dumps([[[place % 255, 0] for place in range(100_000)]]))
    assert run("complete", path, "--category", "pig", "--max-points", 3).exit_code == 0  # a straight line is two points
    path.write_text(json.dumps([[[place % 255, place * 7919 % 251] for place in range(100_000)]]))
    assert run("complete", path, "--category", "pig", "--max-points", 3, "--best-of", 1).exit_code == 0


def test_unknown_categories_and_their_neighbors():
    fails(run("complete", PIG, "--category", "pgi"), "'pgi'", "'pig'")
    fails(run("generate", "--category", "Alarm_Clok"), "alarm clock")
    fails(run("generate"), "expected one of 345 categories")
    fails(run("complete", CIRCLE, "--category", "auto:0"), CIRCLE, "auto:K", "345")
    assert run("generate", "--category", "ALARM_CLOCK", "--max-points", 3).exit_code == 0


@pytest.fixture
def wrong_models(tmp_path):
    good = tmp_path / "good"
    save_checkpoint(load_shipped(), good)
    content = good.read_bytes()
    good.unlink()
    contents = {
        "empty": b"",
        "cut-in-header": content[:100],
        "cut-in-weights": content[:-1000],
        "version": content.replace(b'"format_version":"1"', b'"format_version":"9"'),
        "other": content.replace(b'"format":"sketchrnn"', b'"format":"sketchxxx"'),
        "scale": content.replace(b'"offset_scale":"3', b'"offset_scale":"x'),
        "no-checkpoint": PIG.read_bytes(),
        "rubbish": bytes(range(256)) * 9,
    }
    for name, altered in contents.items():
        assert altered != content
        (tmp_path / name).write_bytes(altered)
    (tmp_path / "directory").mkdir()
    return [*(tmp_path / name for name in contents), tmp_path / "directory", tmp_path / "missing"]


def test_wrong_models(wrong_models, drawings):
    for path in wrong_models:
        fails(run("complete", PIG, "--model", path), path)
        fails(run("generate", "--category", "pig", "--model", path), path)
        fails(run("info", path), path)
        fails(run("evaluate", path, drawings), path)


def test_output_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "missing" / "a.svg", tmp_path / "file" / "a.svg", tmp_path, Path("/proc/a.svg")):
        fails(run("complete", PIG, "-o", output), output)
        fails(run("generate", "--category", "pig", "-o", output), output)
        fails(run("train", PIG, "-o", output), output)


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "a.svg"
    path.write_text("mine")
    fails(run("complete", PIG, "-o", path), path, "--force")
    assert path.read_text() == "mine"
    assert run("complete", PIG, "-o", path, "--force").exit_code == 0
    assert path.read_text() != "mine"


def test_values_out_of_range():
    fails(run("complete", PIG, "--temperature", -1), "temperature", code=2)
    fails(run("complete", PIG, "--temperature", "nan"), "temperature", code=2)
    fails(run("complete", PIG, "-n", 0), code=2)


# as a program


def test_drawing_never_imports_torch():
    program = (
        f"import sys; sys.argv = ['sketchrnn', 'complete', r'{PIG}', '-n', '2']\n"
        "from sketchrnn.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_ctrl_c_saves_and_exits_130(tmp_path, drawings):
    model = tmp_path / "cats.safetensors"
    command = [sys.executable, "-m", "sketchrnn", "train", str(drawings), "-o", str(model), "--batch-size", "8", *TINY]
    running = subprocess.Popen([*command, "--max-steps", "1000000"], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert any(line.startswith("step 50:") for line in running.stderr)
    running.send_signal(signal.SIGINT)
    _, talk = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert "--resume continues" in talk
    stopped = json.loads(run("info", tmp_path / "cats.last.safetensors", "--json").stdout)["training"]["step"]
    assert stopped >= 50
    resumed = run("train", drawings, "-o", model, "--batch-size", 8, *TINY, "--resume", "--max-steps", stopped + 1)
    assert resumed.exit_code == 0, resumed.output


def test_the_launcher_and_the_module_are_the_command():
    for start in ([str(ROOT / "cli.py")], ["-m", "sketchrnn"]):
        result = subprocess.run(
            [sys.executable, *start, "--version"], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert result.stdout.startswith("sketchrnn, version ")
