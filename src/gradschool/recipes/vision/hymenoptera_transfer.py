"""Ants and bees: few photographs, so a body that has seen a million others helps."""

from gradschool.data.augment.pipeline import Augment
from gradschool.runs.classification.transfer import TransferRun


def hymenoptera_transfer() -> TransferRun:
    """ResNet-18 from ImageNet, fine-tuned on 244 photographs of ants and bees (published: 94.8 %)."""
    return TransferRun(
        data="hymenoptera",
        backbone="resnet18.a1_in1k",
        mode="finetune",
        pretrained=True,
        epochs=10,
        batch_size=16,
        optimizer="adamw",
        learning_rate=2e-3,
        weight_decay=0.01,
        warmup=0.1,
        label_smoothing=0.1,
        augment=Augment(flip=True, resized_crop=(0.5, 1.0)),
        flip_test=True,
        val=0.0,
        evaluations=5,
    )
