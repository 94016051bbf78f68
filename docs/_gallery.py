"""What sphinx-gallery does between two examples."""

from __future__ import annotations

from typing import Any


def reset_sklearn(gallery_conf: dict[str, Any], fname: str) -> None:
    """Switch metadata routing off again, so that no example leans on another."""
    import sklearn

    sklearn.set_config(enable_metadata_routing=False)
