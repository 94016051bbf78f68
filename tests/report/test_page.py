"""The page, also in a real browser: content, privacy, accessibility."""

import copy
import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest

from cellsk.report.render import (
    _page,
    choose_rows,
    render_page,
    render_summary,
)
from cellsk.report.render._pictures import sample_cells
from cellsk.report.render._templates import render_template
from cellsk.report.words import summarize

HOSTILE = (
    "https://"
    + 60 * "long"
    + '<script>document.title="taken"</script><img src=x onerror=alert(1)>"\'{{ 7*7 }}'
)


@pytest.fixture(scope="module")
def page_file(html, tmp_path_factory):
    """The page of two classes, written to a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def html_without_checklists(document, pictures):
    """The same page without the section on checklists, which is long."""
    return render_page(document | {"checklists": {}}, pictures)


@pytest.fixture
def opened(browser, page_file):
    """A function that opens a page. Afterwards there must be no message and no request."""
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


# Content -----------------------------------------------------------------------


def test_page_has_each_number_with_its_interval(document, html):
    """Every score over all images is on the page, with its interval."""
    words = strip_tags(html)
    for entry in document["numbers"].values():
        assert f"{entry['value']:.3f} {entry['low']:.3f} to {entry['high']:.3f}" in words


def test_page_of_same_document_is_the_same(document, pictures, html, drawn_charts):
    """It does not depend on the date, a counter or the order of a set."""
    drawn_charts.clear()
    assert html == render_page(copy.deepcopy(document), pictures)


def test_page_refers_to_nothing_outside(html):
    """Addresses are those of its parts and of data in it."""
    found = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', html)
    addresses = {one for pair in found for one in pair if one}
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "http" not in re.sub(r"data:[^\"]*|Content-Security-Policy", "", html).replace(
        "http-equiv", ""
    )


def test_page_ids_are_unique_and_references_exist(html):
    """No id occurs twice, and each reference has its target."""
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'(?:href="#|url\(#|data-dialog=")([^")]+)', html)
    wanted += [
        one for names in re.findall(r'aria-labelledby="([^"]+)"', html) for one in names.split()
    ]
    assert set(wanted) <= set(ids)


def test_page_policy_allows_no_other_script(html):
    """The policy has hashes, but neither 'unsafe-inline' nor a host."""
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    assert "script-src &#39;sha256-" in policy[1]


@pytest.mark.parametrize(
    "name", ["audit", "leakage", "patients", "referral", "at_prevalence", "operating_point"]
)
def test_page_leaves_out_what_was_not_computed(document, pictures, html_without_checklists, name):
    """A part that is None has no section."""
    less = copy.deepcopy(document)
    less[name], less["checklists"] = None, {}
    page = render_page(less, pictures)
    assert len(page) < len(html_without_checklists)
    assert "None" not in strip_tags(page)


def test_page_of_undefined_numbers_says_so(document, pictures):
    """Undefined numbers are "not defined", never nan, None or zero."""
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
    """The first sentence does not claim that patients are kept together."""
    alone = copy.deepcopy(document)
    alone["cv"]["groups_kept_together"] = False
    alone["data"]["n_groups"] = None
    alone["predictions"]["group"] = None
    assert "Patients are unknown" in strip_tags(render_page(alone, pictures))


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


def test_sentences_write_shares_as_counts_in_100(document):
    """Of 100 images, ...: the sensitivity, rounded, and its interval."""
    found = document["numbers"]["sensitivity"]
    counts = [round(100 * found[key]) for key in ("value", "low", "high")]
    sentence = "of 100 malignant images, {} ({} to {}) are predicted malignant".format(*counts)
    assert sentence in summarize(document)[2].lower()


def test_class_with_a_number_as_name_is_called_class(document):
    """'Of 100 1 images' would be misread."""
    numbered = copy.deepcopy(document)
    for code, entry in enumerate(numbered["data"]["classes"]):
        entry["name"] = str(code)
    numbered["data"]["positive"] = "1"
    assert "of 100 class 1 images, " in summarize(numbered)[2].lower()


def test_page_of_many_images_does_not_contain_the_manifest(document, monkeypatch, bare_html):
    """It shows how to get the file, and stays small."""
    monkeypatch.setattr(_page, "MAX_MANIFEST_ROWS", len(document["manifest"]) - 1)
    small = render_page(document, {})
    assert len(small) < len(bare_html) - 80 * len(document["manifest"])
    assert "report.save_folds" in small
    assert "data:text/csv" not in small


def test_checklists_of_page_count_answered_and_open_items(document, bare_html):
    """Items that only authors can answer are separate."""
    words = strip_tags(bare_html)
    for name, items in document["checklists"].items():
        found = [item["status"] for item in items]
        counts = [found.count(status) for status in ("answered", "in part", "for the authors")]
        assert min(counts) > 0
        assert "{}: {} answered, {} in part, {} for the authors".format(name, *counts) in words


def test_summary_has_the_first_numbers_and_no_script(document):
    """The html for Jupyter has no script, and styles only itself."""
    html = render_summary(document)
    assert "<script" not in html
    rules = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert all(rule.strip().startswith(".cellsk-summary") for rule in rules.split("\n") if rule)
    for name in ("roc_auc", "sensitivity", "specificity", "balanced_accuracy"):
        assert f"{document['numbers'][name]['value']:.3f}" in html


def test_template_with_a_missing_name_is_refused(document):
    """A blank instead of a number would be worse than an error."""
    import jinja2

    with pytest.raises(jinja2.UndefinedError):
        render_template("report.html.jinja", {"document": document})


# Choice of images --------------------------------------------------------------------------


def test_rows_contain_errors_and_some_of_each_cell(document):
    """Confident errors, label errors and images of every cell are among the rows."""
    rows = choose_rows(document)
    assert rows[:24] == document["confident_errors"]
    assert set(document["label_errors"]) <= set(rows)
    found = document["predictions"]
    cells = {(found["label"][row], found["predicted"][row]) for row in rows}
    assert cells == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert len(rows) == len(set(rows))


def test_rows_do_not_exceed_their_limit(document, document_of_seven):
    """Not even for 49 cells."""
    for limit in (0, 1, 30, 100):
        assert len(choose_rows(document, limit)) <= limit
        assert len(choose_rows(document_of_seven, limit)) <= limit


def test_sample_of_cell_has_its_highest_and_lowest_probability(document):
    """So it is not a selection of the best."""
    found = document["predictions"]
    for (label, predicted), rows in sample_cells(document).items():
        confidence = [found["proba"][row][predicted] for row in rows]
        of_cell = [
            proba[predicted]
            for proba, one, other in zip(
                found["proba"], found["label"], found["predicted"], strict=True
            )
            if (one, other) == (label, predicted)
        ]
        assert confidence == sorted(confidence, reverse=True)
        assert (confidence[0], confidence[-1]) == (max(of_cell), min(of_cell))


def test_label_errors_among_the_errors_are_marked_and_not_shown_twice(document, bare_html):
    """Three of five are confident errors, too: they have a mark, and the other two follow."""
    section = re.search(r'<section id="errors".*?</section>', bare_html, re.DOTALL)[0]
    assert "3 of them are among the errors above, marked" in section
    assert section.count(">check the label<") == 5
    for row in document["label_errors"]:
        assert section.count(document["predictions"]["file"][row]) == 1


# In the browser ------------------------------------------------------------------------


def test_page_fits_its_window_and_follows_the_scheme(opened):
    """No sideways scrolling; light and dark background."""
    page = opened()
    for width, scheme in itertools.product([390, 1280], ["light", "dark"]):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (measure_brightness(background) > 200) == (scheme == "light")
        ink = page.evaluate("getComputedStyle(document.querySelector('.chart text')).fill")
        assert (measure_brightness(ink) < 130) == (scheme == "light")


def measure_brightness(color):
    """Return the mean of red, green and blue of a color as the browser writes it."""
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 3


def test_cell_opens_by_click_and_shows_its_images(opened, document):
    """The dialog has pictures that the browser can decode."""
    page = opened()
    page.click("[data-dialog=cell-0-1]")
    dialog = page.locator("dialog[open]")
    assert "benign, predicted malignant" in dialog.inner_text()
    shown = dialog.locator("img")
    assert shown.count() == 16
    assert shown.evaluate_all("images => images.every(image => image.naturalWidth > 0)")
    dialog.get_by_role("button", name="Close").click()
    assert page.locator("dialog[open]").count() == 0


def test_page_works_by_keyboard(opened):
    """The first tab stop skips to the content. Enter opens a cell, Esc closes it."""
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    page.focus("[data-dialog=cell-1-0]")
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").get_attribute("id") == "cell-1-0"
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.dataset.dialog") == "cell-1-0"


def test_page_has_no_accessibility_violation(opened, find_violations, find_violations_of_style):
    """By the rules of axe-core, also with an open dialog, and on a phone with dark colors."""
    page = opened(viewport={"width": 1280, "height": 844}, bypass_csp=True)
    assert find_violations(page) == []
    page.click("[data-dialog=cell-0-0]")
    assert find_violations(page, "dialog[open]") == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    assert find_violations_of_style(page, "dialog[open]") == []
    page.keyboard.press("Escape")
    assert find_violations_of_style(page) == []


def test_page_of_seven_classes_has_no_accessibility_violation(
    opened, find_violations, document_of_seven, tmp_path
):
    """With wide tables and legends, on a phone."""
    path = tmp_path / "seven.html"
    path.write_text(render_page(document_of_seven, {}), encoding="utf-8")
    page = opened(path, viewport={"width": 390, "height": 844}, bypass_csp=True)
    assert find_violations(page) == []
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


def test_table_that_is_cut_off_has_a_hint_until_its_end(opened):
    """On a phone the table of folds is cut off; on a wide screen it fits."""
    page = opened(viewport={"width": 390, "height": 844})
    table, hint = page.locator("#folds .scroll"), page.locator("#folds .more-beside")
    assert "cut-off" in table.get_attribute("class")
    assert hint.is_visible()
    table.evaluate("table => { table.scrollLeft = table.scrollWidth; }")
    page.wait_for_selector("#folds .scroll:not(.cut-off)")
    table.evaluate("table => { table.scrollLeft = 0; }")
    page.wait_for_selector("#folds .scroll.cut-off")
    page.set_viewport_size({"width": 1280, "height": 844})
    page.wait_for_selector("#folds .scroll:not(.cut-off)")
    assert not hint.is_visible()


def test_contents_mark_the_requested_section(opened):
    """In the middle of the page, and at its end where sections cannot reach the top."""
    page = opened(viewport={"width": 1280, "height": 844}, reduced_motion="reduce")
    for name in ("leakage", "data", "checklists"):
        page.click(f".contents a[href='#{name}']")
        page.wait_for_selector(f"[aria-current][href='#{name}']")
        assert page.locator("[aria-current]").count() == 1


def test_page_prints_with_everything_unfolded(opened, tmp_path):
    """Folded parts are open in print, and closed again on the screen."""
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
    """The download is a manifest that evaluate accepts."""
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


def test_hostile_names_are_shown_as_text(opened, document, pictures, tmp_path):
    """Names of files, classes, patients and messages."""
    bad = copy.deepcopy(document)
    bad["title"] = bad["estimator"]["repr"] = bad["cv"]["description"] = HOSTILE
    bad["data"]["classes"][1]["name"] = bad["data"]["positive"] = HOSTILE
    bad["curves"]["histogram"]["classes"][1]["name"] = HOSTILE
    bad["curves"]["roc"][0]["name"] = HOSTILE
    for part in ("file", "group"):
        bad["predictions"][part] = [HOSTILE] * len(bad["predictions"][part])
    bad["audit"]["findings"][0] |= {"message": HOSTILE, "title": HOSTILE, "files": [HOSTILE]}
    bad["warnings"] = [{"code": "", "text": HOSTILE}]
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


def test_names_with_mathematical_markup_are_not_interpreted(document):
    """A class named $\\frac{ is drawn without an error."""
    odd = copy.deepcopy(document)
    odd["data"]["classes"][1]["name"] = odd["data"]["positive"] = r"_$\frac{"
    odd["curves"]["histogram"]["classes"][1]["name"] = r"_$\frac{"
    assert r"_$\frac{, above" in strip_tags(render_page(odd, {}))


def test_charts_of_page_are_well_formed_with_descriptions(html):
    """Each chart is an image with a title and a description."""
    charts = re.findall(r'<svg class="chart".*?</svg>', html)
    assert len(charts) == 7
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("role") == "img"
        assert root.find("title").text
        assert root.find("desc").text
