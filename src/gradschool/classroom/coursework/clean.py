"""Load one handed-in TorchScript file and ask it questions: run as a script, in a process of its own.

It imports torch and nothing of ours, so what answers here is in the file. Torch reads such a file in C++: no
Python object is made, no Python code runs; the process may write no file and has limits on time and memory.
A job comes in as a line of JSON and tensors in safetensors, and goes out the same way.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

KINDS = {
    "convolutions": ("aten::_convolution", "aten::conv2d", "aten::conv_transpose2d", "aten::convolution"),
    "regularising": ("aten::batch_norm", "aten::dropout", "aten::group_norm", "aten::layer_norm",
                     "aten::instance_norm"),
}  # fmt: skip
ROOM = 6 * 2**30  # bytes of address space besides what torch has mapped


def main(file: str, seconds: str) -> None:
    """Answer the job on standard input."""
    # 1. What a network prints goes nowhere; the answer leaves by a door that it does not know.
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    from safetensors.torch import load, save

    head, _, body = sys.stdin.buffer.read().partition(b"\n")
    job, given = json.loads(head), load(body)
    confine(int(seconds))
    # 2. Load, look, ask.
    facts, found = answered(file, job, given)
    with os.fdopen(out, "wb") as door:
        door.write(json.dumps(facts).encode() + b"\n" + save(found))


def confine(seconds: int) -> None:
    """No file may be written; time and memory end (where the system has such limits)."""
    if os.name != "posix":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answered(file: str, job: dict[str, Any], given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts of the file and of each call, and the tensors that came, named "call.output"."""
    import torch

    torch.set_num_threads(job["threads"])
    try:
        network = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:
        return {"error": first_line(error)}, {}
    facts: dict[str, Any] = {
        "parameters": sum(p.numel() for p in network.parameters()), "methods": counted(network), "calls": [],
    }  # fmt: skip
    found: dict[str, Any] = {}
    for number, call in enumerate(job["calls"]):
        try:
            torch.manual_seed(job["seed"] + number)
            came = called(network, call, [given[name] for name in call["inputs"]])
            found |= {f"{number}.{i}": each for i, each in enumerate(came)}
            facts["calls"].append({"outputs": len(came)})
        except Exception as error:
            facts["calls"].append({"error": first_line(error)})
    return facts, found


def counted(network: Any) -> dict[str, dict[str, int]]:
    """How many operations of each kind every method runs."""
    import torch

    methods = {}
    for name in network._c._method_names():
        graph = network._c._get_method(name).graph.copy()
        torch._C._jit_pass_inline(graph)
        methods[name] = {
            what: sum(len(graph.findAllNodes(kind, True)) for kind in kinds) for what, kinds in KINDS.items()
        }
    return methods


def called(network: Any, call: dict[str, Any], inputs: list[Any]) -> list[Any]:
    """What a method answers, in batches; a tuple as a list."""
    import torch

    network.train(call["train"])
    pieces = []
    with torch.no_grad():
        for piece in zip(*(each.split(call["batch"]) for each in inputs), strict=True):
            came = getattr(network, call["method"])(*piece)
            pieces.append(came if isinstance(came, tuple | list) else (came,))
    return [torch.cat(each).float().contiguous() for each in zip(*pieces, strict=True)]


def first_line(error: Exception) -> str:
    """What is wrong, in a line: of TorchScript's errors the last one says it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:200]


if __name__ == "__main__":
    main(*sys.argv[1:])
