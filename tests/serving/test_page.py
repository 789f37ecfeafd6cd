"""The page in a real browser: what a person sees, types and hears."""

import http.server
import importlib.util
import json
import shutil
import subprocess
import sys
import threading
import time

import pytest

from support.fruit import rows

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.subprocess,
    pytest.mark.skipif(
        BROWSER is None or importlib.util.find_spec("playwright") is None,
        reason="the page is tried in Chromium with Playwright, of which one is not here",
    ),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser, start, tmp_path):
    """The page of a service with both models; nothing may appear on the browser's console."""
    texts, labels = rows(60, 7)
    recent = tmp_path / "recent.jsonl"
    recent.write_text(
        "".join(json.dumps({"text": t, "labels": y}) + "\n" for t, y in zip(texts, labels, strict=True))
    )
    _, url = start("--recent", str(recent), models=("fruit", "queries"))
    page, told = browser.new_page(), []
    page.set_default_timeout(10_000)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#rank:not([hidden])")
    yield page
    assert [line for line in told if "net::ERR_FAILED" not in line] == []  # which a test causes
    page.close()


def until(page, condition):
    """Wait until a condition holds; Playwright's own way evaluates it as a string, which the page's policy forbids."""
    end = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def labels(page):
    return page.locator("#labels button span:last-child").all_inner_texts()


def test_labels_change_while_one_types(page):
    page.locator("#text").press_sequentially("a fruit: appleish", delay=5)
    until(page, "document.querySelector('#labels button span:last-child')?.textContent === 'apple'")
    assert "model" in page.inner_text("#rank-time")
    assert "round trip" in page.inner_text("#rank-time")
    assert len(labels(page)) > 3
    page.locator("#k").fill("2")
    until(page, "document.querySelectorAll('#labels button').length === 2")
    page.locator("#threshold").fill("0.99")
    until(page, "document.querySelectorAll('#labels button').length === 1")
    assert '"threshold":0.99' in page.inner_text("#rank-curl")
    page.locator("#text").fill("")
    until(page, "document.querySelectorAll('#labels li').length === 0")


def test_the_beam_is_chosen(page):
    page.locator("#text").fill("appleish")
    assert page.inner_text("output[for=beam]") == "auto"
    page.locator("#beam").fill("1")
    until(page, """document.getElementById('rank-curl').textContent.includes('"beam_size":1')""")
    assert labels(page)[0] == "apple"


def test_what_can_be_asked_is_described_for_people(page):
    page.locator("footer a").first.click()
    page.wait_for_selector("summary")
    assert page.locator("summary").count() > 12
    page.locator("summary", has_text="Rank the labels of one text").click()
    told = page.inner_text("details[open]")
    assert "beam_size" in told
    assert "by default 10" in told
    assert "list of Scored" in told
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_label_shows_its_way_and_the_words_that_pull(page):
    page.locator("#text").fill("a fruit: appleish")
    first = page.locator("#labels button").first
    first.wait_for()
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".why mark.up")
    assert "appleish" in " ".join(page.locator(".why mark.up").all_inner_texts())
    assert first.get_attribute("aria-expanded") == "true"
    assert "label apple" in page.inner_text(".why ol")
    page.keyboard.press("Enter")
    assert page.locator(".why").count() == 0


def test_markup_in_texts_is_only_text(page):
    page.locator("#text").fill("<img src=x onerror=alert(1)> appleish")
    page.locator("#labels button").first.click()
    page.wait_for_selector(".why p")
    assert "<img" in page.inner_text(".why p")
    assert page.locator(".why img").count() == 0


def test_completion_with_keys_and_a_session(page):
    prefix = page.locator("#prefix")
    prefix.fill("n")
    until(page, "document.querySelectorAll('#queries li').length === 2")
    assert prefix.get_attribute("aria-expanded") == "true"
    prefix.fill("")
    prefix.press_sequentially("run")
    until(page, "document.querySelectorAll('#queries li').length === 1")
    prefix.press("ArrowDown")
    assert (
        page.locator(f"#{prefix.get_attribute('aria-activedescendant')}").get_attribute("aria-selected")
        == "true"
    )
    prefix.press("Enter")
    assert page.locator("#session button").all_inner_texts() == ["running shoes ×"]
    prefix.fill("n")
    until(page, "document.querySelector('#queries li')?.dataset.query === 'nike'")
    page.locator("#session button").click()
    assert page.locator("#session button").count() == 0
    prefix.fill("camera")
    prefix.press("Enter")
    prefix.fill("n")
    until(page, "document.querySelector('#queries li')?.dataset.query === 'nikon'")
    prefix.press("Escape")
    prefix.fill("")
    prefix.press("Backspace")
    assert page.locator("#session button").count() == 0


def test_a_label_is_added_and_answered(page):
    page.locator("#add-name").fill("plum")
    page.locator("#add-texts").fill("a fruit: plumish w1\nplumish w3 fruit")
    assert '"label":"plum"' in page.inner_text("#add-curl")
    page.locator("#add button").click()
    until(page, "document.getElementById('add-done').textContent.includes('plum')")
    until(
        page,
        "[...document.querySelectorAll('#labels button span:last-child')].some((one) => one.textContent === 'plum')",
    )


def test_slow_and_broken_services_are_told(page):
    held = []
    page.route("**/rank", lambda route: held.append(route))  # Playwright marks the function
    page.locator("#text").fill("appleish")
    until(page, "document.getElementById('rank-told').textContent.includes('takes its time')")
    held[-1].continue_()
    until(page, "document.getElementById('rank-told').textContent === ''")
    page.unroute("**/rank")
    page.route("**/rank", lambda route: route.abort())
    page.locator("#text").fill("cherryish")
    until(page, "document.getElementById('rank-told').textContent.includes('does not answer')")


def test_keys_are_asked_for(browser, start, tmp_path):
    from hashlib import sha256

    (tmp_path / "keys").write_text(f"me {sha256(b'sesame').hexdigest()} rank\n")
    _, url = start("--keys", str(tmp_path / "keys"))
    page = browser.new_page()
    page.goto(url)
    page.wait_for_selector("#key:not([hidden])")
    assert "key is needed" in page.inner_text("#told")
    page.locator("#key-field").fill("sesame")
    page.locator("#key-field").press("Tab")
    page.wait_for_selector("#rank:not([hidden])")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anyone_out(page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.emulate_media(color_scheme=scheme)
    page.locator("#text").fill("a fruit: appleish")
    page.locator("#labels button").first.click()
    page.wait_for_selector(".why mark")
    page.locator("#prefix").fill("n")
    page.wait_for_selector("#queries li")
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_every_width(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("#text").fill("a fruit: appleish " + "verylongword" * 20)
    page.locator("#labels button").first.click()
    page.wait_for_selector(".why mark")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
def shop_day(browser, ranker, tmp_path):
    """The main page of a service that has a day to replay; nothing may appear on the browser's console."""
    ranker.save(tmp_path / "fruit")
    told = {"about": "Two <shops>.", "customers": 10, "greedy": [1.0, 1.0, 1.0], "exploring": [0.9, 1.1, 1.6]}
    (tmp_path / "day.json").write_text(json.dumps(told))
    code = (
        "import sys; from arborank.serving import Deployment, Settings, run;"
        "run({'fruit': sys.argv[1]}, Settings(day=sys.argv[2], log_requests=False), Deployment(port=0, drain=0.0),"
        "lambda url: print(url, flush=True))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "fruit"), str(tmp_path / "day.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        page, said = browser.new_page(), []
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(process.stdout.readline().strip())
        page.wait_for_selector("#rank:not([hidden])")
        yield page
        assert said == []
        page.close()
        process.kill()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_day_in_a_shop_is_replayed(shop_day, scheme):
    page = shop_day
    page.emulate_media(color_scheme=scheme)
    page.locator("#day a").click()
    until(page, "document.getElementById('clock')?.textContent === '3 of 3 hours, 30 customers'")
    assert page.inner_text("#about") == "Two <shops>."
    assert page.locator("#sums tr").first.locator("td").all_inner_texts() == ["30", "36"]
    assert page.locator("#sums tr").last.locator("td").last.inner_text() == "20.0 %"
    assert page.locator("polyline.exploring").get_attribute("points").count(",") == 3
    page.locator("#again").click()
    until(page, "document.getElementById('clock')?.textContent.startsWith('3 of 3')")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


class Shop(http.server.BaseHTTPRequestHandler):
    """A page of somebody else's, with the element in it."""

    service = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(
            f"""<script src="{self.service}/complete.js"></script>
            <arborank-complete model="queries" remember="shop">
            <label>Search <input></label></arborank-complete>""".encode()
        )

    def log_message(self, *_):
        pass


def test_the_element_completes_in_another_page(browser, start):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop) as shop:
        threading.Thread(target=shop.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{shop.server_port}"
        _, Shop.service = start("--cors", origin, models=("fruit", "queries"))
        page = browser.new_page()
        page.goto(origin)
        page.evaluate(
            "document.addEventListener('arborank-send', (event) => { window.sent = event.detail; })"
        )
        page.locator("input").press_sequentially("cam")
        page.wait_for_selector("li[role=option]")
        page.locator("input").press("ArrowDown")
        page.locator("input").press("Enter")
        assert page.evaluate("window.sent") == "camera"
        page.locator("input").fill("n")
        until(page, "document.querySelector('li')?.textContent === 'nikon'")
        page.locator("input").fill("my own search")
        page.locator("input").press("Enter")
        page.reload()  # the browser remembers; the service does not
        page.locator("input").press_sequentially("my")
        until(page, "document.querySelector('li')?.textContent === 'my own search'")
        page.evaluate("document.querySelector('arborank-complete').forget('My own search')")
        assert "my own" not in page.evaluate("localStorage.getItem('arborank-shop')")
        page.locator("input").press_sequentially(" o")
        until(page, "!document.querySelector('arborank-complete ul').textContent.includes('my own search')")
        page.close()
        shop.shutdown()
