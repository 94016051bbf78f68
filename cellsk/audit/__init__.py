"""Audit of a data set: duplicates, leaks, shortcuts and damaged files."""

from cellsk.audit._audit import audit_images
from cellsk.audit._audit import audit_measured as audit_measured
from cellsk.audit._fingerprints import Fingerprint as Fingerprint
from cellsk.audit._fingerprints import measure_image as measure_image
from cellsk.audit._label_errors import find_label_errors
from cellsk.audit._report import AuditReport
from cellsk.audit._training import DIGEST_SIZE as DIGEST_SIZE
from cellsk.audit._training import MAX_ROUNDS as MAX_ROUNDS
from cellsk.audit._training import N_HASH_VALUES as N_HASH_VALUES
from cellsk.audit._training import SharedImages as SharedImages
from cellsk.audit._training import TrainingFingerprints as TrainingFingerprints
from cellsk.audit._training import find_shared as find_shared
from cellsk.audit._training import make_training_fingerprints as make_training_fingerprints

__all__ = ["AuditReport", "audit_images", "find_label_errors"]
