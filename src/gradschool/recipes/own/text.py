"""Texts of your own: a plain text makes a language model, texts with labels make a classifier."""

from gradschool.data.text.running.form import is_running
from gradschool.errors import UserError
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.language.classify import TextClassifier
from gradschool.runs.language.encoders.run import EncodedTextClassifier
from gradschool.runs.language.model import LanguageRun


def text(*, data: str = "", backbone: str = "") -> LanguageRun | TextClassifier | EncodedTextClassifier:
    """Your own text: a text file or a folder of them for a language model; a table or class folders for a
    classifier (--data PATH), on a published encoder with --set backbone=FOLDER_OR_NAME.
    """
    if backbone:
        if data and is_running(data):
            wanted = "a table of texts and labels, or class folders of .txt files"
            raise UserError(f"backbone={backbone} came with running text", wanted, "Leave backbone out.")
        return EncodedTextClassifier(
            data=data, backbone=backbone, epochs=3, batch_size=16, learning_rate=1e-3, weight_decay=0.01,
            schedule="linear", warmup=0.1, clip=1.0, keep="best",
        )  # fmt: skip
    if not is_running(data):
        return TextClassifier(data=data)
    return LanguageRun(
        data=data, model=recurrent_lm, model_options={"hidden": 192}, context=64, batch_size=32, epochs=20,
        minutes=3, learning_rate=4e-3, warmup=0.05, clip=1.0, keep="best", precision="fp32",
    )  # fmt: skip
