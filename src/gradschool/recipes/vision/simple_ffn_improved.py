"""The same pixels and passes as `simple_ffn`; every cure of the chapter is on."""

from dataclasses import replace

from gradschool.models.vision.mlp import mlp
from gradschool.recipes.vision.simple_ffn import simple_ffn
from gradschool.runs.classification.image import ImageRun


def simple_ffn_improved() -> ImageRun:
    """MNIST, or digits of 8x8 where it is not here: rectified units with bias, Adam, a schedule."""
    start = simple_ffn()
    return replace(
        start,
        model=mlp,
        model_options={**start.model_options, "hidden": [200, 50]},
        optimizer="adamw",
        learning_rate=2e-3,
        weight_decay=1e-2,
        schedule="one_cycle",
        warmup=0.2,
    )
