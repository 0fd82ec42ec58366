"""A model too large for one device: every process keeps a share of each weight, and of each checkpoint.

torch's `fully_shard` gathers a block's weights just before they are needed and frees them after; its
distributed checkpoint writes every process's share as safetensors and reads it back into any number of
processes.
Source: Rajbhandari et al. 2020 (ZeRO, stage 3); Zhao et al. 2023 (PyTorch FSDP).
"""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from gradschool.errors import UserError

Tensors = Mapping[str, Mapping[str, Tensor]]


def shard(module: nn.Module, device: str) -> nn.Module:
    """Share out a module's weights over all processes, block by block; make its optimiser after this.

    Args:
        module: its direct children are the blocks that are gathered together.
        device: of this process, e.g. "cuda:0".

    Raises:
        UserError: there is one process only.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world < 2:
        advice = "Start with: torchrun --nproc-per-node 2 -m gradschool train ..."
        raise UserError("shard is on in a single process", "two or more", advice)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    kind = device.split(":")[0]
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    mesh = init_device_mesh(kind, (world,))
    for block in module.children():
        if next(block.parameters(), None) is not None:
            fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module


def is_sharded(module: nn.Module) -> bool:
    """Whether `shard` has been here."""
    from torch.distributed.fsdp import FSDPModule

    return isinstance(module, FSDPModule)


def write_shards(folder: Path, tensors: Tensors) -> None:
    """Write this process's shares; all processes call it together.

    Args:
        folder: exists and is empty.
        tensors: sharded and whole tensors by group and name; whole ones (running statistics) are
            averaged over processes first.
    """
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    same = {key: averaged(value) for key, value in flat(tensors).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that its safetensors writer is young
        writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
        save(same, storage_writer=writer)


def read_shards(folder: Path, tensors: Tensors) -> None:
    """Fill `tensors`, sharded or whole, in place from what any number of processes wrote."""
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a single reader need not be part of a process group
        load(flat(tensors), storage_reader=HuggingFaceStorageReader(str(folder)))


def whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The full tensors behind sharded ones, gathered from all processes."""
    return {
        name: value.full_tensor() if hasattr(value, "full_tensor") else value
        for name, value in tensors.items()
    }


def flat(tensors: Tensors) -> dict[str, Tensor]:
    """One level of names: "group/name"."""
    return {f"{group}/{name}": value for group, found in tensors.items() for name, value in found.items()}


def averaged(value: Tensor) -> Tensor:
    """The mean over processes of a tensor that each holds whole; shares and counters stay as they are."""
    if hasattr(value, "full_tensor") or not value.is_floating_point() or value.dim() == 0:
        return value
    total = value.detach().clone()
    torch.distributed.all_reduce(total)
    return total / torch.distributed.get_world_size()
