"""Self-distillation in seconds: the digits that come with scikit-learn."""

from gradschool.recipes.representation.digits_simclr import digits_simclr
from gradschool.runs.representation.two_views import DinoRun


def digits_dino() -> DinoRun:
    """Self-distillation (DINO): a small LeNet predicts what its own moving average says of another view."""
    base = digits_simclr()
    return DinoRun(
        data="digits", model=base.model, augment=base.augment, outputs=64, teacher_momentum=0.95, epochs=30,
        batch_size=128, learning_rate=1e-3, weight_decay=1e-4, clip=0.3, val=0.0, evaluations=5, threads=1,
    )  # fmt: skip
