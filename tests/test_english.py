"""The words of the project: the worst habits of its prose do not come back."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each habit, and what to write instead.
HABITS = {
    re.compile(habit, re.IGNORECASE): better
    for habit, better in {
        r"(?<!there )\b(?:is|are|was|were) no (?!longer|more\b|other\b)\w": "is not a, has no",
        r"\bis none (?:of|that)\b": "is not",
        r"\bwhat(?:ever)? is not\b": "name the thing",
        r"\b(?:tell|tells|told|telling) (?:\w+ ){0,3}apart\b": "distinguish, classify",
        r"\bjudg(?:e|es|ed|ing)\b": "score, predict, evaluate",
        r"\bparted\b|\bparts (?:a|the|groups|patients|them)\b": "split",
        r"\bstands? (?:for|in|beside|above|below|there)\b": "is, means",
        r"\b(?:lend|lends|lent|borrow|borrows|borrowed)\b": "use, keep, share",
        r"\b(?:witness|sheet of|dressed)\b": "a plain word",
        r"\bat (?:its|their) word\b": "trust",
        r"\bof (?:its|their|his) own\b": "its own, a separate",
        r"\bso that\b[^.]*\bwhatever\b": "two sentences",
        r"\b(?:but|save) for (?:the|its|their)\b": "except for",
        r"\bas (?:they|it) stands?\b": "the current",
        r"\bfor one,|, for one\b|, say\b": "for example",
        r"\b(?:colour|grey|labell(?!edby)|behaviour|favour|neighbour|tumour|artefact|judgement)\w*"
        r"|\bcentre[ds]?\b|\b(?:normal|recogn|summar|organ)is(?:e|es|ed|ing|ation)\b"
        r"|\b(?:modell|cancell|travell)\w+|\banalyse[ds]?\b|\bwhilst\b|\blearnt\b": "US spelling",
    }.items()
}
# Names that users already have in their code or files.
KEPT = re.compile(r"mean_colour")


def list_prose(path):
    """Yield line number and text of each comment, docstring and longer string of a module."""
    source = path.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for number, line in enumerate(node.value.splitlines()):
                yield node.lineno + number, line


def list_lines(path):
    """Yield number and text of each line of a page or template."""
    yield from enumerate(path.read_text("utf-8").splitlines(), start=1)


MODULES = [
    path
    for folder in ("cellsk", "examples", "benchmarks", "docs", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__) and not {"_build", "auto_examples"} & set(path.parts)
]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.rst")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted((ROOT / "cellsk").rglob("*.md")),
    *sorted((ROOT / "cellsk").rglob("*.jinja")),
]


@pytest.mark.parametrize("path", [*MODULES, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_has_none_of_the_habits(path):
    """Inverted, literary and British forms are replaced by plain American English."""
    found = []
    for number, line in list_prose(path) if path.suffix == ".py" else list_lines(path):
        text = KEPT.sub("", line)
        for habit, better in HABITS.items():
            found += [f"{number}: {m.group()!r} ({better})" for m in habit.finditer(text)]
    assert not found, f"{path.relative_to(ROOT)}:\n" + "\n".join(found)
