"""Limits of the results, each with a code, and the cautions that come before all numbers."""

from __future__ import annotations

from collections.abc import Sequence

from cellsk._checks import count_noun, join_words, pick_form
from cellsk.report.document import Data, EvaluationDocument, EvaluationFacts, Remark
from cellsk.report.words._baselines import warn_of_baselines
from cellsk.report.words._formats import name_class, name_level
from cellsk.report.words._images import describe_never_tested, has_several_folds, is_one_split
from cellsk.report.words._verdict import compare_with_chance, describe_single_prediction

__all__ = [
    "list_cautions",
    "list_limits",
    "list_warnings",
    "write_headline",
    "write_intended_use",
]

_NO_DEVICE = (
    "Not a medical device: do not use it for a diagnosis, or for a decision about a patient."
)
# Codes of warnings that the cautions repeat with numbers.
_WEAK = {"not-better-than-baseline", "not-better-than-guessing"}
FEW_UNITS = 20
FEW = "few-patients"
FEW_IMAGES = "few-images"


def write_intended_use(facts: EvaluationFacts) -> str:
    """Return what a report is for."""
    if facts["cv"] is None:
        question = "this report shows how well one trained model classifies images like these"
    elif is_one_split(facts):
        question = (
            "this report shows how well a model that was trained in this way classifies images like"
            " those of the test side"
        )
    else:
        question = (
            "this report shows how well models that are trained in this way classify images like"
            " these"
        )
    return f"For research: {question}. {_NO_DEVICE}"


def list_limits(facts: EvaluationFacts) -> list[Remark]:
    """Return what the numbers do not show, the most important limit first."""
    unit = facts["interval"]["unit"]
    limits = [
        ("one-model", _limit_of_one_model(facts)),
        ("never-tested", describe_never_tested(facts["cv"])),
        ("training-unknown", _limit_of_unknown_training(facts)),
        ("patients-unknown", _limit_of_unknown_patients(facts)),
        (FEW if unit == "patient" else FEW_IMAGES, _limit_of_few(facts["data"])),
        (
            "similar-images",
            "The scores are valid for images like these: the same preparation, stain, scanner and"
            " mix of classes. They can be worse for images from another place; only images from"
            " there can show it.",
        ),
        (
            "interval-scope",
            f"The {name_level(facts['interval'])}s show how the scores would vary with"
            f" other {unit}s, for {_name_models(facts)}. They do not include the variation between"
            f" training runs{'' if facts['cv'] is None else ' or between splits'}.",
        ),
        ("predictive-values", _limit_of_prevalence(facts["data"])),
        ("sites", _limit_of_sites(facts)),
    ]
    return [{"code": code, "text": text} for code, text in limits if text]


def _name_models(facts: EvaluationFacts) -> str:
    return "these trained models" if has_several_folds(facts) else "this model"


def _limit_of_one_model(facts: EvaluationFacts) -> str:
    if has_several_folds(facts):
        return ""
    if is_one_split(facts):
        return (
            "The scores are those of one model, on the test side of one split. Another split gives"
            " other scores; cross-validation shows how they vary."
        )
    return (
        "The scores are those of this model. They do not show how well other models would do that"
        " are trained in the same way; cross-validation shows that."
    )


def _limit_of_unknown_training(facts: EvaluationFacts) -> str:
    if facts["cv"] is not None or facts["training"] is not None:
        return ""
    return (
        "The training images are unknown. If the test set shares images or patients with them, the"
        " scores are too high."
    )


def _limit_of_unknown_patients(facts: EvaluationFacts) -> str:
    if facts["data"]["n_groups"] is not None:
        return ""
    if facts["cv"] is None:
        return (
            "Patients are unknown. If some patients have several images here, all intervals are too"
            " narrow. If some have training images, too, all scores are too high."
        )
    return (
        "Patients are unknown. If some patients have several images here, all scores are too high"
        " and all intervals too narrow."
    )


def _limit_of_few(data: Data) -> str:
    caution = _count_rarest(data)
    return caution and (
        f"{caution} In simulations, 95% intervals covered the true value in 65% of studies with"
        " 2 patients of a class, and in 89% with 5."
    )


def _limit_of_prevalence(data: Data) -> str:
    if data["positive"] is None:
        return ""
    return (
        "Predictive values depend on the prevalence, which is seldom the same in a collection and"
        " in a clinic."
    )


def _limit_of_sites(facts: EvaluationFacts) -> str:
    if facts["cv"] is None or not facts["cv"]["sites_kept_together"]:
        return ""
    where = "on one side" if is_one_split(facts) else "in one fold"
    return (
        f"Each site is {where}. Splits within the training side (for early stopping, a threshold"
        " or a calibration) may divide a site, and the intervals assume that the"
        f" {facts['interval']['unit']}s of a site are independent."
    )


def _count_rarest(data: Data) -> str:
    """Return a sentence on the class with the fewest patients, if these are few.

    Images are counted if patients are unknown.
    """
    known = data["n_groups"] is not None
    present = [entry for entry in data["classes"] if entry["n_images"]]
    counts = [(entry["n_groups"] if known else entry["n_images"]) or 0 for entry in present]
    count = min(counts)
    if count >= FEW_UNITS:
        return ""
    rarest = name_class(present[counts.index(count)]["name"])
    if known:
        have = f"{count_noun(count, 'patient')} {pick_form(count, 'has', 'have')} {rarest} images"
    else:
        have = f"{count_noun(count, 'image')} {pick_form(count, 'is', 'are')} {rarest}"
    return f"Only {have}: with fewer than {FEW_UNITS}, the intervals are too narrow."


def _describe_missing_classes(data: Data) -> str:
    """Return which classes have no image in the test set, or ""."""
    missing = [name_class(entry["name"]) for entry in data["classes"] if not entry["n_images"]]
    if not missing:
        return ""
    return (
        f"There are no {join_words(missing)} images here, so scores that need them are not defined."
    )


def write_headline(facts: EvaluationFacts) -> str:
    """Return the most important finding: one class only, a baseline as good, or chance."""
    single, baseline = describe_single_prediction(facts), warn_of_baselines(facts)
    return single or baseline or compare_with_chance(facts)


def list_warnings(document: EvaluationDocument) -> list[str]:
    """Return the warnings that are not among the cautions, by preference as a limit words them."""
    limits = {one["code"]: one["text"] for one in document["limits"] if one["code"]}
    return [
        limits.get(one["code"], one["text"])
        for one in document["warnings"]
        if one["code"] not in _WEAK
    ]


def list_cautions(document: EvaluationDocument) -> list[str]:
    """Return what a reader must know before all numbers."""
    limits, warnings = _list_codes(document["limits"]), _list_codes(document["warnings"])
    cautions = [
        _describe_missing_classes(document["data"]),
        describe_single_prediction(document),
        warn_of_baselines(document),
    ]
    if limits & {FEW, FEW_IMAGES} and FEW not in warnings:
        cautions.append(_count_rarest(document["data"]))
    return [caution for caution in cautions if caution]


def _list_codes(remarks: Sequence[Remark]) -> set[str]:
    return {remark["code"] for remark in remarks}
