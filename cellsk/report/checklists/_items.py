"""The items of TRIPOD+AI and of CLAIM: number, topic, and a question in our own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cellsk.report.document import EvaluationDocument

__all__ = ["CLAIM", "TRIPOD_AI", "Answer", "Answers", "Item", "list_columns"]


class Item(NamedTuple):
    """One line of a checklist."""

    number: str
    topic: str
    question: str


class Answer(NamedTuple):
    """What the run can answer, and what it leaves to the authors."""

    text: str
    rest: str = ""


Answers = dict[str, Callable[[EvaluationDocument], Answer | None]]


def list_columns(document: EvaluationDocument) -> list[str]:
    """Return the columns by whose values the images are compared."""
    return list(dict.fromkeys(group["column"] for group in document["subgroups"]))


TRIPOD_AI = tuple(
    Item(*line)
    for line in (
        ("1", "Title", "Does the title name the model, the population and the outcome?"),
        ("2", "Abstract", "Does the abstract contain the items of TRIPOD+AI for Abstracts?"),
        ("3a", "Background", "What is the diagnosis or prognosis, and why is a model needed?"),
        ("3b", "Background", "Which patients, which point of care, and which users is it for?"),
        ("3c", "Background", "Which inequalities in health between groups are known here?"),
        ("4", "Objectives", "What is the aim: to develop a model, to evaluate one, or both?"),
        ("5a", "Data", "What is the source of the data, why this one, and whom does it represent?"),
        ("5b", "Data", "When were the data collected?"),
        ("6a", "Participants", "What was the setting, and which and how many centers took part?"),
        ("6b", "Participants", "What were the criteria for taking part?"),
        (
            "6c",
            "Participants",
            "Which treatments were given, and how does the analysis treat them?",
        ),
        (
            "7",
            "Data preparation",
            "How were the data prepared and checked, and was it the same for all groups?",
        ),
        (
            "8a",
            "Outcome",
            "What exactly is predicted, how and when was it determined, and why this?",
        ),
        ("8b", "Outcome", "Who assessed the outcome, and with which qualification?"),
        ("8c", "Outcome", "Were the assessors blind to other information?"),
        ("9a", "Predictors", "How were the first predictors chosen?"),
        ("9b", "Predictors", "What are the predictors, and how and when were they measured?"),
        ("9c", "Predictors", "Who assessed predictors that need interpretation?"),
        ("10", "Sample size", "How was the number of cases determined, and is it sufficient?"),
        ("11", "Missing data", "What was missing or left out, why, and how was it handled?"),
        ("12a", "Analytical methods", "Which data were used for what, and how were they split?"),
        ("12b", "Analytical methods", "How were the predictors scaled or transformed?"),
        ("12c", "Analytical methods", "Which model, why, how was it built, tuned and validated?"),
        (
            "12d",
            "Analytical methods",
            "How were differences between clusters, such as sites, handled?",
        ),
        (
            "12e",
            "Analytical methods",
            "Which measures and plots evaluate the model, and why these?",
        ),
        ("12f", "Analytical methods", "Was the model updated because of its evaluation?"),
        ("12g", "Analytical methods", "How were the predictions of the evaluation computed?"),
        (
            "13",
            "Class imbalance",
            "Was an imbalance of the classes corrected, and with what effect?",
        ),
        ("14", "Fairness", "What was done about fairness, and why?"),
        ("15", "Model output", "What is the output of the model, and how were thresholds chosen?"),
        ("16", "Training and evaluation", "How do the data of training and of evaluation differ?"),
        ("17", "Ethical approval", "Which committee approved, and what about consent?"),
        ("18a", "Funding", "Who funded the study, and with what influence?"),
        ("18b", "Conflicts of interest", "What are the interests and payments of the authors?"),
        ("18c", "Protocol", "Where is the protocol available, if there is one?"),
        ("18d", "Registration", "Where is the study registered, if it is?"),
        ("18e", "Data sharing", "Are the data available to others?"),
        ("18f", "Code sharing", "Is the code of the analysis available to others?"),
        ("19", "Patients and public", "How were patients and the public involved?"),
        (
            "20a",
            "Participants",
            "How many were included, how many completed, and how many have the outcome?",
        ),
        (
            "20b",
            "Participants",
            "What are their characteristics, overall, by source, and by group?",
        ),
        (
            "20c",
            "Participants",
            "How do the cases of the evaluation compare with those of training?",
        ),
        ("21", "Model development", "How many cases and outcomes does each analysis include?"),
        ("22", "Model specification", "What does another person need to predict with this model?"),
        ("23a", "Model performance", "How good is it, with intervals, also in key subgroups?"),
        ("23b", "Model performance", "How much do the results differ between clusters?"),
        ("24", "Model updating", "What were the results of any updating?"),
        ("25", "Interpretation", "What do the results mean, also for fairness?"),
        ("26", "Limitations", "What are the limits of the study, and the bias of each?"),
        ("27a", "Use in care", "How should poor or missing input be handled?"),
        ("27b", "Use in care", "What do users have to do and to know?"),
        ("27c", "Use in care", "What are the next steps, so that it can be used elsewhere?"),
    )
)

CLAIM = tuple(
    Item(*line)
    for line in (
        ("1", "Title", "Does the title name the use of AI, and its kind?"),
        ("2", "Abstract", "Are design, methods, results and conclusions summarized?"),
        ("3", "Background", "What is the background, and what role should the model have?"),
        ("4", "Aims", "What are the aims and hypotheses?"),
        ("5", "Study design", "Were the data collected for the study, or before it?"),
        ("6", "Study design", "What should the study show?"),
        ("7", "Data", "What is the source of the images?"),
        ("8", "Data", "Which cases were included, and which were not?"),
        ("9", "Data", "How were the images processed before the model used them?"),
        ("10", "Data", "Which parts of the images or of the data were selected, and how?"),
        ("11", "Data", "How were the data de-identified?"),
        ("12", "Data", "How were missing data handled?"),
        ("13", "Data", "How were the images acquired: stain, scanner, magnification?"),
        ("14", "Reference standard", "How was the true class of each image determined?"),
        ("15", "Reference standard", "Why was it determined in this way?"),
        ("16", "Reference standard", "Who labeled the images, and with which experience?"),
        ("17", "Reference standard", "How were the test images labeled?"),
        ("18", "Reference standard", "How well did the annotators agree?"),
        ("19", "Partitions", "How were images assigned to training, tuning and test?"),
        ("20", "Partitions", "What do partitions never share: images, slides, patients, sites?"),
        ("21", "Test data", "How many cases were planned, and why?"),
        ("22", "Model", "What is the model, in enough detail to build it again?"),
        ("23", "Model", "Which software, in which versions?"),
        ("24", "Model", "How were the weights initialized?"),
        ("25", "Training", "How was the model trained?"),
        ("26", "Training", "How was the final model chosen?"),
        ("27", "Training", "Were several models combined, and how?"),
        ("28", "Evaluation", "Which measures evaluate the model?"),
        ("29", "Evaluation", "How is uncertainty reported, and how are differences tested?"),
        ("30", "Evaluation", "How robust are the results when conditions change?"),
        (
            "31",
            "Evaluation",
            "How are the decisions explained, and are the explanations validated?",
        ),
        ("32", "Evaluation", "How was it evaluated on data from the same source?"),
        ("33", "Evaluation", "How was it tested on data from another source?"),
        ("34", "Evaluation", "If it is a clinical trial, where is it registered?"),
        ("35", "Results: data", "How many patients and examinations were included and excluded?"),
        ("36", "Results: data", "What are the characteristics of the cases in each partition?"),
        ("37", "Results: model", "What are the values of the measures, with their uncertainty?"),
        ("38", "Results: model", "What is the diagnostic accuracy, and how precise is this value?"),
        ("39", "Results: model", "What is known about the errors?"),
        ("40", "Discussion", "What are the limits of the study?"),
        ("41", "Discussion", "What are the implications for practice, and for which use?"),
        ("42", "Other", "Where are the full protocol and further technical details?"),
        ("43", "Other", "Are software, model and data available to others?"),
        ("44", "Other", "Who funded the study, and with what influence?"),
    )
)
