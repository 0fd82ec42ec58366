"""A first network: 784-200-50-10, sigmoid units without bias, plain gradient descent."""

from gradschool.data.catalogue import find, located
from gradschool.models.vision.mlp import simple_ffn as network
from gradschool.runs.classification.image import ImageRun


def simple_ffn() -> ImageRun:
    """Sigmoid network 784-200-50-10 without biases on MNIST (8x8 digits if MNIST is not here)."""
    data, side = ("mnist", 28) if located(find("mnist")) else ("digits", 8)
    return ImageRun(
        data=data,
        model=network,
        model_options={"side": side},
        epochs=5,
        batch_size=64,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="constant",
        warmup=0.0,
        val=0.1,
        precision="fp32",
        threads=1,
    )
