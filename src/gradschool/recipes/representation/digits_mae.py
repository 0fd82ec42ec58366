"""A masked autoencoder in seconds: the digits that come with scikit-learn."""

from gradschool.models.vision.vit import plain_vit
from gradschool.runs.representation.masked import MaeRun


def digits_mae() -> MaeRun:
    """Masked autoencoder: a small vision transformer fills in the hidden half of the 8x8 digits' patches."""
    return MaeRun(
        data="digits", model=plain_vit, model_options={"patch": 2, "width": 48, "depth": 3, "heads": 3},
        hidden=0.5, normalised=False, decoder_width=32, decoder_heads=2, epochs=60, batch_size=128,
        learning_rate=3e-3, weight_decay=0.01, clip=1.0, val=0.0, evaluations=5, threads=1,
    )  # fmt: skip
