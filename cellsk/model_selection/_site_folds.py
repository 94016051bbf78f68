"""Folds that keep the images of each site and of each patient together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from cellsk._checks import check_option, count_noun, name_some
from cellsk._columns import check_column
from cellsk.exceptions import InputError
from cellsk.model_selection._patient_folds import StratifiedPatientKFold

__all__ = ["PreservedSiteKFold", "join_sites"]


class PreservedSiteKFold(StratifiedGroupKFold):
    """Stratified folds that keep all patients of a site (hospital, scanner) together.

    A network can recognize the site of an image by its stain and scanner, so scores are too
    good if it is tested on the sites that it was trained on. :func:`choose_cv` makes this
    splitter. It remembers the site of each patient, so that a search can split any rows of
    these patients, including the rows of an outer fold.

    Parameters
    ----------
    site_of : mapping
        Site of each patient. Patients of one site stay in one fold.
    n_splits : int, default=5
        Number of folds.
    count : {"images", "sites"}, default="images"
        Whether the folds balance the images of each class, or the sites that have it, as
        :class:`StratifiedPatientKFold` does with patients.
    random_state : int, default=0
        Seed of the folds.

    See Also
    --------
    choose_cv : Makes the splitter for labels, patients and sites.
    sklearn.model_selection.StratifiedGroupKFold : Balances images by group.

    References
    ----------
    Howard, F. M. et al. (2021). The impact of site-specific digital histology signatures on
    deep learning model accuracy and bias. Nature Communications 12, 4423.

    Examples
    --------
    >>> from cellsk.model_selection import PreservedSiteKFold
    >>> cv = PreservedSiteKFold({"p1": "A", "p2": "A", "p3": "B"}, n_splits=2)
    >>> for _, test in cv.split([0, 1, 2, 3], [0, 1, 0, 1], groups=["p1", "p2", "p3", "p3"]):
    ...     print(test)
    [2 3]
    [0 1]
    """

    def __init__(
        self,
        site_of: Mapping[Any, Any],
        n_splits: int = 5,
        *,
        count: str = "images",
        random_state: int | None = 0,
    ) -> None:
        super().__init__(n_splits, shuffle=True, random_state=random_state)
        self.site_of = site_of
        self.count = count

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield the rows of training and test, fold by fold.

        Parameters
        ----------
        X : sequence of length n_samples
            The images, of which only the number is used.
        y : array-like of shape (n_samples,)
            Class of each image.
        groups : array-like of shape (n_samples,)
            Patient of each image.

        Yields
        ------
        train, test : ndarray of int
            Rows of each side.

        Raises
        ------
        ValueError
            If the patients are missing, or the site of one is unknown.
        """
        sites = self._look_up(groups)
        if check_option("count", self.count, ("images", "sites")) == "images":
            yield from super().split(X, y, sites)
        else:
            by_site = StratifiedPatientKFold(self.n_splits, random_state=self.random_state)
            yield from by_site.split(X, y, sites)

    def _look_up(self, groups: ArrayLike | None) -> NDArray:
        """Return the code of the site of each row."""
        rule = "PreservedSiteKFold needs the patient of each image, and the patient's site"
        if groups is None:
            remedy = "Pass groups to fit or split."
            raise InputError(rule, "groups=None", remedy, code="groups-missing")
        patients, places = np.unique(check_column("groups", groups), return_inverse=True)
        unknown = [name for name in patients.tolist() if name not in self.site_of]
        if unknown:
            raise InputError(
                rule,
                f"{count_noun(len(unknown), 'patient')} without a site: {name_some(unknown)}",
                "Make the splitter with choose_cv(y, groups, sites=sites) from all images.",
                code="site-unknown",
            )
        sites = np.array([str(self.site_of[name]) for name in patients.tolist()])
        return sites[places]

    def __repr__(self) -> str:
        sites = count_noun(len(set(self.site_of.values())), "site")
        return (
            f"{type(self).__name__}(<{sites} of {count_noun(len(self.site_of), 'patient')}>,"
            f" n_splits={self.n_splits}, count={self.count!r}, random_state={self.random_state})"
        )


def join_sites(groups: NDArray, sites: NDArray) -> dict[Any, str]:
    """Return the site of each patient. Sites that share a patient are joined: 'A + B'."""
    patients, patient_codes = np.unique(groups, return_inverse=True)
    names, site_codes = np.unique(sites, return_inverse=True)
    n_nodes = len(patients) + len(names)
    links = coo_array(
        (np.ones(len(groups)), (patient_codes, len(patients) + site_codes)), (n_nodes, n_nodes)
    )
    part = connected_components(links, directed=False)[1]
    of_site = part[len(patients) :]
    joined = {
        code: " + ".join(str(name) for name in names[of_site == code])
        for code in np.unique(of_site).tolist()
    }
    of_patient = part[: len(patients)].tolist()
    return {name: joined[code] for name, code in zip(patients.tolist(), of_patient, strict=True)}
