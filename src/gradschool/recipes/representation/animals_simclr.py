"""SimCLR on photographs, in minutes on two cores."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.resnet9 import resnet9
from gradschool.runs.representation.two_views import SimclrRun


def animals_simclr() -> SimclrRun:
    """SimCLR: the network of natural_animals learns 9,000 photographs without their labels, at 40 px, in ten
    minutes; or those of a folder (--data PATH).
    """
    return SimclrRun(
        data="natural_animals", model=resnet9, size=40, epochs=1000, minutes=10, batch_size=256,
        learning_rate=2e-3, weight_decay=1e-4, temperature=0.2, val=0.0, evaluations=240, save_every=120.0,
        augment=Augment(
            flip=True, resized_crop=(0.2, 1.0), brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1,
            grey=0.2,
        ),
    )  # fmt: skip
