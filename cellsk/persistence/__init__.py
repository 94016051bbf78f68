"""Models as files: one zip of JSON, arrays and Keras networks, without pickle."""

from cellsk.persistence._model_file import is_model_file as is_model_file
from cellsk.persistence._model_file import load_model, save_model
from cellsk.persistence._model_file import read_detector as read_detector
from cellsk.persistence._model_file import read_training as read_training
from cellsk.persistence._onnx_file import export_onnx

__all__ = ["export_onnx", "load_model", "save_model"]
