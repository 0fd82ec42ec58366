"""Layers: parameters around ops, with torch.nn's names, arguments and state dicts.

A layer calls its op through the switch, so one choice trains with the fast twin, the plain op or the
learner's own.
"""

from torch.nn import Flatten, Identity, Module, ModuleDict, ModuleList, Parameter, Sequential

from gradschool.nn.activation import ELU, GELU, Hardswish, LeakyReLU, Mish, PReLU, ReLU, Sigmoid, SiLU, Tanh
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
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BlurPool2d",
    "Conv2d",
    "ConvLSTM",
    "ConvNormAct",
    "ConvTranspose2d",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "GRU",
    "GroupNorm",
    "Hardswish",
    "Identity",
    "LSTM",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "MinGRU",
    "MinLSTM",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "PReLU",
    "Parameter",
    "RMSNorm",
    "RNN",
    "ReLU",
    "Reshape",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SpectralConv2d",
    "SpectralLinear",
    "StateSpace",
    "Tanh",
]
