"""An ONNX file in 8-bit integers, by onnxruntime's tools.

Static quantisation (Jacob et al. 2018, sections 2 and 3): weights and activations are whole numbers with a
scale; the scale of an activation comes from training examples that go through the network. Networks of
tokens are quantised dynamically: weights ahead of time, activations when they are there.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gradschool.errors import UserError
from gradschool.phrases import counted


def quantised(source: Path, target: Path, calibration: Sequence[Tensor], unit: str) -> str:
    """Write an ONNX file in 8-bit integers.

    Args:
        source: the file in float32; a prepared copy goes beside it.
        target: the file to write.
        calibration: inputs from the training part; empty for dynamic quantisation.
        unit: what an example is called, e.g. "image".

    Returns:
        How it was done, in words.

    Raises:
        UserError: nothing in the network can be quantised.
    """
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = source.with_name("prepared.onnx")
    quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
    forget_shapes(ready)
    narrow = narrows()
    if calibration:
        name = input_name(ready)
        quantize_static(
            str(ready), str(target), Reader(name, calibration), quant_format=QuantFormat.QDQ,
            per_channel=True, reduce_range=narrow, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        )  # fmt: skip
        count = sum(len(x) for x in calibration)
        method = f"static, calibrated on {counted(count, f'training {unit}')}"
    else:
        quantize_dynamic(
            str(ready), str(target), per_channel=True, reduce_range=narrow, weight_type=QuantType.QInt8
        )
        method = "dynamic: activations are rounded as they come"
    if not has_integers(target):
        what = "the network has no layer that onnxruntime quantises"
        raise UserError(what, "convolutions or matrix products", "Export it without --int8.")
    return f"{method}, weights of {7 if narrow else 8} bits"


class Reader:
    """Hands calibration batches to onnxruntime, one after the other.

    Args:
        name: of the network's input.
        batches: of inputs.
    """

    def __init__(self, name: str, batches: Sequence[Tensor]) -> None:
        self.batches = iter([{name: each.numpy()} for each in batches])

    def get_next(self) -> dict[str, Any] | None:
        """The next batch, None after the last."""
        return next(self.batches, None)


def narrows() -> bool:
    """Whether weights need 7 bits: x86 processors without VNNI add products of bytes in 16 bits, which
    overflow.
    """
    is_x86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
    return is_x86 and not torch.cpu._is_vnni_supported()


def forget_shapes(file: Path) -> None:
    """Take the noted shapes of results out of a file: the tool turns matrices, whose shapes change."""
    import onnx

    model = onnx.load(str(file))
    del model.graph.value_info[:]
    onnx.save(model, str(file))


def input_name(file: Path) -> str:
    """The name of a network's first input."""
    import onnx

    return str(onnx.load(str(file), load_external_data=False).graph.input[0].name)


def has_integers(file: Path) -> bool:
    """Whether a file holds weights as 8-bit integers with more than one number."""
    import onnx

    kinds = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    return any(
        each.data_type in kinds and len(each.dims) > 1 for each in onnx.load(str(file)).graph.initializer
    )


def describe(file: Path, metadata: Mapping[str, Any]) -> None:
    """Write facts into an ONNX file, each as JSON by its name."""
    import onnx

    model = onnx.load(str(file))
    known = {each.key: each.value for each in model.metadata_props}
    onnx.helper.set_model_props(model, known | {name: json.dumps(value) for name, value in metadata.items()})
    onnx.save(model, str(file))
