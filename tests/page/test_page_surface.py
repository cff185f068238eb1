"""The sheet: mouse, fingers, pens, eraser, selection, view."""

import math

import pytest
from web import PAGE_WAIT as WAIT

MODEL = {"guesses": [["cat", 0.9], ["dog", 0.1]], "endings": {"*": [[[10, 0], [40, 10]], [[10, 10], [40, 30]]]}}
TOUCH = {"viewport": {"width": 820, "height": 1000}, "has_touch": True}


@pytest.fixture
def page(addresses, opened, motion):
    return opened(addresses["served"], model=MODEL, reduced_motion=motion)


@pytest.fixture
def tablet(addresses, opened, motion):
    return opened(addresses["served"], model=MODEL, reduced_motion=motion, **TOUCH)


def line(page, *points):
    """Draw a line, and wait until its endings are there."""
    page.draw(page.at(*points))
    page.wait_until_drawn()


def near(one, other, tolerance=1.0):
    return math.dist(one, other) <= tolerance


def touch_line(page, *points):
    first, *others = page.at(*points)
    page.touch("start", first)
    for point in others:
        page.touch("move", point)
    page.touch("end")


# the view


def test_the_same_pixels_are_always_the_same_place(page):
    """The view does not follow the drawing: four equal circles lie on one another."""
    points = page.circle(0.9)
    for _ in range(4):
        page.draw(points)
        page.wait_until_drawn()
    lines = page.lines()
    assert len(lines) == 4
    for other in lines[1:]:
        assert near(lines[0][0], other[0], 0.02)
        assert near(lines[0][1], other[1], 0.02)


def test_the_view_moves_with_the_wheel_and_comes_back(page):
    points = page.at((-0.2, 0), (0.2, 0))
    page.draw(points)
    page.wait_until_drawn()
    assert page.locator("#reset-view").is_hidden()
    page.mouse.move(*page.at((0, 0))[0])
    page.mouse.wheel(0, -400)
    page.wait_for_selector("#reset-view:not([hidden])")
    page.draw(points)
    page.wait_until_drawn()
    (first, second) = page.lines()
    width = [math.dist(*ends) for ends in (first, second)]
    assert width[1] < 0.8 * width[0]  # the same pixels are less of the sheet
    page.click("#reset-view")
    page.wait_for_selector("#reset-view", state="hidden")
    page.draw(points)
    page.wait_until_drawn()
    assert near(page.lines()[2][0], first[0], 0.02)


def test_a_touchpad_moves_the_sheet(page):
    page.mouse.move(*page.at((0, 0))[0])
    page.mouse.wheel(12, 9)
    page.wait_for_selector("#reset-view:not([hidden])")


def test_an_ending_that_leaves_the_sheet_can_be_seen(addresses, opened):
    model = {**MODEL, "endings": {"*": [[[10, 0], [900, 10]]]}}
    page = opened(addresses["served"], model=model)
    page.draw(page.circle())
    page.wait_until_drawn()
    page.click("#show-all")
    page.wait_for_selector("#show-all", state="hidden")
    page.wait_for_selector("#reset-view:not([hidden])")


def test_two_fingers_zoom_and_do_not_draw(tablet):
    one, other = tablet.at((-0.2, 0), (0.2, 0))
    tablet.touch("start", one)
    tablet.touch("move", (one[0] + 3, one[1]))
    tablet.touch("start", one, other)
    for step in range(1, 9):
        tablet.touch("move", (one[0] - 8 * step, one[1]), (other[0] + 8 * step, other[1]))
    tablet.touch("end")
    tablet.wait_for_selector("#reset-view:not([hidden])")
    assert tablet.strokes_of_ink() == 0
    tablet.click("#reset-view")
    touch_line(tablet, (-0.3, 0), (0, 0.1), (0.3, 0))
    tablet.wait_until_drawn()
    assert tablet.strokes_of_ink() == 1


def test_a_window_that_changes_while_drawing_keeps_the_line(page):
    points = page.at((-0.4, 0), (-0.2, 0), (0, 0), (0.2, 0), (0.4, 0))
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:3]:
        page.mouse.move(*point)
    page.set_viewport_size({"width": 900, "height": 640})
    page.wait_for_function("() => innerWidth === 900")
    for point in points[3:]:
        page.mouse.move(*point)
    page.mouse.up()
    page.wait_until_drawn()
    ((begin, end),) = page.lines()
    assert abs(begin[1] - end[1]) < 0.5  # still level
    assert end[0] > begin[0]
    box = page.locator("#canvas").bounding_box()
    assert page.evaluate("() => document.getElementById('canvas').width") == round(box["width"])


# pens and palms


def test_pressure_is_seen_in_files(tablet):
    points = tablet.at(*((-0.6 + 0.1 * step, 0) for step in range(13)))
    tablet.draw_with_pen(points, [0.1 + 0.07 * step for step in range(13)])
    tablet.wait_until_drawn()
    svg = tablet.downloaded("svg")[1].decode()
    assert 'id="prefix-width"' in svg
    wide = tablet.downloaded("png")[1]
    tablet.click("#clear")
    tablet.draw_with_pen(points, [0.1] * 13)
    tablet.wait_until_drawn()
    assert tablet.downloaded("png")[1] != wide


def test_a_palm_before_the_pen_loses_nothing(tablet):
    palm = tablet.at((0.5, 0.6))[0]
    tablet.touch("start", palm)
    tablet.touch("move", (palm[0] + 4, palm[1]))
    tablet.draw_with_pen(tablet.at((-0.4, 0), (-0.2, 0.1), (0, 0), (0.2, 0.1)))
    tablet.touch("end")
    tablet.wait_until_drawn()
    ((begin, _),) = tablet.lines()
    assert begin[0] < 128  # the pen's line, not the palm's
    tablet.wait_for_function("() => document.getElementById('fingers-draw').getAttribute('aria-checked') === 'false'")


def test_after_a_pen_fingers_move_the_sheet(tablet):
    tablet.draw_with_pen(tablet.at((-0.4, 0), (-0.2, 0.1), (0, 0)))
    tablet.wait_until_drawn()
    now = tablet.evaluate("() => performance.now()")  # the hand that holds the pen is ignored for 0.6 s
    tablet.wait_for_function("(until) => performance.now() > until", arg=now + 650, timeout=WAIT)
    touch_line(tablet, (0.1, 0), (0.2, 0.1), (0.3, 0))
    tablet.wait_for_selector("#reset-view:not([hidden])")
    assert tablet.strokes_of_ink() == 1


def test_a_touch_that_is_cancelled_leaves_nothing(tablet):
    touch_line(tablet, (-0.3, 0.4), (0.3, 0.4))
    tablet.wait_until_drawn()
    first, second, third = tablet.at((-0.3, 0), (0, 0.1), (0.3, 0))
    tablet.touch("start", first)
    tablet.touch("move", second)
    tablet.touch("move", third)
    tablet.touch("cancel")
    assert tablet.strokes_of_ink() == 1
    assert len(tablet.endings()) > 0  # the endings are still there
    assert tablet.locator("#keep").is_enabled()


def test_the_eraser_end_of_a_pen_erases(tablet):
    tablet.draw_with_pen(tablet.at((-0.4, 0), (-0.2, 0), (0, 0), (0.2, 0)))
    tablet.draw_with_pen(tablet.at((-0.4, 0.4), (0.2, 0.4)))
    tablet.wait_until_drawn()
    tablet.erase_with_pen(tablet.at((-0.1, -0.2), (-0.1, 0.2)))
    tablet.wait_until_drawn()
    assert tablet.strokes_of_ink() == 1


# eraser and selection


def test_the_eraser_removes_what_it_touches(page):
    line(page, (-0.5, -0.3), (0.1, -0.3))
    line(page, (-0.5, 0.3), (0.1, 0.3))
    page.click("#tool-erase")
    line(page, (-0.2, 0.1), (-0.2, 0.5))
    assert page.strokes_of_ink() == 1
    page.click("#undo")
    assert page.strokes_of_ink() == 2


def test_a_stroke_of_an_ending_can_be_erased(page):
    line(page, (-0.6, 0), (-0.3, 0))
    page.wait_for_function("() => !document.getElementById('keep').disabled", timeout=WAIT)
    assert page.layers()["completion"] == 2
    page.click(".ending:nth-child(1)")
    page.click("#tool-erase")
    ends = page.lines("completion")[1]
    x, y, size = page.box()
    unit = size / 150
    (x0, y0), (x1, y1) = ends
    middle = (x + ((x0 + x1) / 2 - 128) * unit, y + ((y0 + y1) / 2 - 128) * unit)
    page.draw([middle, (middle[0] + 1, middle[1])])
    page.wait_for_function("() => document.body.dataset.drawing === 'false'")
    assert page.layers() == {"prefix": 1, "completion": 1}
    page.click("#undo")
    assert page.layers() == {"prefix": 1, "completion": 2}


def test_strokes_are_selected_moved_and_deleted(page):
    line(page, (-0.6, -0.5), (-0.1, -0.5))
    line(page, (-0.6, 0.5), (-0.1, 0.5))
    before = page.lines()
    page.click("#tool-select")
    page.draw(page.at((-0.3, -0.5), (-0.1, -0.3), (0.1, -0.1)))
    page.wait_until_drawn()
    after = page.lines()
    assert after[1] == before[1]
    assert near(after[0][0], [before[0][0][0] + 60, before[0][0][1] + 60], 1)
    page.focus("#canvas")
    page.keyboard.press("ArrowRight")
    page.wait_until_drawn()
    assert near(page.lines()[0][0], [after[0][0][0] + 4, after[0][0][1]], 0.1)
    page.click("#delete-selected")
    page.wait_until_drawn()
    assert page.lines() == [before[1]]
    page.draw(page.at((-0.9, 0.2), (0.3, 0.9)))  # a box around the other
    page.focus("#canvas")
    page.keyboard.press("Delete")
    assert page.strokes_of_ink() == 0


def test_by_keyboard(page):
    page.focus("#canvas")
    page.keyboard.press("Space")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        for _ in range(4):
            page.keyboard.press(f"Shift+{key}")
    page.keyboard.press("Space")
    page.wait_until_drawn()
    page.wait_for_function("() => !document.getElementById('keep').disabled", timeout=WAIT)
    page.keyboard.press("2")
    assert page.get_attribute(".ending:nth-child(2)", "aria-pressed") == "true"
    page.keyboard.press("Enter")
    assert page.layers() == {"prefix": 3, "completion": 0}
    page.focus("#canvas")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert page.locator("#hint").is_visible()
