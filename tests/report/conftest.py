"""Realistic documents of an evaluation, with scores computed by scikit-learn, and a browser."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from cellsk.metrics import bootstrap_scores, compute_scores, percentile_interval
from cellsk.report.checklists import answer_checklists
from cellsk.report.render import _charts, choose_rows, make_thumbnails, render_page

CHROMIUM = Path("/usr/bin/chromium")
N_FOLDS = 5
SEVEN = (
    "basophil",
    "eosinophil",
    "erythroblast",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "platelet",
)

RUN_AXE = """([part, options]) =>
    axe.run(part || document, options).then((found) => found.violations)"""
# The rules of axe-core whose result depends on colors, on the width, or on columns that a phone
# hides. The other rules depend on the elements and their text only.
RULES_OF_STYLE = [
    "color-contrast",
    "link-in-text-block",
    "scrollable-region-focusable",
    "empty-table-header",
    "td-has-header",
    "th-has-data-cells",
]


@pytest.fixture(scope="session", autouse=True)
def drawn_charts():
    """Charts that were drawn, by what they were drawn from: drawing is most of the work of a page.

    Clear it to draw again.
    """
    draw, drawn = _charts.draw_evaluation, {}

    def draw_once(*arguments):
        key = json.dumps(arguments)
        if key not in drawn:
            drawn[key] = draw(*arguments)
        return drawn[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_charts, "draw_evaluation", draw_once)
        yield drawn


@pytest.fixture(scope="session")
def document():
    """600 images of 12 patients in two classes, five folds. Tests must not change it."""
    return make_document()


@pytest.fixture(scope="session")
def document_of_seven():
    """700 images of 20 patients in seven classes."""
    return make_document(names=SEVEN, n_images=700, n_patients=20, seed=3)


@pytest.fixture(scope="session")
def pictures(document):
    """The same picture for each row that the page shows."""
    one = make_thumbnails(np.full((1, 8, 8, 3), 170, np.uint8), [0])[0]
    return dict.fromkeys(choose_rows(document), one)


@pytest.fixture(scope="session")
def html(document, pictures):
    """The page of two classes, with pictures."""
    return render_page(document, pictures)


@pytest.fixture(scope="session")
def bare_html(document):
    """The page of two classes, without pictures."""
    return render_page(document, {})


@pytest.fixture(scope="session")
def browser():
    """A real browser without a window, or skip."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def find_violations():
    """A function that returns violations of accessibility by a page, by the rules of axe-core."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def find(page, part=None, rules=None):
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe.axe_script)
        options = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": rules}
        found = page.evaluate(RUN_AXE, [part, options])
        return [(one["id"], one["impact"], one["nodes"][0]["html"][:120]) for one in found]

    return find


@pytest.fixture
def find_violations_of_style(find_violations):
    """The same by the rules whose result depends on colors and width."""
    return lambda page, part=None: find_violations(page, part, RULES_OF_STYLE)


def make_document(names=("benign", "malignant"), n_images=600, n_patients=12, seed=0):
    """A document as `evaluate` writes it, with random predictions."""
    rng = np.random.default_rng(seed)
    k = len(names)
    group = np.sort(rng.integers(0, n_patients, n_images))
    y = (rng.random(n_images) * k).astype(int)
    logits = rng.normal(0, 1, (n_images, k)) + rng.normal(0, 0.7, (n_patients, k))[group]
    logits[np.arange(n_images), y] += 2.0 if k == 2 else 2.6
    proba = np.exp(1.4 * logits) / np.exp(1.4 * logits).sum(axis=1, keepdims=True)
    predicted = proba.argmax(axis=1)
    fold = group % N_FOLDS + 1
    return _assemble(list(names), y, proba, predicted, group, fold, rng)


def _assemble(names, y, proba, predicted, group, fold, rng):
    k, binary = len(names), len(names) == 2
    positive = names[1] if binary else None
    files = [
        f"{names[code]}/slide{g + 1:02d}_{row:04d}.png"
        for row, (code, g) in enumerate(zip(y, group, strict=True))
    ]
    groups = [f"P{g + 1:02d}" for g in group]
    wrong = np.flatnonzero(y != predicted)
    ranked = wrong[np.argsort(-proba[wrong, predicted[wrong]])]
    numbers = _with_intervals(y, proba, predicted, group)
    folds = [
        _one_fold(y, proba, predicted, group, fold, number, rng) for number in range(1, N_FOLDS + 1)
    ]
    pick = {name: {key: numbers[name][key] for key in ("value", "low", "high")} for name in numbers}
    at = {name: pick[name] for name in ("sensitivity", "specificity", "ppv", "npv") if binary}
    found = {
        "schema": "cellsk-evaluation-4",
        "created": "2026-11-23T12:00:00Z",
        "title": "How well are benign and malignant images classified?"
        if binary
        else "How well are images of 7 classes classified?",
        "data": {
            "n_images": len(y),
            "n_groups": len(set(groups)),
            "images_are": "paths",
            "classes": [
                {
                    "name": name,
                    "n_images": int((y == code).sum()),
                    "n_groups": len(set(group[y == code])),
                    "positive": name == positive,
                }
                for code, name in enumerate(names)
            ],
            "positive": positive,
            "prevalence": float((y == 1).mean()) if binary else None,
        },
        "training": None,
        "cv": {
            "description": "StratifiedGroupKFold(n_splits=5, random_state=0, shuffle=True)",
            "n_folds": N_FOLDS,
            "source": "chosen",
            "groups_kept_together": True,
            "sites_kept_together": False,
            "random_state": 0,
            "never_tested": None,
        },
        "interval": {
            "level": 0.95,
            "method": "bootstrap over patients",
            "n_resamples": 2000,
            "unit": "patient",
            "n_units": len(set(groups)),
        },
        "numbers": numbers,
        "second_opinions": {
            "roc_auc": {**pick["roc_auc"], "method": "DeLong, assuming independent images"},
            "sensitivity": {
                **at["sensitivity"],
                "method": "exact binomial (Clopper-Pearson), assuming independent images",
            },
            "specificity": {
                **at["specificity"],
                "method": "exact binomial (Clopper-Pearson), assuming independent images",
            },
        }
        if binary
        else {},
        "at_prevalence": {
            "prevalence": 0.02,
            "ppv": {"value": 0.083, "low": 0.051, "high": 0.142},
            "npv": {"value": 0.996, "low": 0.994, "high": 0.998},
        }
        if binary
        else None,
        "folds": folds,
        "mean_of_folds": {
            name: {
                "mean": float(np.mean([one["scores"][name] for one in folds])),
                "sd": float(np.std([one["scores"][name] for one in folds], ddof=1)),
            }
            for name in numbers
        },
        "confusion_matrix": metrics.confusion_matrix(y, predicted, labels=range(k)).tolist(),
        "per_class": []
        if binary
        else [
            _one_class(code, name, y, proba, predicted, group) for code, name in enumerate(names)
        ],
        "subgroups": [
            {
                "column": column,
                "value": value,
                "n_images": int(part.sum()),
                "n_groups": len(set(group[part])),
                "numbers": _with_intervals(y[part], proba[part], predicted[part], group[part]),
            }
            for column, values in (("site", group % 2), ("scanner", group // 4))
            for value, part in (
                (f"{column} {chr(65 + one)}", values == one) for one in np.unique(values)
            )
        ],
        "patients": {
            "aggregation": "mean",
            "n_patients": len(set(groups)),
            "n_mixed": 0,
            "counts": [4, 8] if binary else [3] * k,
            "numbers": {name: pick[name] for name in ("accuracy", "roc_auc", *at)},
        },
        "operating_point": {
            "wanted": "sensitivity",
            "target": 0.95,
            "thresholds": [0.31, 0.28, 0.35, 0.22, 0.3],
            "achieved": {
                "sensitivity": {"value": 0.93, "low": 0.88, "high": 0.97},
                "specificity": {"value": 0.66, "low": 0.52, "high": 0.78},
                "ppv": {"value": 0.73, "low": 0.62, "high": 0.82},
                "npv": {"value": 0.9, "low": 0.82, "high": 0.95},
            },
            "untuned": at,
        }
        if binary
        else None,
        "referral": {
            "max_uncertainty": 0.2,
            "n_kept": 360,
            "n_referred": 240,
            "coverage": 0.6,
            "error": 0.05,
            "numbers": pick,
        }
        if binary
        else None,
        "calibration": {"method": "sigmoid"} if binary else None,
        "curves": _make_curves(names, y, proba, predicted, positive),
        "predictions": {
            "file": files,
            "group": groups,
            "fold": fold.tolist(),
            "label": y.tolist(),
            "predicted": predicted.tolist(),
            "proba": proba.round(6).tolist(),
        },
        "confident_errors": ranked[:24].tolist(),
        "label_errors": ranked[[0, 3, 5, -1, -2]].tolist(),
        "audit": {
            "n_images": len(y),
            "n_test_images": 0,
            "seconds": 4.2,
            "findings": [
                {
                    "code": "A201",
                    "severity": "warning",
                    "title": "Exact duplicates",
                    "message": "14 images are exact copies of another image. Give them one group.",
                    "n_images": 14,
                    "files": files[:14],
                },
                {
                    "code": "A104",
                    "severity": "note",
                    "title": "Mixed sizes",
                    "message": "3 images have another size than the rest.",
                    "n_images": 3,
                    "files": files[20:23],
                },
            ],
        },
        "left_out": [],
        "warnings": [
            {
                "code": "few-patients",
                "text": "12 patients are few: other patients may change scores.",
            }
        ],
        "estimator": {
            "name": "Pipeline",
            "repr": "Pipeline(steps=[('reader', ImageReader()), ('classifier', CellClassifier())])",
            "parameters": {
                "classifier__filters": "(32, 64)",
                "classifier__epochs": "20",
                "classifier__random_state": "0",
                "reader__image_size": "(96, 96)",
            },
        },
        "versions": {
            "python": "3.11.2",
            "cellsk": "0.1.0",
            "scikit-learn": "1.9.1",
            "keras": "3.15.1",
        },
        "seed": 0,
        "seconds": 212.4,
        "manifest": [
            {
                "file": file,
                "sha256": f"{row:064x}",
                "label": names[code],
                "group": one,
                "fold": int(number),
            }
            for row, (file, code, one, number) in enumerate(
                zip(files, y, groups, fold, strict=True)
            )
        ],
        "leakage": {
            "grouped": {"roc_auc": pick["roc_auc"], "accuracy": pick["accuracy"]},
            "random": {
                "roc_auc": {"value": 0.972, "low": 0.96, "high": 0.981},
                "accuracy": {"value": 0.921, "low": 0.9, "high": 0.94},
            },
            "gap": {
                "roc_auc": {"value": 0.064, "low": 0.031, "high": 0.102},
                "accuracy": {"value": 0.07, "low": 0.03, "high": 0.11},
            },
            "sentence": "If patients were ignored, the reported AUC would be 0.064 higher.",
        }
        if binary
        else None,
        "baselines": None,
        "intended_use": "Research. Not a medical device.",
        "limits": [
            {"code": "similar-images", "text": "The numbers hold for images like these."},
            {"code": "interval-scope", "text": "The intervals do not include training runs."},
        ],
    }
    found |= {"test": None, "headline": "Better than chance."}
    return found | {"checklists": answer_checklists(found)}


def _scores(y, proba, predicted):
    positive = 1 if proba.shape[1] == 2 else None
    return compute_scores(y, proba, predicted, positive=positive)


def _with_intervals(y, proba, predicted, group):
    positive = 1 if proba.shape[1] == 2 else None
    found = _scores(y, proba, predicted)
    drawn = bootstrap_scores(
        y, proba, predicted, positive=positive, clusters=group, n_resamples=200, random_state=0
    )
    numbers = {}
    for name, value in found.items():
        low, high = percentile_interval(drawn[name])
        numbers[name] = {"value": value, "low": low, "high": high}
    return numbers


def _one_fold(y, proba, predicted, group, fold, number, rng):
    test = fold == number
    epochs = np.arange(1, 13)
    start = rng.uniform(0.62, 0.75)
    loss = start * np.exp(-epochs / 9)
    val_loss = loss + 0.05 + 0.0018 * epochs**2 + rng.normal(0, 0.012, 12)
    return {
        "fold": number,
        "n_train": int((~test).sum()),
        "n_test": int(test.sum()),
        "n_train_groups": len(set(group[~test])),
        "n_test_groups": len(set(group[test])),
        "test_counts": np.bincount(y[test], minlength=proba.shape[1]).tolist(),
        "scores": _scores(y[test], proba[test], predicted[test]),
        "fit_seconds": 38.2,
        "predict_seconds": 0.9,
        "threshold": None,
        "best_params": None,
        "history": {
            "loss": loss.tolist(),
            "accuracy": (1 - 0.55 * loss).tolist(),
            "val_loss": val_loss.tolist(),
            "val_accuracy": (1 - 0.5 * val_loss).tolist(),
        },
        "best_epoch": int(val_loss.argmin()) + 1,
    }


def _one_class(code, name, y, proba, predicted, group):
    two = np.column_stack([1 - proba[:, code], proba[:, code]])
    numbers = _with_intervals((y == code).astype(int), two, (predicted == code).astype(int), group)
    kept = ("sensitivity", "specificity", "ppv", "npv", "f1", "roc_auc", "average_precision")
    return {
        "name": name,
        "n_images": int((y == code).sum()),
        "numbers": {key: numbers[key] for key in kept},
    }


def _make_curves(names, y, proba, predicted, positive):
    codes = [1] if positive else range(len(names))
    roc, pr = [], []
    for code in codes:
        truth, score = y == code, proba[:, code]
        fpr, tpr, _ = metrics.roc_curve(truth, score)
        precision, recall, _ = metrics.precision_recall_curve(truth, score)
        roc.append(
            {
                "name": names[code],
                "fpr": fpr.tolist(),
                "tpr": tpr.tolist(),
                "area": metrics.roc_auc_score(truth, score),
            }
        )
        pr.append(
            {
                "name": names[code],
                "recall": recall.tolist(),
                "precision": precision.tolist(),
                "area": metrics.average_precision_score(truth, score),
                "prevalence": float(truth.mean()),
            }
        )
    score = proba[:, 1] if positive else proba.max(axis=1)
    truth = y == 1 if positive else y == predicted
    observed, mean = calibration_curve(truth, score, n_bins=10)
    edges = np.linspace(0, 1, 21)
    counts = [len(part) for part in np.array_split(score, len(mean))]
    sure = np.sort(1 - proba.max(axis=1))
    coverage = []
    for share in np.linspace(1, 0.1, 40):
        limit = sure[max(round(share * len(y)) - 1, 0)]
        kept = 1 - proba.max(axis=1) <= limit
        coverage.append(
            {
                "coverage": float(kept.mean()),
                "error": float((y != predicted)[kept].mean()),
                "threshold": float(limit),
                "n": int(kept.sum()),
            }
        )
    return {
        "roc": roc,
        "precision_recall": pr,
        "reliability": {
            "mean_predicted": mean.tolist(),
            "observed": observed.tolist(),
            "count": counts,
            "low": np.clip(observed - 0.09, 0, 1).tolist(),
            "high": np.clip(observed + 0.09, 0, 1).tolist(),
        },
        "histogram": {
            "edges": edges.tolist(),
            "classes": [
                {"name": name, "counts": np.histogram(score[y == code], edges)[0].tolist()}
                for code, name in enumerate(names)
            ],
        },
        "coverage": {
            **{key: [one[key] for one in coverage] for key in ("threshold", "coverage", "error")},
            "summary": [coverage[0], coverage[4], coverage[9], coverage[13], coverage[22]],
        },
    }
