"""SimCLR in seconds: the digits that come with scikit-learn."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.lenet import lenet_digits
from gradschool.runs.representation.two_views import SimclrRun


def digits_simclr() -> SimclrRun:
    """SimCLR: a small LeNet learns the 8x8 digits without their labels, from two views of each."""
    return SimclrRun(
        data="digits", model=lenet_digits, epochs=30, batch_size=128, learning_rate=3e-3, weight_decay=1e-4,
        temperature=0.2, projection=64, val=0.0, evaluations=5, threads=1,
        augment=Augment(
            rotate=15.0, translate=0.12, scale=(0.8, 1.2), shear=10.0, brightness=0.3, contrast=0.3
        ),
    )  # fmt: skip
