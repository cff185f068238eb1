"""What happens when a drawing is begun: guesses, endings, files, links."""

import base64
import json
import re
from typing import Any

import pytest
from web import PAGE_WAIT as WAIT

from sketchrnn.formats import read_records

CAT = [["cat", 0.9], ["dog", 0.05], ["sun", 0.05]]
UNSURE: list[Any] = [["cat", 0.3], ["dog", 0.28], ["sun", 0.2], ["pig", 0.12], ["axe", 0.1]]
WHISKERS = [[[10, 0], [40, 10]], [[10, 10], [40, 30]]]


def test_a_circle_is_finished(address, opened):
    page = opened(address)
    assert page.locator("#hint").is_visible()
    assert page.locator("#undo").is_disabled()
    page.choose("cat")
    page.draw(page.circle())
    page.wait_until_drawn()
    assert page.locator("#hint").is_hidden()
    as_cat = page.endings()
    assert len(set(as_cat)) > 3
    page.choose("sun")
    page.wait_until_drawn()
    assert page.endings() != as_cat
    page.choose("cat")
    page.wait_until_drawn()
    assert page.endings() == as_cat  # the same seed draws the same
    before = page.layers()
    assert before["prefix"] == 1
    assert before["completion"] >= 1
    page.click("#keep")
    assert page.layers() == {"prefix": before["prefix"] + before["completion"], "completion": 0}
    page.click("#undo")
    assert page.layers() == before


def test_endings_of_a_clear_category_are_all_of_it(addresses, opened, motion):
    page = opened(addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}}, reduced_motion=motion)
    page.draw(page.circle())
    page.wait_until_drawn()
    assert page.locator(".ending").count() == 6
    assert page.locator(".ending-name").count() == 0
    page.wait_for_status("Finished as a cat")
    assert "★" in page.locator(".ending").first.text_content()


def test_unclear_categories_are_each_drawn_and_named(addresses, opened, motion):
    page = opened(addresses["served"], model={"guesses": UNSURE, "endings": {"*": WHISKERS}}, reduced_motion=motion)
    page.draw(page.circle())
    page.wait_for_status("Not sure" if motion == "no-preference" else "Finished")
    page.wait_until_drawn()
    names = page.locator(".ending-name").all_text_contents()
    assert names == [name for name, _ in UNSURE]  # the likeliest first, as all endings look alike


def test_a_category_that_adds_nothing_is_passed_over_visibly(addresses, opened, motion):
    model = {"guesses": CAT, "endings": {"cat": [], "dog": [], "sun": WHISKERS}}
    page = opened(addresses["served"], model=model, reduced_motion=motion)
    page.draw(page.circle())
    page.wait_for_status("As a cat, nothing is left to add. Here it is as a sun.")
    page.wait_until_drawn()
    assert page.locator("#status").is_visible()
    assert page.layers() == {"prefix": 1, "completion": 2}


def test_nothing_at_all_is_said(addresses, opened):
    page = opened(addresses["served"], model={"guesses": UNSURE, "endings": {}})
    page.draw(page.circle())
    page.wait_for_status("The model has nothing to add")


@pytest.mark.parametrize("shape", ["zigzag", "rectangle", "scribble"])
def test_no_shape_is_answered_with_silence(addresses, opened, shape):
    page = opened(addresses["file"])
    shapes = {
        "zigzag": [(-0.8 + 0.2 * step, 0.3 if step % 2 else -0.3) for step in range(9)],
        "rectangle": [(-0.9, -0.8), (0.9, -0.8), (0.9, 0.8), (-0.9, 0.8), (-0.9, -0.8)],
        "scribble": [((step * 37 % 19) / 10 - 0.9, (step * 53 % 17) / 10 - 0.8) for step in range(40)],
    }
    page.draw(page.at(*shapes[shape]))
    page.wait_until_drawn()
    status = page.locator("#status").text_content()
    assert page.endings() or "nothing to add" in status
    assert status


def test_an_ending_that_is_watched_stays(addresses, opened):
    """All endings are there while the first is still being shown, and it is neither replaced nor begun again."""
    page = opened(
        addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS * 8}}, reduced_motion="no-preference"
    )
    page.draw(page.circle())
    page.wait_until_drawn()
    first = page.locator(".ending[aria-pressed=true] .drawn").get_attribute("d")
    page.wait_for_status("Finished as a cat")
    assert page.locator(".ending[aria-pressed=true] .drawn").get_attribute("d") == first


def test_endings_are_shown_in_turn_until_the_pen_goes_down(addresses, opened):
    page = opened(
        addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}}, reduced_motion="no-preference"
    )
    page.draw(page.circle())
    page.wait_for_selector(".ending:nth-child(2)[aria-pressed=true]", timeout=WAIT)
    page.wait_for_selector(".ending:nth-child(3)[aria-pressed=true]", timeout=WAIT)
    shown = page.locator(".ending[aria-pressed=true]").get_attribute("aria-label")
    page.click("#keep")
    assert page.layers() == {"prefix": 3, "completion": 0}
    assert shown


def test_with_reduced_motion_nothing_moves_by_itself(addresses, opened):
    page = opened(addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}}, clock=True)
    page.draw(page.circle())
    page.wait_for_status("Finished as a cat")
    page.clock.fast_forward(60_000)  # much longer than an ending is shown
    assert page.get_attribute(".ending:nth-child(1)", "aria-pressed") == "true"


def test_the_demonstration_ends_with_the_first_touch(addresses, opened, motion):
    page = opened(addresses["served"], reduced_motion=motion)
    painted = """() => {
      const canvas = document.getElementById("canvas");
      const blank = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
      return canvas.toDataURL() !== blank.toDataURL();
    }"""
    page.wait_for_function(painted, timeout=WAIT)
    page.mouse.click(*page.at((0, 0))[0], button="right")
    page.wait_for_function(f"() => !({painted})()", timeout=WAIT)


def test_guesses_estimate_the_scale_as_endings_do(addresses, opened):
    """A guess at a fixed scale would depend on how large somebody draws, for models without a recognizer."""
    page = opened(addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}})
    page.evaluate(
        """() => {
          window.asked = [];
          const post = Worker.prototype.postMessage;
          Worker.prototype.postMessage = function (message) { asked.push(message); post.call(this, message); };
        }"""
    )
    page.choose("dog")
    page.draw(page.circle())
    page.wait_until_drawn()
    asked = page.evaluate("() => asked.filter(({ kind }) => kind !== 'cancel')")
    assert {"guess", "draw"} <= {message["kind"] for message in asked}
    assert [message for message in asked if message["options"].get("scale") is not None] == []


def test_surprise_chooses_a_category(addresses, opened):
    page = opened(addresses["served"], model={"guesses": UNSURE, "endings": {"*": WHISKERS}})
    page.click("#surprise")
    page.wait_until_drawn()
    assert page.input_value("#category") in dict(UNSURE)
    assert page.layers() == {"prefix": 0, "completion": 2}
    page.click("#undo")
    assert page.input_value("#category") == ""
    assert page.locator("#hint").is_visible()


def test_one_stroke_is_kept(addresses, opened):
    page = opened(addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}})
    page.draw(page.circle())
    page.wait_until_drawn()
    page.click("#keep-stroke")
    assert page.layers() == {"prefix": 2, "completion": 1}
    page.click("#undo")
    assert page.layers() == {"prefix": 1, "completion": 2}


def test_files_hold_the_whole_drawing(addresses, opened, tmp_path):
    page = opened(addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}})
    page.draw(page.circle())
    page.wait_until_drawn()
    path = tmp_path / "cat.ndjson"
    path.write_bytes(page.downloaded("ndjson")[1])
    (record,) = read_records(path)
    assert record.word == "cat"
    assert len(record.sketch.strokes) == 3
    name, png = page.downloaded("png")
    assert name == "cat.png"
    assert png.startswith(b"\x89PNG")
    assert len(png) > 5000
    name, svg = page.downloaded("animated.svg")
    assert name == "cat.animated.svg"
    assert len(re.findall(rb'class="s" style="animation-delay', svg)) == 3


def test_a_gif_shows_both_hands(addresses, opened, tmp_path):
    from PIL import Image

    page = opened(addresses["served"], model={"guesses": CAT, "endings": {"*": WHISKERS}})
    page.draw(page.circle())
    page.wait_until_drawn()
    path = tmp_path / "cat.gif"
    path.write_bytes(page.downloaded("gif")[1])
    with Image.open(path) as picture:
        frames = picture.n_frames
        assert frames > 10
        colored = []
        for frame in (0, frames // 3, frames - 1):
            picture.seek(frame)
            pixels = [pixel for _, pixel in picture.convert("RGB").getcolors(1 << 20)]
            colored.append((any(max(pixel) < 60 for pixel in pixels), any(r > 180 and b < 60 for r, _, b in pixels)))
    assert colored[0] == (False, False) or colored[0] == (True, False)
    assert colored[-1] == (True, True)


def test_a_link_holds_the_drawing(addresses, opened):
    page = opened(addresses["served"], permissions=["clipboard-read", "clipboard-write"])
    page.choose("cat")
    page.draw(page.circle())
    page.wait_until_drawn()
    layers = page.layers()
    page.click("#share")
    page.wait_for_status("The link is copied")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert page.url == addresses["served"]  # the address does not become stale
    other = opened(link)
    assert other.layers() == layers
    assert other.input_value("#category") == "cat"
    assert other.url == addresses["served"]
    other.draw(other.at((-0.2, -0.2), (0.2, 0.2)))
    other.wait_until_drawn()
    other.reload()
    other.wait_for_selector("body[data-ready=true][data-restored=true]", timeout=WAIT)
    assert other.layers()["prefix"] == 2  # not what the link held


def test_a_file_shares_text_and_takes_it(addresses, opened):
    page = opened(addresses["file"])
    page.choose("cat")
    page.draw(page.circle())
    page.wait_until_drawn()
    layers = page.layers()
    page.click("#share")
    text = page.input_value("#share-drawing")
    assert re.fullmatch(r"[\w-]+", text)
    page.fill("#share-address", "https://example.org/draw/")
    assert page.input_value("#share-drawing") == f"https://example.org/draw/#{text}"
    page.keyboard.press("Escape")
    other = opened(addresses["file"])
    paste = """(text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text", text);
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }"""
    other.evaluate(paste, text)
    other.wait_for_function("() => !document.getElementById('download').disabled", timeout=WAIT)
    assert other.layers() == layers


@pytest.mark.parametrize("damaged", ["#AAAA", "#%00", "#BA", "#" + "_" * 200])
def test_a_damaged_link_is_said(addresses, opened, damaged):
    page = opened(addresses["served"] + damaged)
    page.wait_for_status("link")


def test_links_of_the_first_version_open(addresses, opened):
    """What 0.5.0 wrote: version 1, without widths."""
    link = bytes([2, 2, 4, 40, 40, 80, 0, 0, 6]) + b"cat" + bytes([80, 2])
    address = addresses["served"] + "#" + base64.urlsafe_b64encode(link).decode().rstrip("=")
    page = opened(address, model={"guesses": CAT, "endings": {"*": WHISKERS}})
    page.wait_until_drawn()
    assert page.input_value("#category") == "cat"
    assert page.layers()["prefix"] == 1


def test_it_works_offline_once_served(addresses, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(addresses["served"])
    page.wait_for_selector("body[data-ready=true]", timeout=WAIT)
    page.evaluate("async () => (await navigator.serviceWorker.ready).active.state")
    page.wait_for_function("() => navigator.serviceWorker.controller", timeout=WAIT)
    manifest = page.evaluate("async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json()")
    assert manifest["display"] == "standalone"
    assert page.evaluate(f"async () => (await fetch({json.dumps(manifest['icons'][0]['src'])})).status") == 200
    context.set_offline(True)
    page.reload()
    page.wait_for_selector("body[data-ready=true]", timeout=WAIT)
    context.close()
