"""CellClassifier: the CNN as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted

from cellsk.neural_network._callbacks import FitTask
from cellsk.neural_network._inputs import check_images
from cellsk.neural_network._labels import check_groups
from cellsk.neural_network._parameters import check_parameters, wrap_network
from cellsk.neural_network._parts import encode_images, encode_validation, part_rows
from cellsk.neural_network._precision import choose_precision
from cellsk.neural_network._predicting import read_probabilities
from cellsk.neural_network._runtime import draw_seeds, memory_in_words
from cellsk.neural_network._training import Callbacks, train

__all__ = ["CellClassifier"]


class CellClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Convolutional network for small images, as a scikit-learn classifier.

    Inside, scikeras wraps :func:`build_cnn`. Training stops early, by the loss on images that
    are held out by class and by group, and keeps the weights of the best epoch. It is not a
    medical device, and its output is not a diagnosis.

    Parameters
    ----------
    architecture : str, default="seed"
        Name of the network. "seed" is that of :func:`build_cnn`, which uses each of `filters`,
        `kernel_size`, `dense_units` and `dropout`.
    filters : sequence of int, default=(32, 64)
        Number of filters of each convolution; its length is the depth.
    kernel_size : int, default=3
        Height and width of the convolution windows, in pixels.
    dense_units : int, default=64
        Units of the dense layer.
    dropout : float, default=0.0
        Fraction of the dense layer's outputs dropped in training, in [0, 1).
    learning_rate : float, default=1e-3
        Step size of Adam.
    epochs : int, default=30
        Passes over the training images, at most.
    batch_size : int, default=32
        Images per step.
    early_stopping : bool, default=True
        Whether to stop when the hold-out's loss no longer falls, and to keep the weights
        of the epoch where it was lowest. If False, all images train for all epochs.
    patience : int, default=5
        Epochs without a lower loss after which to stop.
    validation_fraction : float, default=0.1
        Share of the images to hold out for early stopping, in (0, 1); of whole groups,
        half at most. Not used when `X_val` and `y_val` are passed to `fit`.
    class_weight : dict or "balanced", default=None
        Weight of each class label. "balanced" makes every class weigh the same.
        None weighs every image the same.
    callbacks : list of keras.callbacks.Callback, default=None
        Further Keras callbacks. Each fit works on copies, so that clones share nothing;
        an entry may also be a callback class. Those of scikit-learn are set with
        `set_callbacks`; see Notes.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What training multiplies in; weights and predictions are float32 always. "auto" is
        bfloat16, twice as fast, where CPU or GPU has it, or what ``$CELLSK_PRECISION`` says.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images, in pixels, when each
        row of X is a flattened image. None takes such rows as images one pixel high.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the hold-out, the order of the images, and dropout.
        Pass an int for the same numbers each time. None draws a new seed from the
        operating system. No global random state is read or changed.
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
        and `val_loss` and `val_accuracy` on the hold-out after it, if there was one.
    n_iter_ : int
        Number of epochs run.
    best_epoch_ : int
        The epoch whose weights were kept, counted from 1.
    precision_ : str
        "float32" or "bfloat16": what it was trained in.
    image_shape_ : tuple of int
        (height, width, channels) of the images seen in `fit`, in pixels.
    image_dtype_ : str
        "uint8", or "float32" when the images came as other numbers.
    pixel_max_ : float
        What the first layer divides pixels by.
    n_features_in_ : int
        Values per image: height times width times channels.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when X was a data frame of flattened images.

    See Also
    --------
    build_cnn : The network.
    ImageReader : Turns files into the arrays that `fit` takes.

    Notes
    -----
    The numbers of the hold-out chose the epoch; they are too good to report. Use
    :func:`~sklearn.model_selection.cross_val_score`, and keep the images of one patient in
    one fold.

    uint8 pixels are divided by 255, other numbers by the largest absolute value in `fit`.
    Weights are scaled to a mean of one; images of weight zero take no part.

    `set_callbacks` takes the callbacks of :mod:`sklearn.callback`. Each epoch is a task; a
    callback gets the images that train (the hold-out left out), their labels, the caller's
    `sample_weight`, and a classifier with the weights as they stand, which later epochs leave
    alone. The task of the whole fit ends with the weights kept. One that returns True at
    the end of an epoch stops training. A :class:`~sklearn.callback.ProgressBar` belongs on the
    outermost estimator, a :class:`~sklearn.callback.ScoringMonitor` on this one, from where
    clones in a search report to it. They change no number; clones share them.

    References
    ----------
    L. Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the Trade,
    Springer, 1998.

    Examples
    --------
    >>> from cellsk import CellClassifier, make_cells
    >>> cells = make_cells(60, image_size=(32, 32), random_state=0)
    >>> classifier = CellClassifier(filters=(8,), epochs=3, early_stopping=False, random_state=0)
    >>> classifier.fit(cells.images, cells.y).predict_proba(cells.images[:1]).shape
    (1, 2)

    A score of each epoch on the images that train, and of the network kept:

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
        filters: Sequence[int] = (32, 64),
        kernel_size: int = 3,
        dense_units: int = 64,
        dropout: float = 0.0,
        learning_rate: float = 1e-3,
        epochs: int = 30,
        batch_size: int = 32,
        early_stopping: bool = True,
        patience: int = 5,
        validation_fraction: float = 0.1,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: Callbacks = None,
        precision: str = "auto",
        image_shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.architecture = architecture
        self.filters = filters
        self.kernel_size = kernel_size
        self.dense_units = dense_units
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
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
            Images: colour or grey, grey, or flattened (see `image_shape`). uint8, or
            other real numbers.
        y : array-like of shape (n,)
            Class labels: str, int or bool.
        sample_weight : array-like of shape (n,), default=None
            Weight of each image; None weighs all the same.
        groups : array-like of shape (n,), default=None
            Patient or slide of each image: the hold-out takes whole groups. Routed with
            ``set_fit_request(groups=True)``.
        X_val : array-like, default=None
            Images to watch for early stopping, instead of a hold-out.
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
            When a parameter, the images or the labels are not as above, there is one
            class only, the images are too small for the depth, or training diverges.
        MemoryError
            When the network or a batch does not fit into memory.

        Warns
        -----
        SmallHoldOutWarning
            When the hold-out has too few images of a class to say when to stop.
        """
        # Until this fit ends well there is no fitted network, nor half of an old one.
        self.__dict__.pop("keras_classifier_", None)
        check_parameters(self)
        data = encode_images(self, X, y, sample_weight, reset=True)
        groups = check_groups(groups, data.images)
        own = encode_validation(self, X_val, y_val, sample_weight_val)
        split_seed, weight_seed, order_seed = draw_seeds(self.random_state, 3)
        part, watched = part_rows(self, data, groups, own, split_seed)
        network = wrap_network(self, 1 / self.pixel_max_, weight_seed)
        context = self._init_callback_context(max_subtasks=self.epochs)
        task = FitTask(self, context, part, sample_weight)
        task.begin()
        with memory_in_words():
            network.initialize(data.images, self.classes_[data.codes])
            self.precision_ = choose_precision(self.precision, network.model_)
            network.history_, self.best_epoch_, self.precision_ = train(
                network.model_,
                part,
                watched,
                epochs=self.epochs,
                batch_size=self.batch_size,
                seed=order_seed,
                patience=self.patience if self.early_stopping and watched else None,
                callbacks=self.callbacks,
                precision=self.precision_,
                watchers=task.watch(network),
                verbose=self.verbose,
            )
        self.keras_classifier_ = network
        self.history_ = network.history_
        self.n_iter_ = len(self.history_["loss"])
        task.end()
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probability of each class, as the network states it.

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
            When there was no `fit`, or X holds other images than in `fit`.
        """
        check_is_fitted(self)
        images = check_images(self, X, reset=False)
        return read_probabilities(self.keras_classifier_.model_, images)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log-odds of the second class; with more classes, log-probabilities.

        Calibration works on this scale.

        Parameters
        ----------
        X : array-like of shape (n, height, width, channels), (n, height, width) or (n, pixels)
            Images like those given to `fit`.

        Returns
        -------
        scores : ndarray of shape (n,), or (n, n_classes) for more than two classes
            Positive for the second class of two; the largest names the class of more.

        Raises
        ------
        NotFittedError, ValueError
            When there was no `fit`, or X holds other images than in `fit`.
        """
        tiny = np.finfo(np.float32).eps  # the network's own resolution: keeps it finite
        logs = np.log(np.clip(self.predict_proba(X), tiny, 1))
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def predict(self, X: ArrayLike) -> NDArray:
        """Label of the most probable class of each image.

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
            When there was no `fit`, or X holds other images than in `fit`.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]
