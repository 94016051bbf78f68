"""Renderings of a document: page, model card, and text for a terminal."""

from cellsk.report.render._card import render_card as render_card
from cellsk.report.render._explanation_page import ExplainedImage as ExplainedImage
from cellsk.report.render._explanation_page import render_explanations as render_explanations
from cellsk.report.render._page import render_page as render_page
from cellsk.report.render._page import render_summary as render_summary
from cellsk.report.render._pictures import choose_rows as choose_rows
from cellsk.report.render._search_page import render_search_page as render_search_page
from cellsk.report.render._search_page import render_search_summary as render_search_summary
from cellsk.report.render._search_text import render_search_card as render_search_card
from cellsk.report.render._search_text import render_search_table as render_search_table
from cellsk.report.render._search_text import render_search_terminal as render_search_terminal
from cellsk.report.render._terminal import render_terminal as render_terminal
from cellsk.report.render._terminal import render_test as render_test
from cellsk.report.render._thumbnails import make_thumbnails as make_thumbnails
