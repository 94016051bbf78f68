"""The page, in a real browser: it opens, it keeps to itself, and everybody can read it."""

import copy
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from cellsk.report.render import _page
from cellsk.report.render._page import choose_rows, render_page, render_summary
from cellsk.report.render._shown_rows import sample_cells
from cellsk.report.render._templates import render_template
from cellsk.report.render._thumbnails import make_thumbnails
from cellsk.report.words._sentences import summarize

HOSTILE = (
    "https://"
    + 60 * "long"
    + '<script>document.title="taken"</script><img src=x onerror=alert(1)>"\'{{ 7*7 }}'
)


@pytest.fixture(scope="module")
def pictures(document):
    """A picture of each row that the page shows, all drawn alike."""
    rows = choose_rows(document)
    one = make_thumbnails(np.full((1, 8, 8, 3), 170, np.uint8), [0])[0]
    return dict.fromkeys(rows, one)


@pytest.fixture(scope="module")
def page_file(document, pictures, tmp_path_factory):
    """The page of two classes, written to a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(document, pictures), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page_file):
    """A function that opens a page and afterwards checks that it was quiet and stayed at home."""
    heard, contexts = [], []

    def open_page(path=page_file, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:")) else heard.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def strip_tags(html):
    """Return the words of a page, without style and script."""
    bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


# What is written -----------------------------------------------------------------------


def test_page_says_each_number_with_its_interval(document, pictures):
    """Every pooled number is on the page, and beside it the ends of its interval."""
    words = strip_tags(render_page(document, pictures))
    for entry in document["numbers"].values():
        assert f"{entry['value']:.3f} {entry['low']:.3f} to {entry['high']:.3f}" in words


def test_page_of_same_document_is_the_same(document, pictures):
    """No date, no counter, no order of a set gets into the page."""
    assert render_page(document, pictures) == render_page(copy.deepcopy(document), pictures)


def test_page_refers_to_nothing_outside(document, pictures):
    """There is no address in the page but of its own parts and of data within it."""
    page = render_page(document, pictures)
    found = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', page)
    addresses = {one for pair in found for one in pair if one}
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "http" not in re.sub(r"data:[^\"]*|Content-Security-Policy", "", page).replace(
        "http-equiv", ""
    )


def test_page_ids_are_unique_and_references_are_met(document, pictures):
    """No id stands twice, and whatever an attribute refers to is there."""
    page = render_page(document, pictures)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'(?:href="#|url\(#|data-dialog=")([^")]+)', page)
    wanted += [
        one for names in re.findall(r'aria-labelledby="([^"]+)"', page) for one in names.split()
    ]
    assert set(wanted) <= set(ids)


def test_page_policy_lets_in_no_other_script(document, pictures):
    """The policy names hashes, and neither 'unsafe-inline' nor a host."""
    policy = re.search(
        r'Content-Security-Policy" content="([^"]+)"', render_page(document, pictures)
    )
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    assert "script-src &#39;sha256-" in policy[1]


@pytest.mark.parametrize(
    "name", ["audit", "leakage", "patients", "referral", "at_prevalence", "operating_point"]
)
def test_page_leaves_out_what_was_not_computed(document, pictures, name):
    """A part that is None costs its section, not the page."""
    less = copy.deepcopy(document)
    less[name], less["checklists"] = None, {}
    page = render_page(less, pictures)
    assert len(page) < len(render_page(document | {"checklists": {}}, pictures))
    assert "None" not in strip_tags(page)


def test_page_of_undefined_numbers_says_so(document, pictures):
    """What is not defined is written in words, never as nan, None or zero."""
    bare = copy.deepcopy(document)
    nothing = {"value": None, "low": None, "high": None}
    bare["numbers"] = {name: dict(nothing) for name in bare["numbers"]}
    bare["mean_of_folds"] = {name: {"mean": None, "sd": None} for name in bare["numbers"]}
    bare["second_opinions"], bare["checklists"] = {}, {}
    for fold in bare["folds"]:
        fold["scores"] = dict.fromkeys(fold["scores"])
        fold["history"] = fold["best_epoch"] = None
    for entry in bare["subgroups"]:
        entry["numbers"] = bare["numbers"]
    words = strip_tags(render_page(bare, {}))
    assert "not defined" in words
    assert "no interval" in words
    assert not re.search(r"\bnan\b|\bNone\b", words)
    assert "Folds Data Method" in words  # no section on training without a history


def test_page_without_groups_says_that_patients_are_unknown(document, pictures):
    """The first sentence claims nothing about patients that nobody named."""
    alone = copy.deepcopy(document)
    alone["cv"]["groups_kept_together"] = False
    alone["data"]["n_groups"] = None
    alone["predictions"]["group"] = None
    assert "Patients are not known" in strip_tags(render_page(alone, pictures))


def test_page_of_many_classes_has_each_class(document_of_seven):
    """Seven classes: a matrix of 49 cells, curves with a legend, a row for each class."""
    page = render_page(document_of_seven, {})
    matrix = re.search(r'<table class="matrix.*?</table>', page, re.DOTALL)[0]
    assert len(re.findall('class="cell', matrix)) == 49
    assert page.count('<ul class="legend">') == 5  # three of classes, two of folds
    for entry in document_of_seven["per_class"]:
        value = f"{entry['numbers']['sensitivity']['value']:.2f}"
        assert f"{entry['name']} {entry['n_images']}" in strip_tags(page)
        assert value in strip_tags(page)


def test_sentences_say_shares_as_counts_of_a_hundred(document):
    """Of 100 images it finds ...: the pooled sensitivity, rounded, and its interval."""
    found = document["numbers"]["sensitivity"]
    said = [round(100 * found[key]) for key in ("value", "low", "high")]
    assert (
        "of 100 malignant images it finds {} ({} to {})".format(*said)
        in summarize(document)[2].lower()
    )


def test_class_called_by_a_number_is_called_a_class(document):
    """'Of 100 1 images' could not be read."""
    numbered = copy.deepcopy(document)
    for code, entry in enumerate(numbered["data"]["classes"]):
        entry["name"] = str(code)
    numbered["data"]["positive"] = "1"
    assert "of 100 class 1 images it finds" in summarize(numbered)[2].lower()


def test_page_of_many_images_does_not_carry_the_manifest(document, monkeypatch):
    """Beyond a length the page says how to get the file, and stays small."""
    page = render_page(document, {})
    monkeypatch.setattr(_page, "MOST_CARRIED", len(document["manifest"]) - 1)
    small = render_page(document, {})
    assert len(small) < len(page) - 80 * len(document["manifest"])
    assert "report.save_folds" in small
    assert "data:text/csv" not in small


def test_checklists_of_page_tell_answers_from_open_items(document):
    """The items that only authors can answer stand apart, and are counted."""
    words = strip_tags(render_page(document, {}))
    for name, items in document["checklists"].items():
        said = [item["status"] for item in items]
        counts = [said.count(status) for status in ("answered", "in part", "for the authors")]
        assert min(counts) > 0
        assert "{}: {} answered, {} in part, {} for the authors".format(name, *counts) in words


def test_summary_holds_the_first_numbers_and_no_script(document):
    """The piece for Jupyter brings no script, and style for itself only."""
    html = render_summary(document)
    assert "<script" not in html
    rules = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert all(rule.strip().startswith(".cellsk-summary") for rule in rules.split("\n") if rule)
    for name in ("roc_auc", "sensitivity", "specificity", "balanced_accuracy"):
        assert f"{document['numbers'][name]['value']:.3f}" in html


def test_template_with_a_missing_name_is_refused(document):
    """A blank where a number should be would be worse than an error."""
    import jinja2

    with pytest.raises(jinja2.UndefinedError):
        render_template("report.html.jinja", {"document": document})


# Which images --------------------------------------------------------------------------


def test_rows_hold_errors_and_some_of_each_cell(document):
    """Confident errors, label errors and every cell that has images are among the rows."""
    rows = choose_rows(document)
    assert rows[:24] == document["confident_errors"]
    assert set(document["label_errors"]) <= set(rows)
    found = document["predictions"]
    cells = {(found["label"][row], found["predicted"][row]) for row in rows}
    assert cells == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert len(rows) == len(set(rows))


def test_rows_keep_to_their_limit(document, document_of_seven):
    """Never more rows than asked for, not even for 49 cells."""
    for limit in (0, 1, 30, 100):
        assert len(choose_rows(document, limit)) <= limit
        assert len(choose_rows(document_of_seven, limit)) <= limit


def test_sample_of_cell_runs_from_surest_to_least_sure(document):
    """Both ends of a cell are in its sample, so that it is no choice of the best."""
    found = document["predictions"]
    for (label, predicted), rows in sample_cells(document).items():
        sure = [found["proba"][row][predicted] for row in rows]
        of_cell = [
            proba[predicted]
            for proba, one, called in zip(
                found["proba"], found["label"], found["predicted"], strict=True
            )
            if (one, called) == (label, predicted)
        ]
        assert sure == sorted(sure, reverse=True)
        assert (sure[0], sure[-1]) == (max(of_cell), min(of_cell))


def test_label_errors_among_the_errors_are_marked_and_not_shown_twice(document):
    """Three of five are confident errors as well: they carry a mark, the other two follow."""
    page = render_page(document, {})
    section = re.search(r'<section id="errors".*?</section>', page, re.DOTALL)[0]
    assert "3 of them are among the errors above" in section
    assert section.count("label in doubt") == 5
    for row in document["label_errors"]:
        assert section.count(document["predictions"]["file"][row]) == 1


# In the browser ------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_window_and_follows_the_scheme(opened, width, scheme):
    """Nothing sticks out at the side; the ground is light by day and dark by night."""
    page = opened(viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", ground)[:3]) / 3
    assert (brightness > 200) == (scheme == "light")
    ink = page.evaluate("getComputedStyle(document.querySelector('.chart text')).fill")
    assert (sum(int(part) for part in re.findall(r"\d+", ink)[:3]) / 3 < 130) == (scheme == "light")


def test_cell_opens_by_click_and_shows_its_images(opened, document):
    """A click on a cell opens a dialog with pictures that the browser could decode."""
    page = opened()
    page.click("[data-dialog=cell-0-1]")
    dialog = page.locator("dialog[open]")
    assert "benign, called malignant" in dialog.inner_text()
    shown = dialog.locator("img")
    assert shown.count() == 16
    assert shown.evaluate_all("images => images.every(image => image.naturalWidth > 0)")
    dialog.get_by_role("button", name="Close").click()
    assert page.locator("dialog[open]").count() == 0


def test_cell_opens_by_keyboard_and_gives_the_focus_back(opened):
    """Enter opens, Esc closes, and the reader is where they were."""
    page = opened()
    page.focus("[data-dialog=cell-1-0]")
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").get_attribute("id") == "cell-1-0"
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.dataset.dialog") == "cell-1-0"


def test_first_tab_stop_skips_to_the_content(opened):
    """Who uses a keyboard need not walk through the contents."""
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_has_no_barrier_that_axe_knows(opened, scheme, width):
    """No violation of axe-core's rules, closed and with a dialog open."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    for opening in (None, "[data-dialog=cell-0-0]"):
        if opening:
            page.click(opening)
        found = axe.run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


def test_page_of_seven_classes_has_no_barrier_that_axe_knows(opened, document_of_seven, tmp_path):
    """The wide tables and legends of many classes can be read by everybody too."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    path = tmp_path / "seven.html"
    path.write_text(render_page(document_of_seven, {}), encoding="utf-8")
    page = opened(path, viewport={"width": 390, "height": 844}, bypass_csp=True)
    found = axe.run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_words_of_leakage_and_checklists_do_not_break_on_a_phone(opened):
    """A cell is at least as wide as its longest word."""
    page = opened(viewport={"width": 390, "height": 844})
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    broken = page.evaluate(
        """() => [...document.querySelectorAll('#leakage th, #checklists th')].filter((cell) => {
          const range = document.createRange();
          return [...cell.childNodes].some((node) => node.nodeType === 3 &&
            [...node.data.matchAll(/\\S+/g)].some((word) => {
              range.setStart(node, word.index);
              range.setEnd(node, word.index + word[0].length);
              return new Set([...range.getClientRects()].map((part) => part.top)).size > 1;
            }));
        }).map((cell) => cell.textContent)"""
    )
    assert broken == []


def test_table_that_is_cut_off_says_so_until_its_end(opened):
    """On a phone the folds go on to the right; on a wide screen they fit."""
    page = opened(viewport={"width": 390, "height": 844})
    table, words = page.locator("#folds .scroll"), page.locator("#folds .more-beside")
    assert "cut-off" in table.get_attribute("class")
    assert words.is_visible()
    table.evaluate("table => { table.scrollLeft = table.scrollWidth; }")
    page.wait_for_function("!document.querySelector('#folds .scroll').matches('.cut-off')")
    wide = opened(viewport={"width": 1280, "height": 844})
    assert "cut-off" not in wide.locator("#folds .scroll").get_attribute("class")
    assert not wide.locator("#folds .more-beside").is_visible()


@pytest.mark.parametrize("name", ["leakage", "data", "checklists"])
def test_contents_mark_the_section_that_was_asked_for(opened, name):
    """In the middle of the page and at its end, where sections cannot reach the top."""
    page = opened(viewport={"width": 1280, "height": 844}, reduced_motion="reduce")
    page.click(f".contents a[href='#{name}']")
    page.wait_for_function(
        "name => document.querySelector('[aria-current]')?.hash === '#' + name", arg=name
    )
    assert page.locator("[aria-current]").count() == 1


def test_page_prints_with_everything_unfolded(opened, tmp_path):
    """On paper the folds are open, and closed again on the screen."""
    page = opened()
    page.evaluate(
        "addEventListener('beforeprint', () => {"
        " window.folded = document.querySelectorAll('details:not([open])').length; })"
    )
    assert page.locator("details:not([open])").count() > 3
    page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert page.evaluate("window.folded") == 0
    assert page.locator("details:not([open])").count() > 3


def test_page_gives_the_manifest_as_a_file(opened, document, tmp_path):
    """The download is the manifest that evaluate takes back."""
    from cellsk.model_selection import read_manifest

    page = opened(accept_downloads=True)
    page.locator("summary", has_text="Fold manifest").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="folds.csv").click()
    path = tmp_path / "folds.csv"
    download.value.save_as(path)
    rows = read_manifest(path)
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in document["manifest"]]
    assert [row["fold"] for row in rows] == [row["fold"] for row in document["manifest"]]


def test_hostile_names_are_shown_and_do_nothing(opened, document, pictures, tmp_path):
    """Names of files, classes, patients and messages are words, whatever they hold."""
    bad = copy.deepcopy(document)
    bad["title"] = bad["estimator"]["repr"] = bad["cv"]["description"] = HOSTILE
    bad["data"]["classes"][1]["name"] = bad["data"]["positive"] = HOSTILE
    bad["curves"]["histogram"]["classes"][1]["name"] = HOSTILE
    bad["curves"]["roc"][0]["name"] = HOSTILE
    for part in ("file", "group"):
        bad["predictions"][part] = [HOSTILE] * len(bad["predictions"][part])
    bad["audit"]["findings"][0] |= {"message": HOSTILE, "title": HOSTILE, "files": [HOSTILE]}
    bad["warnings"] = [HOSTILE]
    bad["subgroups"][0] |= {"column": HOSTILE, "value": HOSTILE}
    bad["versions"] = {"cellsk": HOSTILE}
    bad["estimator"]["parameters"] = {HOSTILE: HOSTILE}
    for row in bad["manifest"]:
        row["file"] = HOSTILE
    path = tmp_path / "bad.html"
    path.write_text(render_page(bad, pictures), encoding="utf-8")
    page = opened(path, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.title() == HOSTILE
    assert page.locator("script").count() == 1
    assert page.locator("img[src=x]").count() == 0
    assert HOSTILE in page.locator("h1").inner_text()


def test_names_that_look_like_mathematics_are_left_alone(document):
    """A class called $\\frac{ is drawn as it is, and stops no chart."""
    odd = copy.deepcopy(document)
    odd["data"]["classes"][1]["name"] = odd["data"]["positive"] = r"_$\frac{"
    odd["curves"]["histogram"]["classes"][1]["name"] = r"_$\frac{"
    assert r"_$\frac{, above" in strip_tags(render_page(odd, {}))


def test_charts_of_page_are_well_formed_and_told_in_words(document, pictures):
    """Each chart is an image with a title and a description."""
    charts = re.findall(r'<svg class="chart".*?</svg>', render_page(document, pictures))
    assert len(charts) == 7
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("role") == "img"
        assert root.find("title").text
        assert root.find("desc").text
