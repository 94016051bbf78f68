"""What a run itself can say of its results, as answers to the items of a checklist."""

from __future__ import annotations

from cellsk._checks import count_noun
from cellsk.report.checklists._items import Answer, Document, Tellers
from cellsk.report.words._phrases import (
    count_defined,
    count_images,
    count_units,
    join_words,
    list_classes,
    name_score,
    say_left_out,
    write_range,
)
from cellsk.report.words._values import write_number, write_share
from cellsk.report.words._verdict import is_better_than_guessing

__all__ = ["CLAIM_RESULTS", "TRIPOD_RESULTS"]

_MAX_FOLDS_TOLD = 10


def _tell_size(document: Document) -> Answer:
    """How many cases there are."""
    return Answer(
        f"{count_units(document)}: {list_classes(document)}. The run computed no sample size. "
        "What the size is worth shows in the width of the intervals.",
        "why this size, and why it suffices.",
    )


def _tell_parts(document: Document) -> Answer:
    """Flow of cases through the run."""
    left = say_left_out(document)
    return Answer(
        f"{count_units(document)}: {list_classes(document)}. The run left out none of them."
        f"{' ' if left else ''}{left}",
        "who was considered and left out before; a diagram helps.",
    )


def _tell_characteristics(document: Document) -> Answer:
    """What the run knows of the cases."""
    columns = list(dict.fromkeys(group["column"] for group in document["subgroups"]))
    counted = f" Images by {join_words(columns)} are counted in the report." if columns else ""
    return Answer(
        f"{count_units(document)}: {list_classes(document)}.{counted}",
        "age, sex, clinical features and dates.",
    )


def _tell_fold_mix(document: Document) -> Answer:
    """How the folds differ in their classes."""
    rows = [fold["test_counts"] for fold in document["folds"]]
    told = []
    for code, one in enumerate(document["data"]["classes"]):
        shares = [counts[code] / max(sum(counts), 1) for counts in rows]
        told.append(f"'{one['name']}' {write_share(min(shares))} to {write_share(max(shares))}")
    return Answer(
        f"Share of each class in the test sides of the folds: {join_words(told)}.",
        "age, sex and clinical features in each partition.",
    )


def _tell_amounts(document: Document) -> Answer:
    """Cases and outcomes of every fold."""
    names = [one["name"] for one in document["data"]["classes"]]
    told = []
    for fold in document["folds"][:_MAX_FOLDS_TOLD]:
        classes = zip(fold["test_counts"], names, strict=True)
        held = join_words([f"{count} '{name}'" for count, name in classes])
        train = count_images(fold["n_train"], fold["n_train_groups"])
        test = count_images(fold["n_test"], fold["n_test_groups"])
        told.append(f"Fold {fold['fold']}: trained on {train}, tested on {test} ({held}).")
    if len(document["folds"]) > _MAX_FOLDS_TOLD:
        told.append(f"{len(document['folds']) - _MAX_FOLDS_TOLD} more folds are in the report.")
    return Answer(" ".join(told))


def _tell_performance(document: Document) -> Answer:
    """Every score with its interval."""
    scores = [
        f"{name_score(name, document)} {write_range(number)}"
        for name, number in document["numbers"].items()
    ]
    level = f"{100 * document['interval']['level']:g} % intervals"
    text = f"Over all held-out images, with {level}: {'; '.join(scores)}."
    if document["subgroups"]:
        return Answer(f"{text} The report gives the same for each subgroup.")
    return Answer(text, "performance in key subgroups: pass them as columns to have it.")


def _tell_diagnosis(document: Document) -> Answer:
    """Sensitivity and its kin, or each class against the rest."""
    names = ("sensitivity", "specificity", "ppv", "npv")
    if document["per_class"]:
        told = [
            f"'{one['name']}': "
            + ", ".join(
                f"{name_score(n, document)} {write_range(one['numbers'][n])}" for n in names
            )
            for one in document["per_class"]
        ]
        return Answer(f"Each class against the rest. {'; '.join(told)}.")
    numbers = document["numbers"]
    told = [f"{name_score(n, document)} {write_range(numbers[n])}" for n in names if n in numbers]
    share = write_share(document["data"]["prevalence"])
    return Answer(
        f"For '{document['data']['positive']}', which is {share} of the images: "
        f"{'; '.join(told)}. At another share the predictive values are others."
    )


def _tell_results_by_cluster(document: Document) -> Answer:
    """Scores by subgroup, and their spread over the folds."""
    name = "roc_auc" if "roc_auc" in document["numbers"] else next(iter(document["numbers"]))
    told = [
        f"{group['column']} {group['value']}: {write_range(group['numbers'][name])}"
        for group in document["subgroups"]
        if name in group["numbers"]
    ]
    fold = document["mean_of_folds"].get(name, {"mean": None, "sd": None})
    folds = count_defined(name, document) or "over the folds"
    text = (
        f"{name_score(name, document)} {folds}: mean {write_number(fold['mean'])}, standard "
        f"deviation {write_number(fold['sd'])}."
    )
    if told:
        return Answer(f"{text} By subgroup: {'; '.join(told)}.")
    return Answer(text, "results by cluster, as site or scanner.")


def _tell_errors(document: Document) -> Answer:
    """How many are wrong, and which mistake is the most frequent."""
    matrix, data = document["confusion_matrix"], document["data"]
    names = [one["name"] for one in data["classes"]]
    mistakes = {
        (row, column): count
        for row, counts in enumerate(matrix)
        for column, count in enumerate(counts)
        if row != column
    }
    wrong = sum(mistakes.values())
    text = f"{wrong:,} of {count_noun(data['n_images'], 'image')} were classified wrongly."
    if wrong:
        row, column = max(mistakes, key=lambda pair: mistakes[pair])
        text += (
            f" The most frequent mistake: '{names[row]}' taken for '{names[column]}' "
            f"({count_noun(mistakes[row, column], 'image')})."
        )
    if document["confident_errors"]:
        doubted = document["label_errors"] and is_better_than_guessing(document)
        text += " The report shows the errors with the highest probability"
        text += " and the labels most likely wrong." if doubted else "."
    return Answer(text, "what they have in common.")


def _tell_robustness(document: Document) -> Answer | None:
    """Comparisons that the run made, if any."""
    told = []
    if document["subgroups"]:
        told.append("Scores were compared between subgroups.")
    if document["operating_point"]:
        told.append("The chosen threshold was compared with the untuned one.")
    if document["referral"]:
        told.append("The images left after referral of uncertain ones were scored by themselves.")
    if document["leakage"]:
        told.append(document["leakage"]["sentence"])
    return Answer(" ".join(told), "any other analysis of this kind.") if told else None


def _tell_limits(document: Document) -> Answer | None:
    """The limits that the report states."""
    if not document["limits"]:
        return None
    return Answer(" ".join(document["limits"]), "further limits, and which way each pulls.")


def _tell_use(document: Document) -> Answer | None:
    """The intended use that the report states."""
    if not document["intended_use"]:
        return None
    return Answer(document["intended_use"], "the role it should have, and what follows.")


TRIPOD_RESULTS: Tellers = {
    "3b": _tell_use,
    "10": _tell_size,
    "20a": _tell_parts,
    "20b": _tell_characteristics,
    "20c": _tell_fold_mix,
    "21": _tell_amounts,
    "23a": _tell_performance,
    "23b": _tell_results_by_cluster,
    "26": _tell_limits,
}
CLAIM_RESULTS: Tellers = {
    "21": _tell_size,
    "30": _tell_robustness,
    "35": _tell_parts,
    "36": _tell_fold_mix,
    "37": _tell_performance,
    "38": _tell_diagnosis,
    "39": _tell_errors,
    "40": _tell_limits,
    "41": _tell_use,
}
