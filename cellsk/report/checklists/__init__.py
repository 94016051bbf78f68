"""Answers to the items of TRIPOD+AI and CLAIM, as far as a run can give them."""

from cellsk.report.checklists._checklists import answer_checklists as answer_checklists
from cellsk.report.checklists._checklists import count_statuses as count_statuses
