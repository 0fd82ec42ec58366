"""A deep convolutional GAN of small photographs, with a spectrally normalised discriminator."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.generative.dcgan import sn_dcgan
from gradschool.runs.generation.adversarial import GanRun


def dcgan_cifar10() -> GanRun:
    """DCGAN on CIFAR-10 (32x32): 1.7 million parameters; the second coursework allows 25 million.

    About an hour of one core; half of that gives level 2 of the coursework's three levels.
    """
    return GanRun(
        data="cifar10", model=sn_dcgan, game="hinge", epochs=40, batch_size=128, augment=Augment(flip=True),
        optimizer="adam", learning_rate=2e-4, schedule="constant", warmup=0.0, ema=0.999, val=0.0,
        evaluations=20,
    )  # fmt: skip
