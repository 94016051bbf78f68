"""The convolutional network as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted

from cellsk.neural_network._augmentation import Augmentation
from cellsk.neural_network._callbacks import FitTask
from cellsk.neural_network._holdout import split_rows
from cellsk.neural_network._inputs import validate_images
from cellsk.neural_network._labels import check_groups, encode_images, encode_validation
from cellsk.neural_network._parameters import check_parameters
from cellsk.neural_network._predicting import read_probabilities
from cellsk.neural_network._restarts import Seeds, train_with_restarts, warn_if_guessing
from cellsk.neural_network._runtime import draw_seeds, explain_memory_errors
from cellsk.neural_network._training import Callbacks
from cellsk.neural_network.networks import ARCHITECTURES, choose_settings, register_layers

__all__ = ["CellClassifier"]


class CellClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Convolutional network for small images, as a scikit-learn classifier.

    Inside, scikeras wraps :func:`build_cnn`. Training stops early, by the loss on images that
    are held out by class and by group, and keeps the weights of the best epoch. It is not a
    medical device, and its output is not a diagnosis.

    Parameters
    ----------
    architecture : {"seed", "compact", "equivariant"}, default="seed"
        Name of the network. "seed" is that of :func:`build_cnn`, "compact" a small residual network
        with batch normalization, and "equivariant" one of group-equivariant convolutions, whose
        predictions are the same for an image in all eight orientations. See Notes for what "auto"
        means for each of them.
    filters : sequence of int or "auto", default="auto"
        Number of filters of each convolution ("seed") or block; its length is the depth.
        "equivariant" has eight times as many.
    kernel_size : int, default=3
        Height and width of the convolution windows of "seed", in pixels.
    dense_units : int, default=64
        Units of the dense layer of "seed".
    dropout : float or "auto", default="auto"
        Fraction of the outputs of the last hidden layer dropped in training, in [0, 1).
    augmentation : str, keras.layers.Layer or None, default="auto"
        Random changes of the images in training, new ones in each epoch. The hold-out and
        predictions are not changed. "dihedral" turns and mirrors. "stain" also changes the amounts
        of hematoxylin and eosin. "microscopy" turns and mirrors, and changes exposure,
        contrast, saturation, hue, sharpness and noise. Another change is a Keras layer, such as
        ``keras.layers.RandomRotation(0.05)``, which `fit` copies. None changes nothing. See Notes.
    learning_rate : float or "auto", default="auto"
        Step size of Adam, the largest one if it changes.
    weight_decay : float or "auto", default="auto"
        Decay of the weights in each step, times the step size (AdamW). "seed" has none.
    schedule : {"constant", "cosine", "auto"}, default="auto"
        How the step size changes. "cosine" rises for one epoch and then falls to zero along a
        cosine. All epochs are then run, and `patience` is not used.
    epochs : int or "auto", default="auto"
        Passes over the training images, at most.
    batch_size : int, default=32
        Images per step.
    early_stopping : bool or "auto", default="auto"
        Whether to set some training images aside (the hold-out), to stop when their loss no
        longer falls, and to keep the weights of the epoch where it was lowest. If False, all
        images train for all epochs.
    patience : int, default=5
        Epochs without a lower loss after which to stop.
    validation_fraction : float, default=0.1
        Fraction of the images in the hold-out, in (0, 1); of whole groups,
        half at most. Not used if `X_val` and `y_val` are passed to `fit`.
    class_weight : dict or "balanced", default=None
        Weight of each class label. "balanced" gives each class the same total weight.
        None gives each image the same weight.
    tta : {"dihedral"} or None, default=None
        Test-time augmentation: probabilities are averaged over the eight symmetries of an image,
        or four if it is not square. Predicting takes as many times as long.
    callbacks : list of keras.callbacks.Callback, default=None
        Further Keras callbacks. `fit` calls these instances, and what they record stays in them,
        but not the network. :func:`~sklearn.base.clone`, and with it a search and a
        cross-validation, copies them. A callback class makes a new instance in each fit. Those of
        scikit-learn are set with `set_callbacks`; see Notes.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the products in training. Weights and predictions are always float32.
        "auto" is ``CELLSK_PRECISION``, or else bfloat16 if the CPU or GPU has it, which is
        twice as fast. Layers that the fast step does not cover are trained in float32.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images, in pixels, when each
        row of X is a flattened image. None takes such rows as images one pixel high.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the hold-out, the order of the images, dropout, and
        augmentation.
        Pass an int for the same numbers each time. None draws a new seed from the operating
        system. Global random state is neither read nor changed.
    verbose : int, default=0
        1 shows Keras' progress bar, 2 one line per epoch, 0 nothing.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    keras_classifier_ : scikeras.wrappers.KerasClassifier
        The wrapper around the network. The Keras model is `keras_classifier_.model_`.
    history_ : dict of str to list of float
        `loss` and `accuracy` of each epoch, averaged over its steps as the weights moved,
        on the images as augmentation changed them,
        and `val_loss` and `val_accuracy` on the hold-out after it, if there was one.
    n_iter_ : int
        Number of epochs run, in the training that was kept.
    best_epoch_ : int
        The epoch whose weights were kept, counted from 1.
    n_restarts_ : int
        How often training began anew with other initial weights; see Notes.
    precision_ : str
        "float32" or "bfloat16": the precision of the training.
    image_shape_ : tuple of int
        (height, width, channels) of the images seen in `fit`, in pixels.
    image_dtype_ : str
        "uint8", or "float32" if the images had another dtype.
    pixel_max_ : float
        Number by which the first layer divides pixels.
    n_features_in_ : int
        Values per image: height times width times channels.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X was a data frame of flattened images.

    See Also
    --------
    build_cnn : The network.
    ImageReader : Turns files into the arrays that `fit` takes.

    Notes
    -----
    "auto" means for each architecture:

    ==============  ============  ===========  ===========
    parameter       seed          compact      equivariant
    ==============  ============  ===========  ===========
    filters         32, 64        32, 64, 128  4, 8, 16
    dropout         0             0.2          0.2
    augmentation    None          microscopy   microscopy
    learning_rate   0.001         0.002        0.002
    weight_decay    0             0.02         0.02
    schedule        constant      cosine       cosine
    epochs          30            30           30
    early_stopping  True          False        False
    ==============  ============  ===========  ===========

    If early stopping ends a training whose loss on the hold-out is hardly lower than that of the
    shares of the classes, the network has learned nothing. Training then begins anew, twice at
    most, with other initial weights and 0.3 times the learning rate. All trainings together run at
    most `epochs` epochs, and the network with the lowest loss is kept. If it has learned nothing
    either, there is a warning. Keras callbacks see each training from its beginning.

    The last two shrink images whose longer side has more than 128 pixels. The hold-out chose the
    epoch, so do not report its scores, which are too good. Use
    :func:`~sklearn.model_selection.cross_val_score`, and keep the images of one patient in one
    fold.

    uint8 pixels are divided by 255, other numbers by the largest absolute value in `fit`. Weights
    are scaled to a mean of one; images of weight zero are not used. Augmentation must not change
    the label. The presets keep the center of an image in its place, because the label of a patch is
    often that of its center: in PatchCamelyon, whether the middle 32 x 32 pixels hold tumor.
    Shifts, crops and zooms may move it out. Images that are not square are not turned by 90
    degrees, and rows of features are not turned at all. "stain" is for RGB images of hematoxylin
    and eosin; "microscopy" is for gray images, too. With augmentation, the loss falls more slowly:
    allow more `epochs`. The images pass a Keras layer as floats in their own range, such as 0 to
    255, and are rounded and clipped to it afterwards.

    `set_callbacks` takes the callbacks of :mod:`sklearn.callback`. Each epoch is a task. A
    callback gets the images that train (without the hold-out), their labels, the caller's
    `sample_weight`, and a classifier with the present weights, which later epochs do not change.
    At the end of the whole fit it gets the weights that are kept. A callback that returns True at
    the end of an epoch stops training. `history_` then has the epochs that are done.
    Set a :class:`~sklearn.callback.ProgressBar` on the outermost estimator, and a
    :class:`~sklearn.callback.ScoringMonitor` on this one; clones in a search share it. Callbacks
    do not change the numbers.

    References
    ----------
    L. Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the Trade,
    Springer, 1998.

    A. C. Ruifrok and D. A. Johnston, "Quantification of histochemical staining by color
    deconvolution", Analytical and Quantitative Cytology and Histology 23, 2001.

    D. Tellez et al., "Quantifying the effects of data augmentation and stain color
    normalization in convolutional neural networks for computational pathology", Medical
    Image Analysis 58, 2019.
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    and "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> from cellsk import CellClassifier, make_cells
    >>> cells = make_cells(60, image_size=(32, 32), random_state=0)
    >>> classifier = CellClassifier(filters=(8,), epochs=3, early_stopping=False, random_state=0)
    >>> classifier.fit(cells.images, cells.y).predict_proba(cells.images[:1]).shape
    (1, 2)

    Scores on the images that train, after each epoch and for the network that is kept:

    >>> from sklearn.callback import ScoringMonitor
    >>> monitor = ScoringMonitor(scoring="neg_log_loss")
    >>> classifier = classifier.set_callbacks(monitor).fit(cells.images, cells.y)
    >>> [row["task_name"] for row in monitor.get_logs().data]
    ['fit', 'epoch', 'epoch', 'epoch']
    """

    def __init__(
        self,
        *,
        architecture: str = "seed",
        filters: Sequence[int] | str = "auto",
        kernel_size: int = 3,
        dense_units: int = 64,
        dropout: float | str = "auto",
        augmentation: Augmentation = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float | str = "auto",
        schedule: str = "auto",
        epochs: int | str = "auto",
        batch_size: int = 32,
        early_stopping: bool | str = "auto",
        patience: int = 5,
        validation_fraction: float = 0.1,
        class_weight: dict[Any, float] | str | None = None,
        tta: str | None = None,
        callbacks: Callbacks = None,
        precision: str = "auto",
        image_shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        """Store the parameters. `fit` checks them."""
        self.architecture = architecture
        self.filters = filters
        self.kernel_size = kernel_size
        self.dense_units = dense_units
        self.dropout = dropout
        self.augmentation = augmentation
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.tta = tta
        self.callbacks = callbacks
        self.precision = precision
        self.image_shape = image_shape
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        return tags

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle makes the classifier before it reads the network, which needs its layers.
        return _make_classifier, (type(self), self.architecture), self.__getstate__()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "keras_classifier_")

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train a new network on images and their labels.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images, or flattened images (see `image_shape`), as uint8 or other real numbers.
        y : array-like of shape (n,)
            Class labels: str, int or bool.
        sample_weight : array-like of shape (n,), default=None
            Weight of each image. None gives all images the same weight.
        groups : array-like of shape (n,), default=None
            Patient or slide of each image. The hold-out consists of whole groups.
        X_val : array-like, default=None
            Images for early stopping, instead of a hold-out.
        y_val : array-like of shape (n_val,), default=None
            Their labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : CellClassifier
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If a parameter, the images or the labels are not as above, there is only one
            class, the images are too small for the depth, or training diverges.
        OutOfMemoryError
            If the network or a batch does not fit into memory.

        Warns
        -----
        SmallHoldOutWarning
            If the hold-out has too few images of a class to choose an epoch.
        FastStepWarning
            If this version of Keras cannot be trained by the fast step.
        WeakModelWarning
            If the loss on the hold-out stays that of the shares of the classes for more epochs
            than `patience`, despite restarts.
        LabelWarning
            If classes or patients have nearly equal names, or classes have names such as "nan".
        """
        # If this fit fails, the classifier is not fitted, and keeps nothing of an old fit.
        self.__dict__.pop("keras_classifier_", None)
        check_parameters(self)
        settings = choose_settings(self)
        data = encode_images(self, X, y, sample_weight, reset=True)
        groups = check_groups(groups, data.images)
        own = encode_validation(self, X_val, y_val, sample_weight_val)
        split_seed, weight_seed, order_seed = draw_seeds(self.random_state, 3)
        fraction = self.validation_fraction if settings.early_stopping else None
        subset, watched = split_rows(self.classes_, data, groups, own, fraction, split_seed)
        context = self._init_callback_context(max_subtasks=settings.epochs)
        task = FitTask(self, context, subset, sample_weight)
        task.begin()
        seeds = Seeds(weight_seed, order_seed)
        with explain_memory_errors():
            best = train_with_restarts(self, subset, watched, task, seeds)
        warn_if_guessing(self, best)
        self.keras_classifier_ = best.network
        self.history_, self.best_epoch_, self.precision_, _ = best.training
        self.n_iter_ = len(self.history_["loss"])
        task.end()
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images like those given to `fit`.

        Returns
        -------
        proba : ndarray of shape (n, n_classes)
            Rows sum to one; columns as in `classes_`.

        Raises
        ------
        NotFittedError, ValueError
            If there was no `fit`, or the images differ in kind from those in `fit`.
        """
        check_is_fitted(self)
        images = validate_images(self, X, reset=False)
        return read_probabilities(self.keras_classifier_.model_, images, self.tta)

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images like those given to `fit`.

        Returns
        -------
        logs : ndarray of shape (n, n_classes)
            Columns as in `classes_`; minus infinity where the probability is 0.

        Raises
        ------
        NotFittedError, ValueError
            If there was no `fit`, or the images differ in kind from those in `fit`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the log-odds of the second class, or the log-probabilities of more classes.

        Calibration works on this scale.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images like those given to `fit`.

        Returns
        -------
        scores : ndarray of shape (n,), or (n, n_classes) for more than two classes
            Positive for the second of two classes. With more, the largest is the prediction.

        Raises
        ------
        NotFittedError, ValueError
            If there was no `fit`, or the images differ in kind from those in `fit`.
        """
        tiny = np.finfo(np.float32).eps  # the network's own resolution: keeps it finite
        logs = np.log(np.clip(self.predict_proba(X), tiny, 1))
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the label of the most probable class of each image.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images like those given to `fit`.

        Returns
        -------
        y : ndarray of shape (n,)
            Class labels, of the kind given to `fit`.

        Raises
        ------
        NotFittedError, ValueError
            If there was no `fit`, or the images differ in kind from those in `fit`.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]


def _make_classifier(kind: type[CellClassifier], architecture: Any) -> CellClassifier:
    """Return an empty classifier, to which a pickle gives its attributes."""
    if architecture in ARCHITECTURES and ARCHITECTURES[architecture].has_own_layers:
        register_layers()
    return kind.__new__(kind)
