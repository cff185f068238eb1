"""The Inkscape extension, by Inkscape's own Python and in Inkscape itself."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import hosts
import numpy as np
import pytest
from click.testing import CliRunner

import sketchrnn
from sketchrnn.cli import main
from sketchrnn.hosts import inkscape as installation

SVG, INKSCAPE = "http://www.w3.org/2000/svg", "http://www.inkscape.org/namespaces/inkscape"
FILES = {"sketchrnn_complete.py", "sketchrnn_complete.json", "sketchrnn_complete.inx"}
HEAD = (
    f'<svg xmlns="{SVG}" xmlns:inkscape="{INKSCAPE}" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"'
)
LOOK = "fill:none;stroke:#1864ab;stroke-width:2"
RIM = [(60, 40), (140, 40), (140, 50), (60, 50), (60, 40)]
BODY = [(60, 45), (80, 120), (120, 120), (140, 45)]
CUP = [RIM, BODY]
ADDED = [[[140.0, 160.0, 125.0], [50.0, 80.0, 100.0]], [[100.0], [70.0]]]


def path(points, **attributes):
    given = {"style": LOOK, **{name.replace("_", "-"): value for name, value in attributes.items()}}
    d = "M " + " L ".join(f"{x},{y}" for x, y in points)
    return f'<path d="{d}" ' + " ".join(f'{name}="{value}"' for name, value in given.items()) + "/>"


def document(content, attributes='width="210mm" height="297mm" viewBox="0 0 210 297"', current="cup"):
    view = f'<sodipodi:namedview id="view" inkscape:current-layer="{current}"/>' if current else ""
    return f"{HEAD} {attributes}>{view}{content}</svg>"


def layer(content, identifier="cup", attributes=""):
    return f'<g inkscape:groupmode="layer" id="{identifier}" inkscape:label="{identifier}" {attributes}>{content}</g>'


PLAIN = document(layer(path(RIM, id="rim") + path(BODY, id="body")))


@pytest.fixture(scope="session")
def inkex():
    """Inkscape's Python: the command that runs a program with inkex."""
    program = shutil.which("inkscape") or hosts.absent("inkscape")
    shown = subprocess.run([program, "--system-data-directory"], capture_output=True, text=True, check=True)
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin")
    extensions = Path(shown.stdout.strip().splitlines()[-1]) / "extensions"
    command = ["env", f"PYTHONPATH={extensions}", str(python)]
    if subprocess.run([*command, "-c", "import inkex"], capture_output=True).returncode:
        hosts.absent("what inkex needs: python3-lxml, python3-numpy, python3-cssselect")
    return command


@pytest.fixture(scope="session")
def installed(tmp_path_factory, inkex):
    """A folder with the extension."""
    folder = tmp_path_factory.mktemp("inkscape") / "extensions"
    command = [sys.executable, "-m", "sketchrnn", "install-inkscape-extension", "--folder", str(folder)]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def recorded(tmp_path, installed):
    """The extension with another program instead of sketchrnn; that program adds ADDED to its input."""
    folder = tmp_path / "extension"
    shutil.copytree(installed, folder)
    program = folder / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "folder = pathlib.Path(__file__).parent\n"
        "strokes = json.load(sys.stdin)['strokes']\n"
        "(folder / 'given.json').write_text(json.dumps([sys.argv[1:], strokes]))\n"
        "drawing = [[list(axis) for axis in zip(*stroke)] for stroke in strokes]\n"
        f"print(json.dumps({{'word': 'cup', 'drawing': drawing + {ADDED}}}))\n"
    )
    program.chmod(0o755)
    (folder / "sketchrnn_complete.json").write_text(json.dumps({"python": str(program)}))
    return folder


def run(inkex, folder, svg, *options):
    """Run the extension as Inkscape does; return the finished process."""
    source = folder.parent / "input.svg"
    source.write_text(svg)
    command = [*inkex, str(folder / "sketchrnn_complete.py"), *options, str(source)]
    return subprocess.run(command, capture_output=True, text=True)


def given(inkex, folder, svg, *options):
    """Return the arguments and the strokes that the extension passes to sketchrnn."""
    result = run(inkex, folder, svg, *options)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return json.loads((folder / "given.json").read_text())


def layers_of(svg):
    """Return the layers that were added: label, display, style and strokes of each."""
    layers = []
    for group in ElementTree.fromstring(svg).iter(f"{{{SVG}}}g"):
        if group.get("id", "").startswith("sketchrnn-completion-"):
            strokes = [
                [tuple(map(float, point.split(","))) for point in re.findall(r"[-\d.e]+,[-\d.e]+", one.get("d"))]
                for one in group
            ]
            layers.append((group.get(f"{{{INKSCAPE}}}label"), group.get("style"), group[0].get("style"), strokes))
    return layers


# what is completed


def moved(points, matrix):
    return [tuple(np.array(matrix) @ (x, y, 1)) for x, y in points]


TRANSFORM = [[0.5, -0.2, 30.0], [0.2, 0.5, 10.0]]
MATRIX = "matrix(0.5,0.2,-0.2,0.5,30,10)"
INVERSE = np.linalg.inv(np.array([*TRANSFORM, [0, 0, 1]]))[:2]
BACK = [[tuple(point) for point in moved(stroke, INVERSE)] for stroke in CUP]
SHAPES = path(RIM, id="rim") + path(BODY, id="body")
BACK_SHAPES = "".join(path(stroke) for stroke in BACK)
POINTS = " ".join(f"{x},{y}" for x, y in BODY)


@pytest.mark.parametrize(
    "svg",
    [
        PLAIN,
        document(layer(SHAPES), attributes='width="300" height="200"'),
        document(layer(SHAPES), attributes='width="30cm" height="20cm" viewBox="-10 -10 300 200"'),
        document(layer(BACK_SHAPES, attributes=f'transform="{MATRIX}"')),
        document(layer(f'<g transform="{MATRIX}"><g>{BACK_SHAPES}</g></g>')),
        document(layer("".join(path(stroke, transform=MATRIX) for stroke in BACK))),
        document(layer(f"<a>{SHAPES}</a>")),
        document(layer(layer(SHAPES, "inner"))),
        document(SHAPES, current=""),
        document(SHAPES, current="gone"),
        document(layer(path(RIM) + f'<polyline points="{POINTS}" style="{LOOK}"/>')),
        document(layer(f'<rect x="60" y="40" width="80" height="10" style="{LOOK}"/>' + path(BODY))),
        document(layer(f'<polygon points="60,40 140,40 140,50 60,50" style="{LOOK}"/>' + path(BODY))),
        document(layer(f'<path d="M60,40h80v10h-80z M60,45 L80,120 h40 L140,45" style="{LOOK}"/>')),
        document(f'<defs><g id="mug">{SHAPES}</g></defs>' + layer('<use xlink:href="#mug"/>')),
        document(
            f'<defs><g id="mug" transform="translate(5,5)">{SHAPES}</g></defs>'
            + layer('<use xlink:href="#mug" x="-8" y="0" transform="translate(3,-5)"/>')
        ),
        document(layer(SHAPES), attributes='width="300" height="200" transform="rotate(9)"'),
    ],
)
def test_the_same_lines_in_every_form(inkex, recorded, svg):
    _, strokes = given(inkex, recorded, svg)
    assert len(strokes) == 2
    for ours, theirs in zip(strokes, CUP, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


RED = "fill:none;stroke:red"
JUNK = path([(0, 0), (300, 300)], style=RED)
HIDDEN = path([(0, 0), (300, 300)], style=RED + ";display:none")


@pytest.mark.parametrize(
    "svg",
    [
        document(layer(JUNK, "other") + layer(SHAPES)),
        document(layer(JUNK, "hidden", 'style="display:none"') + SHAPES, current=""),
        document(layer(HIDDEN + SHAPES)),
        document(layer(f'<g style="display:none">{JUNK}</g><g display="none">{JUNK}</g>' + SHAPES)),
        document(layer(f'<g style="visibility:hidden">{JUNK}</g>' + SHAPES)),
        document(layer(path([(0, 0), (300, 300)], style="fill:none;stroke:none") + SHAPES)),
        document(f"<defs>{JUNK}</defs><clipPath>{JUNK}</clipPath><marker>{JUNK}</marker>" + layer(SHAPES)),
        document('<style>.x{display:none}</style><text x="1" y="1">hello</text>' + SHAPES, current=""),
        document(layer('<image x="1" y="1" width="9" height="9"/><text>hi</text><!-- note -->' + SHAPES)),
        document(layer('<path/><path d=""/><path d="M 3,4"/><polyline/><use/><use xlink:href="#none"/>' + SHAPES)),
        document(layer(JUNK, "sketchrnn-completion-1") + SHAPES, current=""),
        document(layer(SHAPES)).replace('"cup"/>', '"cup"><sodipodi:guide position="9,9"/></sodipodi:namedview>', 1),
    ],
)
def test_what_is_hidden_or_no_line_is_left_out(inkex, recorded, svg):
    _, strokes = given(inkex, recorded, svg)
    assert [len(stroke) for stroke in strokes] == [5, 4]


def test_clones_of_themselves_end(inkex, recorded):
    svg = document(layer(f'<g id="loop"><use xlink:href="#loop"/>{path(BODY)}</g>'))
    assert given(inkex, recorded, svg)[1]


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (["body"], [BODY]),
        (["rim"], [RIM]),
        (["body", "rim"], CUP),
        (["cup"], CUP),
        (["body", "cup"], CUP),
        (["other"], [[(0, 0), (300, 300)]]),
    ],
)
def test_the_selection_comes_before_the_layer(inkex, recorded, selected, expected):
    svg = document(layer(SHAPES) + layer(path([(0, 0), (300, 300)]), "other"))
    _, strokes = given(inkex, recorded, svg, *(f"--id={name}" for name in selected))
    assert [[tuple(point) for point in stroke] for stroke in strokes] == expected


def test_options_and_pen(inkex, recorded):
    arguments, _ = given(inkex, recorded, PLAIN, "--category=alarm clock", "--count=3", "--temperature=0.7", "--seed=9")
    assert arguments[:3] == ["-m", "sketchrnn", "complete"]
    assert {"--category=alarm clock", "--count=3", "--temperature=0.7", "--seed=9"} <= set(arguments)
    assert arguments[arguments.index("--pen") + 1] == "down"
    arguments, _ = given(inkex, recorded, PLAIN, "--id=rim")
    assert arguments[arguments.index("--pen") + 1] == "up"  # the rim is closed
    assert not any("--category" in argument for argument in arguments)


def test_curves_become_lines_that_lie_on_them(inkex, installed):
    program = """
import sys; sys.path.insert(0, sys.argv[1])
import inkex, json
from sketchrnn_complete import curves_of, polylines
paths = ["M0,0 C 0,60 100,60 100,0", "M0,0 C 50,50 -50,50 0,0", "M0,0 Q 9,9 0,0", "M5,5 C 5,5 5,5 5,5", "M 3,4 l 0,0",
         "M0,0 A 50,30 20 1 1 40,40", "M0,0 C 100,0 0,0 100,0"]
print(json.dumps([polylines(curves_of(inkex.PathElement.new(d), inkex.Transform())) for d in paths]))
"""
    shown = subprocess.run([*inkex, "-c", program, str(installed)], capture_output=True, text=True, check=True)
    arch, loop, there_and_back, still, dot, ellipse, _ = json.loads(shown.stdout)
    t = np.linspace(0, 1, 400)[:, None]
    curve = 3 * (1 - t) ** 2 * t * (0, 60) + 3 * (1 - t) * t**2 * (100, 60) + t**3 * (100, 0)
    distance = np.min([segment_distance(curve, *pair) for pair in zip(arch[0], arch[0][1:], strict=False)], axis=0)
    assert distance.max() < 100 / 250
    assert 8 < len(arch[0]) < 100
    assert np.ptp(np.array(loop[0])[:, 1]) == pytest.approx(37.5, abs=0.5)
    assert max(y for _, y in there_and_back[0]) == pytest.approx(4.5, abs=0.2)
    assert still[0][0] == still[0][-1] == [5, 5]
    assert dot[0] == [[3, 4], [3, 4]]
    assert ellipse[0][-1] == pytest.approx([40, 40])


def segment_distance(points, start, end):
    start, along = np.array(start), np.subtract(end, start)
    share = np.clip((points - start) @ along / max(along @ along, 1e-12), 0, 1)
    return np.hypot(*(points - start - share[:, None] * along).T)


# what is added


def test_layers_are_added_in_the_look_of_the_line(inkex, recorded):
    result = run(inkex, recorded, document(layer(path(RIM) + path(BODY, transform="scale(2)"))))
    ((label, display, style, strokes),) = layers_of(result.stdout)
    assert label == "2 cup, seed 0"  # vpype reads the first number of a layer's name as the layer's number
    assert display == "display:inline"
    assert dict(item.split(":") for item in style.split(";"))["stroke"] == "#1864ab"
    assert dict(item.split(":") for item in style.split(";"))["stroke-width"] == "4"
    assert strokes == [[(140, 50), (160, 80), (125, 100)], [(100, 70), (100, 70)]]


def test_a_filled_shape_is_completed_by_a_line(inkex, recorded):
    result = run(inkex, recorded, document(layer('<circle cx="9" cy="9" r="5"/>')))
    assert "stroke:#000000" in layers_of(result.stdout)[0][2]


def test_the_rest_of_the_document_stays(inkex, recorded):
    before, after = ElementTree.fromstring(PLAIN), ElementTree.fromstring(run(inkex, recorded, PLAIN).stdout)
    for identifier in ("rim", "body"):
        ours, theirs = (root.find(f".//*[@id='{identifier}']").attrib for root in (before, after))
        assert ours == theirs
    assert before.attrib.items() <= after.attrib.items()  # inkex gives the root an id


def test_completions_are_those_of_python(inkex, installed):
    result = run(inkex, installed, PLAIN, "--category=cup", "--count=2", "--temperature=0.5", "--seed=4")
    layers = layers_of(result.stdout)
    assert [entry[:2] for entry in layers] == [
        ("2 cup, seed 4", "display:inline"),
        ("3 cup, seed 5", "display:none"),
    ]
    prefix = sketchrnn.Sketch.from_polylines(CUP)
    drawings = sketchrnn.load().complete(prefix, "cup", pen="down", count=2, temperature=0.5, seed=4)
    for (*_, strokes), drawing in zip(layers, drawings, strict=True):
        expected = [line * 2 if len(line) == 1 else line for line in drawing.completion.polylines()]
        assert len(strokes) == len(expected)
        for ours, theirs in zip(strokes, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("strokes", [[[(60, 40), (140, 40)]], [RIM[:2], BODY[:2]], [[(60, 40), (60, 40)]]])
def test_straight_lines_and_dots_are_completed(inkex, installed, strokes):
    """Their lists of points look like the x and y lists of Quick, Draw!"""
    result = run(inkex, installed, document(layer("".join(map(path, strokes)))), "--category=cup")
    assert result.stderr == ""
    assert len(layers_of(result.stdout)) == 1


# errors


@pytest.mark.parametrize(
    ("svg", "options", "message"),
    [
        (document(layer("")), (), "expected visible paths or shapes"),
        (document(layer("<text>hi</text>")), (), "expected visible paths or shapes"),
        (document(layer(HIDDEN)), (), "expected visible paths or shapes"),
        (document(layer(SHAPES, attributes='style="display:none"')), ("--id=rim",), "expected visible paths or shapes"),
        (PLAIN, ("--category=cupp",), "unknown category 'cupp'"),
        (PLAIN, ("--temperature=99",), "temperature"),
    ],
)
def test_errors_are_one_line_and_change_nothing(inkex, installed, svg, options, message):
    result = run(inkex, installed, svg, *options)
    assert result.returncode != 0
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("Sketch-RNN: ")
    assert message in result.stderr


@pytest.mark.parametrize("content", [None, "", "{}", '{"python": "/nowhere/python"}'])
def test_a_lost_environment_is_explained(inkex, recorded, content):
    (recorded / "sketchrnn_complete.json").unlink()
    if content is not None:
        (recorded / "sketchrnn_complete.json").write_text(content)
    result = run(inkex, recorded, PLAIN)
    assert result.returncode != 0
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Run `sketchrnn install-inkscape-extension` again." in result.stderr


# in Inkscape itself


@pytest.fixture(scope="module")
def profile(tmp_path_factory, installed):
    """A profile of Inkscape with the extension, in which the category is chosen."""
    folder = tmp_path_factory.mktemp("profile")
    shutil.copytree(installed, folder / "extensions")
    choice = 'org.sketchrnn.complete.category="cup" org.sketchrnn.complete.count="2" org.sketchrnn.complete.seed="4"'
    (folder / "preferences.xml").write_text(
        f'<inkscape version="1"><group id="extensions" {choice} org.sketchrnn.complete.temperature="0.5"/></inkscape>'
    )
    return folder


def in_inkscape(profile, tmp_path, actions):
    """Run actions on PLAIN in Inkscape; return the document that it saves."""
    screen = shutil.which("xvfb-run") or hosts.absent("xvfb-run (packages xvfb and xauth)")
    (tmp_path / "input.svg").write_text(PLAIN)
    saved = tmp_path / "output.svg"
    steps = f"{actions};export-filename:{saved};export-do"
    command = [screen, "-a", "inkscape", "--with-gui", "--batch-process", f"--actions={steps}", tmp_path / "input.svg"]
    environment = {**os.environ, "INKSCAPE_PROFILE_DIR": str(profile)}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=240)
    return saved.read_text()


def test_inkscape_runs_it(inkex, installed, profile, tmp_path):
    shown = in_inkscape(profile, tmp_path, "select-by-id:rim,body;org.sketchrnn.complete.noprefs")
    direct = run(inkex, installed, PLAIN, "--category=cup", "--count=2", "--temperature=0.5", "--seed=4").stdout
    ours, theirs = layers_of(shown), layers_of(direct)
    assert len(ours) == 2
    assert [entry[0] for entry in ours] == [entry[0] for entry in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for stroke, expected in zip(mine[3], other[3], strict=True):
            np.testing.assert_allclose(stroke, expected, atol=1e-3)


def test_inkscape_undoes_it(profile, tmp_path):
    undone = in_inkscape(profile, tmp_path, "select-by-id:rim,body;org.sketchrnn.complete.noprefs;undo")
    assert layers_of(undone) == []
    assert 'id="body"' in undone


def test_the_dialog_asks_for_what_the_script_takes(installed):
    root = ElementTree.parse(installed / "sketchrnn_complete.inx").getroot()
    space = {"i": "http://www.inkscape.org/namespace/inkscape/extension"}
    parameters = {one.get("name"): one for one in root.findall("i:param", space)}
    script = (installed / "sketchrnn_complete.py").read_text()
    assert set(parameters) == set(re.findall(r'add_argument\("--(\w+)"', script))
    options = [one.get("value") for one in parameters["category"].findall("i:option", space)]
    assert options == ["auto", *sketchrnn.load().categories]
    assert root.find("i:effect", space).get("needs-live-preview") == "true"
    assert root.find(".//i:submenu", space).get("name") == "Sketch-RNN"


# installation


def install(*arguments):
    return CliRunner().invoke(main, ["install-inkscape-extension", *map(str, arguments)])


def test_installing_twice_and_removing(tmp_path):
    (tmp_path / "other.inx").write_text("mine")
    for _ in range(2):
        assert install("--folder", tmp_path).exit_code == 0
        assert {path.name for path in tmp_path.iterdir()} == {*FILES, "other.inx"}
    assert json.loads((tmp_path / "sketchrnn_complete.json").read_text()) == {"python": sys.executable}
    assert "removed" in install("--folder", tmp_path, "--uninstall").stdout
    assert "not installed" in install("--folder", tmp_path, "--uninstall").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["other.inx"]


def fake_inkscape(folder, version, data):
    program = folder / "inkscape"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" || echo "{data}"\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("Inkscape 0.92.5 (2060ec1f9f, 2020-04-08)", False),
        ("Inkscape 1.1.2 (0a00cf5339, 2022-02-04)", False),
        ("Inkscape 1.2 (dc2aeda, 2022-05-15)", True),
        ("Inkscape 1.10 (0, 2030-01-01)", True),
        ("Inkscape 2.0-dev (0, 2030-01-01)", True),
    ],
)
def test_inkscape_is_asked_for_its_folder(tmp_path, monkeypatch, version, accepted):
    fake_inkscape(tmp_path, version, tmp_path / "data")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = install()
    assert result.exit_code == (0 if accepted else 1)
    if accepted:
        assert {path.name for path in (tmp_path / "data" / "extensions").iterdir()} == FILES
    else:
        assert "expected Inkscape 1.2 or later, found" in result.stderr


def test_the_real_inkscape_says_where(tmp_path, monkeypatch):
    if not shutil.which("inkscape"):
        hosts.absent("inkscape")
    monkeypatch.setenv("INKSCAPE_PROFILE_DIR", str(tmp_path / "profile"))
    assert installation.find_extensions_folder() == tmp_path / "profile" / "extensions"


@pytest.mark.parametrize(
    ("system", "place", "environment"),
    [
        ("Linux", ".config/inkscape", {}),
        ("Linux", "settings/inkscape", {"XDG_CONFIG_HOME": "settings"}),
        ("Linux", ".var/app/org.inkscape.Inkscape/config/inkscape", {}),
        ("Linux", "snap/inkscape/current/.config/inkscape", {}),
        ("Linux", "profile", {"INKSCAPE_PROFILE_DIR": "profile"}),
        ("Darwin", "Library/Application Support/org.inkscape.Inkscape/config/inkscape", {}),
        ("Windows", "AppData/Roaming/inkscape", {}),
        ("Windows", "Roaming/inkscape", {"APPDATA": "Roaming"}),
    ],
)
def test_without_the_program_its_folder_is_found(tmp_path, monkeypatch, system, place, environment):
    """The folders are those of Inkscape's Preferences > System on each platform, and of its packages."""
    monkeypatch.setattr(installation.platform, "system", lambda: system)
    monkeypatch.setattr(installation, "_PROGRAMS", ())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("APPDATA", "XDG_CONFIG_HOME", "INKSCAPE_PROFILE_DIR"):
        if name in environment:
            monkeypatch.setenv(name, str(tmp_path / environment[name]))
        else:
            monkeypatch.delenv(name, raising=False)
    other = "AppData/Roaming/inkscape" if system == "Linux" else ".config/inkscape"
    (tmp_path / other).mkdir(parents=True)  # of another platform
    assert "expected Inkscape on the PATH, found none" in install().stderr
    (tmp_path / place).mkdir(parents=True)
    assert install().exit_code == 0
    assert {path.name for path in (tmp_path / place / "extensions").iterdir()} == FILES


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    result = install("--folder", tmp_path / "file" / "extensions")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
