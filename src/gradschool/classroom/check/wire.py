"""Data, and nothing but data, over a socket between the judge and the process that runs the learner's code.

A frame is a length, a JSON header and the raw bytes of its arrays. No pickle: what comes back was written
by code that nobody has read, so the judge takes numbers from it and never behaviour.
"""

import json
import socket
import struct
import sys
import time
from typing import Any

import numpy as np

LARGEST = 256 * 2**20
TORCH_DTYPES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "complex64", "complex128",
)  # fmt: skip


class Garbled(Exception):
    """What came is not a frame."""


class Closed(Exception):
    """The other side has gone."""


class Other:
    """Stands for a returned object that is no data; `name` is its type's."""

    def __init__(self, name: str) -> None:
        self.name = name


class Channel:
    """Frames over a connected socket, with a deadline.

    Args:
        connection: stream socket.
        deadline: `time.monotonic()` after which `receive` raises TimeoutError; None waits for ever.
    """

    def __init__(self, connection: socket.socket, deadline: float | None = None) -> None:
        self.connection, self.deadline = connection, deadline

    def send(self, content: Any) -> None:
        """Send one frame.

        Raises:
            Closed: the other side has gone.
        """
        blobs: list[bytes] = []
        header = json.dumps(pack(content, blobs)).encode()
        sizes = struct.pack(f"<III{len(blobs)}Q", 0x67726164, len(header), len(blobs), *map(len, blobs))
        try:
            self.connection.settimeout(self.left())
            self.connection.sendall(b"".join([sizes, header, *blobs]))
        except (BrokenPipeError, ConnectionError) as error:
            raise Closed from error

    def receive(self) -> Any:
        """The next frame.

        Raises:
            Closed: the other side has gone. Garbled: that was no frame. TimeoutError: past the deadline.
        """
        magic, length, count = struct.unpack("<III", self.exactly(12))
        if magic != 0x67726164 or length > LARGEST or count > 10_000:
            raise Garbled("bytes that are no answer")
        sizes = struct.unpack(f"<{count}Q", self.exactly(8 * count))
        if sum(sizes) > LARGEST:
            raise Garbled(f"an answer of {sum(sizes) / 2**20:.0f} MB")
        header = self.exactly(length)
        blobs = [self.exactly(size) for size in sizes]
        try:
            return unpack(json.loads(header), blobs)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise Garbled(f"an answer that cannot be read ({type(error).__name__})") from error

    def exactly(self, size: int) -> bytearray:
        """The next `size` bytes."""
        data, got = bytearray(size), 0
        view = memoryview(data)
        while got < size:
            self.connection.settimeout(self.left())
            try:
                count = self.connection.recv_into(view[got:])
            except ConnectionError as error:
                raise Closed from error
            if not count:
                raise Closed
            got += count
        return data

    def left(self) -> float | None:
        """Seconds to the deadline.

        Raises:
            TimeoutError: none are left.
        """
        if self.deadline is None:
            return None
        if (left := self.deadline - time.monotonic()) <= 0:
            raise TimeoutError
        return left


def pack(value: Any, blobs: list[bytes]) -> Any:
    """A value as JSON; arrays go to `blobs`; an object that is no data leaves only its type's name.

    Subclasses count as what they are derived from: a named tuple is a tuple, a Parameter a tensor.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, list | tuple):
        return {
            "is": "list" if isinstance(value, list) else "tuple", "of": [pack(part, blobs) for part in value],
        }  # fmt: skip
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {"is": "dict", "of": [[key, pack(part, blobs)] for key, part in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value).copy()  # of the base class, in the order of its shape
        if array.dtype.kind in "biufc":
            blobs.append(array.tobytes())
            return {"is": "array", "dtype": str(array.dtype), "shape": array.shape}
    if "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
        value = base(value)
        blobs.append(raw(value))
        return {
            "is": "tensor", "dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape),
            "grad": bool(value.requires_grad), "device": str(value.device),
        }  # fmt: skip
    return {"is": "other", "name": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")}


def base(value: Any) -> Any:
    """A tensor of a class of its own as one of torch's, whatever that class says about itself."""
    import torch

    with torch._C.DisableTorchFunctionSubclass():
        return value if type(value) is torch.Tensor else torch.Tensor.as_subclass(value, torch.Tensor)


def raw(value: Any) -> bytes:
    """The numbers of a tensor of any layout (a view, expanded, conjugated, sparse, on another device)."""
    import torch

    value = value.detach().cpu()
    value = value.to_dense() if value.layout is not torch.strided else value
    # A copy has the strides of its shape; `contiguous` keeps those of a view with one element.
    made = value.new_empty(value.shape).copy_(value).reshape(-1)
    return made.view(torch.uint8).numpy().tobytes() if made.numel() else b""


def unpack(value: Any, blobs: list[bytearray]) -> Any:
    """What `pack` was given; blobs are used up from the front."""
    if not isinstance(value, dict):
        return value
    match value["is"]:
        case "list":
            return [unpack(part, blobs) for part in value["of"]]
        case "tuple":
            return tuple(unpack(part, blobs) for part in value["of"])
        case "dict":
            return {str(key): unpack(part, blobs) for key, part in value["of"]}
        case "array":
            dtype = np.dtype(str(value["dtype"]))
            if dtype.hasobject:
                raise ValueError("an array of objects")
            return np.frombuffer(blobs.pop(0), dtype).reshape(value["shape"])
        case "tensor":
            return unpack_tensor(value, blobs.pop(0))
        case "other":
            return Other(str(value["name"])[:80])
    raise ValueError(value["is"])


def unpack_tensor(value: dict[str, Any], data: bytearray) -> Any:
    """A tensor that owns its memory and asks for a gradient if the sent one did."""
    import torch

    if value["dtype"] not in TORCH_DTYPES:
        raise ValueError(value["dtype"])
    dtype = getattr(torch, value["dtype"])
    flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.reshape(value["shape"]).requires_grad_(bool(value["grad"]))
