"""Few photographs: a network that has seen a million others learns from them what a fresh one cannot."""

from gradschool.data.augment.pipeline import Augment
from gradschool.runs.classification.transfer import TransferRun


def transfer() -> TransferRun:
    """Your own few photographs (--data PATH): ResNet-18 fine-tuned from its ImageNet weights.

    Without --data, ants and bees: 244 photographs (published: 94.8 %; 64.1 % from scratch). --set fetch=true
    fetches the weights where they are not here. --set backbone= takes a network of timm by name, a folder or
    a .safetensors file; the data pack holds tf_efficientnet_lite0.
    """
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
