"""The same data and epochs as `simple_ffn`, with ReLU, biases, AdamW and a learning-rate schedule."""

from dataclasses import replace

from gradschool.models.vision.mlp import mlp
from gradschool.recipes.vision.simple_ffn import simple_ffn
from gradschool.runs.classification.image import ImageRun


def simple_ffn_improved() -> ImageRun:
    """Multilayer perceptron with ReLU, biases and AdamW on MNIST (8x8 digits if MNIST is not here)."""
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
