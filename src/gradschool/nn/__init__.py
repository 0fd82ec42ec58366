"""Layers: parameters around ops, with torch.nn's names, arguments and state dicts.

A layer calls its op through the switch, so one choice trains with the fast twin, the plain op or the
learner's own.
"""

from torch.nn import Flatten, Identity, Module, ModuleDict, ModuleList, Parameter, ParameterList, Sequential

from gradschool.nn.activation import ELU, GELU, Hardswish, LeakyReLU, Mish, PReLU, ReLU, Sigmoid, SiLU, Tanh
from gradschool.nn.attention.additive import AttentiveGRU
from gradschool.nn.attention.block import Block, CrossBlock, PostNorm, PreNorm
from gradschool.nn.attention.cache import KVCache
from gradschool.nn.attention.experts import Experts
from gradschool.nn.attention.feedforward import FeedForward, SquaredReLU, SwiGLU
from gradschool.nn.attention.lora import LoRA
from gradschool.nn.attention.memory import Memory
from gradschool.nn.attention.multihead import Attention
from gradschool.nn.attention.patches import Patches
from gradschool.nn.attention.pool import SequencePool
from gradschool.nn.attention.relative import RelativeAttention
from gradschool.nn.attention.sight import Sight
from gradschool.nn.blocks import ConvNormAct
from gradschool.nn.bottleneck import Reshape
from gradschool.nn.conv import Conv2d, ConvTranspose2d
from gradschool.nn.embedding import Embedding
from gradschool.nn.linear import Dropout, Linear
from gradschool.nn.norm import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from gradschool.nn.pool import AdaptiveAvgPool2d, AvgPool2d, BlurPool2d, MaxPool2d
from gradschool.nn.sequence.convolutional import ConvLSTM
from gradschool.nn.sequence.parallel import MinGRU, MinLSTM
from gradschool.nn.sequence.recurrent import GRU, LSTM, RNN
from gradschool.nn.sequence.statespace import StateSpace
from gradschool.nn.spectral import SpectralConv2d, SpectralLinear
from gradschool.ops import switch

switch.find_twins()

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool2d",
    "Attention",
    "AttentiveGRU",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Block",
    "BlurPool2d",
    "Conv2d",
    "ConvLSTM",
    "ConvNormAct",
    "ConvTranspose2d",
    "CrossBlock",
    "Dropout",
    "Embedding",
    "Experts",
    "FeedForward",
    "Flatten",
    "GroupNorm",
    "Hardswish",
    "Identity",
    "KVCache",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LoRA",
    "LocalResponseNorm",
    "MaxPool2d",
    "Memory",
    "MinGRU",
    "MinLSTM",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "PReLU",
    "Parameter",
    "ParameterList",
    "Patches",
    "PostNorm",
    "PreNorm",
    "RMSNorm",
    "ReLU",
    "RelativeAttention",
    "Reshape",
    "SequencePool",
    "Sequential",
    "SiLU",
    "Sight",
    "Sigmoid",
    "SpectralConv2d",
    "SpectralLinear",
    "SquaredReLU",
    "StateSpace",
    "SwiGLU",
    "Tanh",
]
