"""Sentences, phrases and formats: what a document shows, in words."""

from cellsk.report.words._baselines import compare_with_baselines as compare_with_baselines
from cellsk.report.words._baselines import describe_baselines as describe_baselines
from cellsk.report.words._baselines import (
    explain_left_out_baselines as explain_left_out_baselines,
)
from cellsk.report.words._baselines import is_baseline_as_good as is_baseline_as_good
from cellsk.report.words._baselines import list_baseline_rows as list_baseline_rows
from cellsk.report.words._baselines import list_compared_scores as list_compared_scores
from cellsk.report.words._baselines import suggest_next as suggest_next
from cellsk.report.words._baselines import warn_of_baselines as warn_of_baselines
from cellsk.report.words._exact_intervals import add_exact_intervals as add_exact_intervals
from cellsk.report.words._formats import name_class as name_class
from cellsk.report.words._formats import name_level as name_level
from cellsk.report.words._formats import write_duration as write_duration
from cellsk.report.words._formats import write_interval as write_interval
from cellsk.report.words._formats import write_number as write_number
from cellsk.report.words._formats import write_range as write_range
from cellsk.report.words._formats import write_share as write_share
from cellsk.report.words._images import count_test as count_test
from cellsk.report.words._images import count_train as count_train
from cellsk.report.words._images import count_units as count_units
from cellsk.report.words._images import describe_folds as describe_folds
from cellsk.report.words._images import describe_left_out as describe_left_out
from cellsk.report.words._images import describe_mixed_patients as describe_mixed_patients
from cellsk.report.words._images import describe_never_tested as describe_never_tested
from cellsk.report.words._images import describe_training as describe_training
from cellsk.report.words._images import explain_no_patient_scores as explain_no_patient_scores
from cellsk.report.words._images import explain_patient_threshold as explain_patient_threshold
from cellsk.report.words._images import has_several_folds as has_several_folds
from cellsk.report.words._images import is_one_split as is_one_split
from cellsk.report.words._images import list_classes as list_classes
from cellsk.report.words._images import list_kept_together as list_kept_together
from cellsk.report.words._images import list_names as list_names
from cellsk.report.words._images import list_shared as list_shared
from cellsk.report.words._images import name_source as name_source
from cellsk.report.words._images import name_training as name_training
from cellsk.report.words._images import write_title as write_title
from cellsk.report.words._limits import list_cautions as list_cautions
from cellsk.report.words._limits import list_limits as list_limits
from cellsk.report.words._limits import list_warnings as list_warnings
from cellsk.report.words._limits import write_headline as write_headline
from cellsk.report.words._limits import write_intended_use as write_intended_use
from cellsk.report.words._next_steps import write_steps as write_steps
from cellsk.report.words._scores import ScoreWords as ScoreWords
from cellsk.report.words._scores import count_defined as count_defined
from cellsk.report.words._scores import describe_score as describe_score
from cellsk.report.words._scores import list_scores as list_scores
from cellsk.report.words._scores import name_score as name_score
from cellsk.report.words._scores import name_two_classes as name_two_classes
from cellsk.report.words._search import describe_interval as describe_interval
from cellsk.report.words._search import describe_nested as describe_nested
from cellsk.report.words._search import describe_search as describe_search
from cellsk.report.words._search import explain_no_interval as explain_no_interval
from cellsk.report.words._search import list_short_names as list_short_names
from cellsk.report.words._search import mark_candidate as mark_candidate
from cellsk.report.words._search import name_candidate as name_candidate
from cellsk.report.words._search import name_resource as name_resource
from cellsk.report.words._search import name_search_score as name_search_score
from cellsk.report.words._search import pick_best as pick_best
from cellsk.report.words._search import pick_choice as pick_choice
from cellsk.report.words._search import read_number as read_number
from cellsk.report.words._search import summarize_search as summarize_search
from cellsk.report.words._search import tabulate_candidates as tabulate_candidates
from cellsk.report.words._search import write_params as write_params
from cellsk.report.words._search import write_search_origin as write_search_origin
from cellsk.report.words._search import write_search_title as write_search_title
from cellsk.report.words._search import write_size as write_size
from cellsk.report.words._search import write_value as write_value
from cellsk.report.words._summary import describe_comparison as describe_comparison
from cellsk.report.words._summary import describe_leakage as describe_leakage
from cellsk.report.words._summary import summarize as summarize
from cellsk.report.words._summary import write_origin as write_origin
from cellsk.report.words._test_set import describe_test as describe_test
from cellsk.report.words._test_set import explain_test as explain_test
from cellsk.report.words._test_set import list_questions as list_questions
from cellsk.report.words._test_set import list_test_rows as list_test_rows
from cellsk.report.words._test_set import name_design as name_design
from cellsk.report.words._test_set import warn_of_shared_images as warn_of_shared_images
from cellsk.report.words._verdict import compare_with_chance as compare_with_chance
from cellsk.report.words._verdict import describe_errors as describe_errors
from cellsk.report.words._verdict import is_better_than_chance as is_better_than_chance
from cellsk.report.words._verdict import is_error_falling as is_error_falling
from cellsk.report.words._verdict import (
    list_single_prediction_folds as list_single_prediction_folds,
)
