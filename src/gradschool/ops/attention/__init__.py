"""Attention: the mean under weights, its masks and positions, and forms that take less memory or time."""

from gradschool.ops.attention.dot_product import attend

__all__ = ["attend"]
