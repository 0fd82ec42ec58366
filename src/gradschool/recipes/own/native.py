"""Images of your own at their own sizes: patches of several images in a row of a transformer."""

from gradschool.models.vision.packed_vit import packed_vit
from gradschool.runs.classification.native import NativeRun


def native() -> NativeRun:
    """Your own photographs in class folders (--data PATH) at their own sizes, none cut or stretched.

    A photograph with a side of more than 96 pixels is made smaller: --set longest=160 for larger ones. A
    transformer needs more pictures than convolutions do; with few of them take folder or transfer.
    """
    return NativeRun(
        data="",
        model=packed_vit,
        model_options={"width": 128, "depth": 6, "heads": 4},
        epochs=60,
        batch_size=64,
        learning_rate=1e-3,
        weight_decay=0.05,
        warmup=0.1,
        clip=1.0,
        label_smoothing=0.1,
        val=0.1,
    )
