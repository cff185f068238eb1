"""One history, kept: undo, reload, back, earlier drawings."""

from web import PAGE_WAIT as WAIT

MODEL = {"guesses": [["cat", 0.9], ["dog", 0.1]], "endings": {"*": [[[10, 0], [40, 10]], [[10, 10], [40, 30]]]}}
READY = "body[data-ready=true][data-restored=true]"


def begun(opened, addresses, **options):
    page = opened(addresses["served"], model=MODEL, **options)
    page.draw(page.circle())
    page.wait_until_drawn()
    return page


def test_all_decisions_are_one_history(addresses, opened, motion):
    page = begun(opened, addresses, reduced_motion=motion)
    first = sorted(page.endings())
    page.click("#again")
    page.wait_until_drawn()
    second = sorted(page.endings())
    assert second != first
    page.choose("dog")
    page.wait_until_drawn()
    page.evaluate("""() => new MutationObserver(() => {
      if (document.body.dataset.drawing === "true") window.drawsAgain = true;
    }).observe(document.body, { attributes: true })""")
    page.locator("#temperature").fill("1.1")
    page.wait_for_function("() => window.drawsAgain", timeout=WAIT)  # the slider waits for further moves
    page.wait_until_drawn()
    page.click("#undo")
    assert page.input_value("#temperature") == "0.4"
    assert page.input_value("#category") == "dog"
    page.click("#undo")
    assert page.input_value("#category") == ""
    assert sorted(page.endings()) == second
    page.click("#undo")
    assert sorted(page.endings()) == first
    assert page.strokes_of_ink() == 1
    page.click("#undo")
    assert page.strokes_of_ink() == 0
    assert page.locator("#undo").is_disabled()
    for _ in range(4):
        page.click("#redo")
    assert page.input_value("#temperature") == "1.1"
    assert page.input_value("#category") == "dog"


def test_a_reload_keeps_the_drawing_and_its_history(address, opened):
    page = opened(address) if address.startswith("file") else opened(address, model=MODEL)
    page.choose("cat")
    page.draw(page.circle())
    page.wait_until_drawn()
    page.draw(page.at((-0.2, 0), (0.2, 0)))
    page.wait_until_drawn()
    endings = page.endings()
    page.reload()
    page.wait_for_selector(READY, timeout=WAIT)
    page.wait_until_drawn()
    assert page.layers()["prefix"] == 2
    assert page.endings() == endings
    page.click("#undo")
    page.wait_until_drawn()
    assert page.layers()["prefix"] == 1
    page.click("#undo")
    page.click("#undo")
    assert page.input_value("#category") == ""


def test_what_is_drawn_just_before_a_reload_is_kept(addresses, opened):
    page = begun(opened, addresses)
    page.draw(page.at((-0.2, 0), (0.2, 0)))
    page.reload()
    page.wait_for_selector(READY, timeout=WAIT)
    page.wait_until_drawn()
    assert page.layers()["prefix"] == 2
    assert page.endings()


def test_back_returns_to_the_drawing(addresses, opened):
    page = begun(opened, addresses)
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector(READY, timeout=WAIT)
    page.wait_until_drawn()
    assert page.layers()["prefix"] == 1


def test_a_closed_tab_is_restored_in_the_next(addresses, opened):
    page = begun(opened, addresses)
    page.wait_until_saved()
    page.page.close()
    other = opened(addresses["served"], model=MODEL, context=page.context)
    assert other.layers()["prefix"] == 1


def test_two_tabs_do_not_write_one_drawing(addresses, opened):
    page = begun(opened, addresses)
    page.wait_until_saved()
    other = opened(addresses["served"], model=MODEL, context=page.context)
    assert other.locator("#hint").is_visible()
    other.draw(other.at((-0.2, 0), (0.2, 0)))
    other.draw(other.at((-0.2, 0.1), (0.2, 0.1)))
    other.wait_until_drawn()
    page.bring_to_front()
    page.reload()
    page.wait_for_selector(READY, timeout=WAIT)
    assert page.layers()["prefix"] == 1


def test_finished_drawings_can_be_returned_to_and_deleted(addresses, opened):
    page = begun(opened, addresses)
    page.click("#new-sheet")
    page.wait_for_selector("#hint:not([hidden])")
    assert page.locator("#undo").is_disabled()
    page.draw(page.at((-0.2, 0), (0.2, 0)))
    page.draw(page.at((-0.2, 0.1), (0.2, 0.1)))
    page.wait_until_drawn()
    assert page.locator("#drawings-count").text_content() == "1"
    page.click("#drawings-button")
    page.click("#drawings-list button")
    page.wait_for_function(
        "() => document.getElementById('description').textContent.includes('1 stroke of yours')", timeout=WAIT
    )
    assert page.locator("#undo").is_enabled()  # with its history
    page.click("#more")
    page.click("#delete-all")
    page.click("#delete-dialog button[value=cancel]")
    assert page.strokes_of_ink() == 1
    page.click("#more")
    page.click("#delete-all")
    page.click("#delete-dialog button[value=delete]")
    page.wait_for_selector("#hint:not([hidden])", state="attached", timeout=WAIT)  # behind the list of drawings
    page.wait_for_selector("#no-drawings:not([hidden])", timeout=WAIT)
    page.reload()
    page.wait_for_selector(READY, timeout=WAIT)
    assert page.locator("#hint").is_visible()


def test_a_browser_without_a_database_draws(addresses, browser):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script("indexedDB.open = () => { throw new Error('forbidden'); };")
    page.goto(addresses["served"])
    page.wait_for_selector(READY, timeout=WAIT)
    assert "does not let the page keep drawings" in page.locator("#status").text_content()
    context.close()


def test_drawing_before_the_model_is_there(addresses, browser):
    context = browser.new_context(reduced_motion="reduce", service_workers="block")
    page = context.new_page()
    held = []
    page.route("**/worker-*.js", lambda route: held.append(route))
    page.goto(addresses["served"])
    page.wait_for_selector("body[data-restored=true]", timeout=WAIT)
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.up()
    assert "loading" in page.locator("#status").text_content()
    held[0].continue_()
    page.wait_for_selector(".ending svg", timeout=WAIT)
    context.close()
