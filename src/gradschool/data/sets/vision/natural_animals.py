"""20 animals of 64 by 64 pixels, 450 photographs of each to train on and 50 to test on: a pack's stand-in."""

from gradschool.data.vision.pictureset import PictureSet

SET = PictureSet(
    name="natural_animals",
    title="Natural animals",
    classes=[],
    licence="ImageNet terms: non-commercial research and education",
    source="Deng et al. 2009, ImageNet, by way of Tiny ImageNet",
    packs=["natural-animals/natural-animals.zip"],
)
