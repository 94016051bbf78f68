"""The items of TRIPOD+AI and of CLAIM: number, topic, and a question in our own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["CLAIM", "TRIPOD_AI", "Answer", "Document", "Item", "Tellers"]

Document = Mapping[str, Any]


class Item(NamedTuple):
    """One line of a checklist."""

    number: str
    topic: str
    question: str


class Answer(NamedTuple):
    """What the run says to an item, and what it leaves to the authors."""

    text: str
    rest: str = ""


Tellers = dict[str, Callable[[Document], Answer | None]]

TRIPOD_AI = tuple(
    Item(*line)
    for line in (
        ("1", "Title", "Does the title say that a model is built or tested, for whom, for what?"),
        ("2", "Abstract", "Does the abstract hold what TRIPOD+AI for Abstracts lists?"),
        ("3a", "Background", "Which diagnosis or prognosis is it about, and why a model for it?"),
        ("3b", "Background", "For which patients, at which point of care, and for which users?"),
        ("3c", "Background", "Which inequalities in health between groups are known here?"),
        ("4", "Objectives", "What is the aim: to develop a model, to evaluate one, or both?"),
        ("5a", "Data", "Where do the data come from, why these, and whom do they represent?"),
        ("5b", "Data", "From when to when were they collected?"),
        ("6a", "Participants", "In which kind of care, and in which and how many centres?"),
        ("6b", "Participants", "Who could take part, and who could not?"),
        (
            "6c",
            "Participants",
            "Which treatments were given, and how does the analysis treat them?",
        ),
        (
            "7",
            "Data preparation",
            "How were the data prepared and checked, and alike in all groups?",
        ),
        ("8a", "Outcome", "What exactly is predicted, how and when was it found, why this?"),
        ("8b", "Outcome", "Who judged the outcome, and with which qualification?"),
        ("8c", "Outcome", "Were those who judged it blind to other information?"),
        ("9a", "Predictors", "How were the first predictors chosen?"),
        ("9b", "Predictors", "What are the predictors, and how and when were they measured?"),
        ("9c", "Predictors", "Who judged predictors that need judgement?"),
        ("10", "Sample size", "Where does the number of cases come from, and is it enough?"),
        ("11", "Missing data", "What was missing or left out, why, and what was done about it?"),
        ("12a", "Analytical methods", "Which data served which purpose, and how were they parted?"),
        ("12b", "Analytical methods", "How were the predictors scaled or transformed?"),
        ("12c", "Analytical methods", "Which model, why, how was it built, tuned and validated?"),
        (
            "12d",
            "Analytical methods",
            "How were differences between clusters, as sites, dealt with?",
        ),
        ("12e", "Analytical methods", "Which measures and plots judge the model, and why these?"),
        ("12f", "Analytical methods", "Was the model updated because of its evaluation?"),
        ("12g", "Analytical methods", "How were the predictions of the evaluation computed?"),
        ("13", "Class imbalance", "Was an imbalance of the classes corrected, and what followed?"),
        ("14", "Fairness", "What was done about fairness, and why?"),
        ("15", "Model output", "What does the model put out, and where do thresholds come from?"),
        ("16", "Training and evaluation", "How do the data of training and of evaluation differ?"),
        ("17", "Ethical approval", "Which committee approved, and what about consent?"),
        ("18a", "Funding", "Who paid, and with what influence?"),
        ("18b", "Conflicts of interest", "Which interests and payments of the authors are there?"),
        ("18c", "Protocol", "Where is the protocol, or was there none?"),
        ("18d", "Registration", "Where is the study registered, or is it not?"),
        ("18e", "Data sharing", "Can others have the data?"),
        ("18f", "Code sharing", "Can others have the code of the analysis?"),
        ("19", "Patients and public", "Where did patients and public take part, if they did?"),
        ("20a", "Participants", "How many entered, how many stayed, how many have the outcome?"),
        ("20b", "Participants", "What are they like, overall, by source, and by group?"),
        ("20c", "Participants", "How do cases of the evaluation compare with those of training?"),
        ("21", "Model development", "How many cases and outcomes went into each analysis?"),
        ("22", "Model specification", "What does another person need to predict with this model?"),
        ("23a", "Model performance", "How good is it, with intervals, also in key subgroups?"),
        ("23b", "Model performance", "How much do the results differ between clusters?"),
        ("24", "Model updating", "What came out of any updating?"),
        ("25", "Interpretation", "What do the results mean, also for fairness?"),
        ("26", "Limitations", "What limits the study, and which way does each limit pull?"),
        ("27a", "Use in care", "What is to be done with poor or missing input?"),
        ("27b", "Use in care", "What must users do, and what must they know?"),
        ("27c", "Use in care", "What comes next, so that it can be used elsewhere?"),
    )
)

CLAIM = tuple(
    Item(*line)
    for line in (
        ("1", "Title", "Is it plain that the study is about AI, and about which kind?"),
        ("2", "Abstract", "Are design, methods, results and conclusions summarised?"),
        ("3", "Background", "What is the background, and which role should the model have?"),
        ("4", "Aims", "What are the aims and hypotheses?"),
        ("5", "Study design", "Were the data collected for the study, or before it?"),
        ("6", "Study design", "What is the study to show?"),
        ("7", "Data", "Where do the images come from?"),
        ("8", "Data", "Which cases were taken, and which were not?"),
        ("9", "Data", "What was done to the images before the model saw them?"),
        ("10", "Data", "Which parts of the images or of the data were picked, and how?"),
        ("11", "Data", "How were the data de-identified?"),
        ("12", "Data", "What was done about missing data?"),
        ("13", "Data", "How were the images acquired: stain, scanner, magnification?"),
        ("14", "Reference standard", "How was the truth behind each label found?"),
        ("15", "Reference standard", "Why was it found in this way?"),
        ("16", "Reference standard", "Who labelled, and with which experience?"),
        ("17", "Reference standard", "How were the images of the test labelled?"),
        ("18", "Reference standard", "How well did those who labelled agree?"),
        ("19", "Partitions", "How were images assigned to training, tuning and test?"),
        ("20", "Partitions", "What do partitions never share: images, slides, patients, sites?"),
        ("21", "Test data", "How many cases were wanted, and on what grounds?"),
        ("22", "Model", "What is the model, in enough detail to build it again?"),
        ("23", "Model", "Which software, in which versions?"),
        ("24", "Model", "Which values did the weights start from?"),
        ("25", "Training", "How was the model trained?"),
        ("26", "Training", "How was the final model chosen?"),
        ("27", "Training", "Were several models combined, and how?"),
        ("28", "Evaluation", "Which measures judge the model?"),
        ("29", "Evaluation", "How is uncertainty stated, and how are differences tested?"),
        ("30", "Evaluation", "How far do the results hold when conditions change?"),
        ("31", "Evaluation", "How are the decisions explained, and is the explanation checked?"),
        ("32", "Evaluation", "How was it evaluated on data of the same source?"),
        ("33", "Evaluation", "How was it tested on data of another source?"),
        ("34", "Evaluation", "If it is a clinical trial, where is it registered?"),
        ("35", "Results: data", "How many patients and examinations were in, how many out?"),
        ("36", "Results: data", "What are the cases of each partition like?"),
        ("37", "Results: model", "What are the measures, with their uncertainty?"),
        ("38", "Results: model", "How good is the diagnosis, and how precisely is that known?"),
        ("39", "Results: model", "What is known about the wrong answers?"),
        ("40", "Discussion", "What limits the study?"),
        ("41", "Discussion", "What follows for practice, and for which use?"),
        ("42", "Other", "Where are the full protocol and further technical details?"),
        ("43", "Other", "Can others have software, model and data?"),
        ("44", "Other", "Who paid, with what influence?"),
    )
)
