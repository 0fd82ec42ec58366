"""20 animals by a network that knows a million photographs: a linear classifier of its features."""

from gradschool.runs.classification.transfer import TransferRun


def natural_animals_transfer() -> TransferRun:
    """Linear classifier on features of a frozen EfficientNet-Lite0, 20 kinds of animals, 64 px; 89.5 %.

    From the data pack's weights. Their features take five minutes of one core and are kept
    (`bench/results/transfer_animals.json`). ImageNet, which the network has learnt from, holds these very
    photographs in full size, so the score is above that of photographs that it has never seen.
    """
    return TransferRun(
        data="natural_animals",
        backbone="tf_efficientnet_lite0",
        mode="frozen",
        pretrained=True,
        kept_size=64,
        epochs=30,
        batch_size=128,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.05,
        schedule="one_cycle",
        warmup=0.2,
        label_smoothing=0.1,
        val=0.0,
        evaluations=5,
    )
