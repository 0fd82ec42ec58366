"""The classes of natural_animals as 262 drawings on white: for testing far from the training photographs."""

from gradschool.data.vision.pictureset import PictureSet

SET = PictureSet(
    name="drawn_animals",
    title="Drawn animals",
    classes=[],
    licence="free licences, one a file in index.csv",
    source="emoji and icon sets: Noto, Twemoji, OpenMoji, Fluent and others",
    packs=["natural-animals/drawn-animals.zip"],
)
