"""Where images and labels come from: folders of files, and drawn cells; and their audit."""

from cellsk.datasets._audit import audit_images
from cellsk.datasets._audit_report import AuditReport
from cellsk.datasets._folder import list_images
from cellsk.datasets._label_errors import find_label_errors
from cellsk.datasets._synthetic import make_cells

__all__ = ["AuditReport", "audit_images", "find_label_errors", "list_images", "make_cells"]
