"""The page in a real browser: Debian's chromium, without a window, driven by selenium."""

import json
import re
import shutil
import time

import pytest
from page_cases import HOSTILE, small_comparison

from hd_plugin.report import write_html
from hd_plugin.report._text import energy, ratio

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra 'test')")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="chromium or chromedriver is missing (Debian: chromium-driver)"
)
NAMES = ("stem/conv", "body.0", "body.1", "fc", *HOSTILE)


@pytest.fixture(scope="module")
def result():
    return small_comparison(NAMES, title=HOSTILE[0])


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_html(result, path)
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    """The page as it is when opened, in a window of a desk's width; nothing may go wrong in it."""
    sized(browser, 1400)
    scheme(browser, "light")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {address}


def sized(browser, width, height=900):
    sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)


def scheme(browser, name):
    wanted = {"features": [{"name": "prefers-color-scheme", "value": name}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)


def column(page, table, number):
    """The exact values of a column, rows that are not shown left out."""
    code = """return [...document.getElementById(arguments[0]).tBodies[0].rows].filter(r => !r.hidden)
        .map(r => r.cells[arguments[1]].dataset.v)"""
    return page.execute_script(code, table, number)


def heads(page, table):
    return page.find_elements(By.CSS_SELECTOR, f"#{table} thead tr:last-child th")


def test_a_click_sorts_largest_first_then_smallest_then_as_in_the_network(page, result):
    at = next(i for i, h in enumerate(heads(page, "layers")) if h.text.startswith("MACs"))
    macs = [str(r.counts.mac) for r in result.of("baseline")]
    assert column(page, "layers", at) == macs
    for wanted, told in (
        (sorted(map(int, macs), reverse=True), "descending"),
        (sorted(map(int, macs)), "ascending"),
        (list(map(int, macs)), None),
    ):
        heads(page, "layers")[at].find_element(By.TAG_NAME, "button").click()
        assert list(map(int, column(page, "layers", at))) == wanted
        assert heads(page, "layers")[at].get_attribute("aria-sort") == told
    button = heads(page, "layers")[0].find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)  # by keyboard too; names ascend
    assert column(page, "layers", 0)[-2:] == ["stem/conv", HOSTILE[4]]


def test_sorting_energies_goes_by_joules_not_by_text(page, result):
    at = next(i for i, h in enumerate(heads(page, "parts")) if h.text.startswith("MACs"))
    heads(page, "parts")[at].find_element(By.TAG_NAME, "button").click()
    values = [float(v) for v in column(page, "parts", at)]
    wanted = sorted((r.energy.mac_J for r in result.of("cluster")), reverse=True)
    assert values == wanted


def test_filters_keep_what_they_say(page, result):
    field = page.find_element(By.CSS_SELECTOR, '[data-for="layers"] input')
    field.send_keys("BODY")
    assert column(page, "layers", 0) == ["body.0", "body.1"]
    assert page.find_element(By.CSS_SELECTOR, '[data-for="layers"] output').text == f"2 of {len(NAMES)}"
    field.clear()
    field.send_keys("<script>")
    assert column(page, "layers", 0) == [HOSTILE[1]]
    select = Select(page.find_element(By.CSS_SELECTOR, '[data-for="parts"] select'))
    assert set(column(page, "parts", 1)) == {"cluster"}
    for method, count in (("direct", len(NAMES)), ("all", 4 * len(NAMES))):
        select.select_by_visible_text(method)
        assert len(column(page, "parts", 1)) == count
    page.find_element(By.CSS_SELECTOR, '[data-for="parts"] input').send_keys("fc")
    assert column(page, "parts", 1) == list(result.methods)


def hover(page, element):
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    tip = page.find_element(By.ID, "tip")
    for step in range(50):  # scrolling ends when it ends, and hides what was shown
        ActionChains(page).move_to_element_with_offset(element, step % 2, 0).perform()
        if tip.is_displayed():
            break
        time.sleep(0.05)
    return tip


def test_pointing_at_a_layer_a_bar_or_a_word_tells_its_numbers(page, result):
    marks = page.find_elements(By.CSS_SELECTOR, "#figure-reduction .wide .mark")
    assert len(marks) == len(NAMES)
    tip = hover(page, marks[1])
    rows = {m: result.of(m)[1] for m in result.methods[1:]}
    assert tip.is_displayed() and tip.text.splitlines()[0] == "2. body.0"
    assert {f"{m}: {ratio(r.hd_reduction)}" for m, r in rows.items()} <= set(tip.text.splitlines())
    bar = page.find_element(By.CSS_SELECTOR, "#figure-energy .wide .mark")
    whole = [r.energy for r in result.of("baseline")]
    told = f"{energy(sum(e.mac_J for e in whole))} of {energy(sum(e.total_J for e in whole))}"
    assert hover(page, bar).text == f"baseline\nMACs: {told}"
    term = page.find_element(By.CSS_SELECTOR, "#layers thead button .term")
    assert len(hover(page, term).text) > 20
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert not tip.is_displayed()
    word = page.find_element(By.CSS_SELECTOR, ".lead .term")
    page.execute_script("arguments[0].focus({focusVisible: true})", word)
    assert tip.is_displayed() and "Processing element" in tip.text


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_no_width_makes_the_page_wider_than_the_window(page, width):
    sized(page, width)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    widths = page.execute_script(
        "return [...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().width)"
    )
    assert max(widths) <= width
    shown = [page.find_element(By.CSS_SELECTOR, f"#figure-nhd .{kind}") for kind in ("wide", "narrow")]
    assert [s.is_displayed() for s in shown] == [width > 640, width <= 640]
    letters = page.execute_script(
        """const size = t => parseFloat(getComputedStyle(t).fontSize)
            * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b)
        return [...document.querySelectorAll('#figure-nhd svg text')]
        .filter(t => t.getBoundingClientRect().width)
        .map(size)"""
    )
    assert min(letters) >= 6.5  # pixels: small, and still letters


def test_dark_mode_turns_text_figures_and_data(page):
    code = """const of = (s, p) => getComputedStyle(document.querySelector(s))[p];
        return {page: of('body', 'backgroundColor'), text: of('h1', 'color'),
        label: of('#figure-nhd .wide svg text', 'fill'), card: of('figure', 'backgroundColor'),
        bar: getComputedStyle([...document.querySelectorAll('#figure-reduction .wide path')].find(
            p => (p.getAttribute('style') || '').includes('009e73'))).fill}"""
    found = {}
    for name in ("light", "dark"):
        scheme(page, name)
        found[name] = page.execute_script(code)
    light = {k: brightness(v) for k, v in found["light"].items()}
    dark = {k: brightness(v) for k, v in found["dark"].items()}
    assert light["page"] > 200 > 60 > dark["page"] and light["card"] > 200 > 60 > dark["card"]
    assert light["text"] < 60 and light["label"] < 60 and dark["text"] > 200 and dark["label"] > 200
    assert found["light"]["bar"] != found["dark"]["bar"] and dark["bar"] > light["bar"]


def brightness(colour):
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_a_figure_comes_out_of_the_page_as_a_file(page, tmp_path):
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    for kind, start in (("SVG", b"<svg"), ("PDF", b"%PDF")):
        link = page.find_element(By.CSS_SELECTOR, "#figure-reduction").find_element(By.LINK_TEXT, kind)
        page.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
        link.click()
        path = tmp_path / f"reduction.{kind.lower()}"
        for _ in range(200):
            if path.exists() and path.stat().st_size:
                break
            time.sleep(0.1)
        content = path.read_bytes()
        assert content.startswith(start)
        if kind == "SVG":
            text = content.decode("utf8")
            assert "Fewer bit flips" in text and "var(" not in text and "#009e73" in text
            assert "<title>2. body.0" in text and 'viewBox="0 0 ' in text


def test_names_are_text_and_nothing_else(page):
    cells = page.find_elements(By.CSS_SELECTOR, "#layers tbody .name")
    assert [page.execute_script("return arguments[0].textContent", c) for c in cells][4:7] == list(
        HOSTILE[:3]
    )
    assert page.find_elements(By.TAG_NAME, "img") == []
