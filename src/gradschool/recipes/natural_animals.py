"""20 animals from scratch on two cores: the coursework at a size that a laptop trains."""

from gradschool.data.pipeline import Augment
from gradschool.models.quicknet import quicknet
from gradschool.recipes.image import ImageRun


def natural_animals() -> ImageRun:
    """20 animals, 64 px: a small residual network with the cures of the coursework."""
    return ImageRun(
        data="natural_animals",
        model=quicknet,
        epochs=28,
        batch_size=128,
        optimizer="nesterov",
        learning_rate=0.2,
        weight_decay=5e-4,
        schedule="one_cycle",
        warmup=0.25,
        label_smoothing=0.1,
        sizes=((0.0, 32), (0.3, 40), (0.6, 48), (0.85, 64)),
        augment=Augment(flip=True, crop_padding=5, edge="mirror"),
        flip_test=True,
        val=0.0,
        evaluations=2,
        save_every=120.0,
    )
