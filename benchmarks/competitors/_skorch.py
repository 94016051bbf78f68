"""skorch with PyTorch: eager float32, and channels_last under bfloat16 autocast."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetBinaryClassifier
from skorch.callbacks import Callback
from torch import nn

from benchmarks._images import load_arrays
from benchmarks.competitors import Task, Trial


class SeedNetwork(nn.Module):
    """The seed network without the sigmoid, which the loss and ``predict_proba`` apply."""

    def __init__(self, image_size: Sequence[int] = (96, 96), channels_last: bool = False) -> None:
        super().__init__()
        height, width = (((side - 2) // 2 - 2) // 2 for side in image_size)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * height * width, 64),
            nn.ReLU(),
            nn.Linear(64, 1),
        )
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one logit per image."""
        return self.layers(images).squeeze(-1)


class Bfloat16Classifier(NeuralNetBinaryClassifier):
    """Computes the network in bfloat16 where PyTorch considers it safe, and the loss in float32."""

    def infer(self, x: torch.Tensor, **fit_params: Any) -> torch.Tensor:
        """Return the logits of a batch."""
        images = x.to(self.device, memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = super().infer(images, **fit_params)
        return logits.float()


class EpochClock(Callback):
    """Records the time at which each epoch ends."""

    def __init__(self, ends: list[float]) -> None:
        self.ends = ends

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the time."""
        self.ends.append(time.perf_counter())


def fit_arrays(task: Task, bfloat16: bool = False) -> Trial:
    """``net.fit(X, y)`` on float32 arrays with channels first. The copies are not timed."""
    data, ends = load_arrays(task.arrays), []
    X, X_valid = (_put_channels_first(images) for images in (data.X, data.X_valid))
    y = data.y.astype(np.float32)

    def fit() -> Any:
        torch.manual_seed(task.seed)
        kind = Bfloat16Classifier if bfloat16 else NeuralNetBinaryClassifier
        net = kind(
            SeedNetwork,
            module__image_size=task.image_size,
            module__channels_last=bfloat16,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            max_epochs=task.epochs,
            batch_size=task.batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            callbacks=[EpochClock(ends)],
            verbose=0,
        )
        return net.fit(X, y)

    return Trial(fit, lambda net: (data.y_valid, net.predict_proba(X_valid)[:, 1]), ends)


def _put_channels_first(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32) / 255
