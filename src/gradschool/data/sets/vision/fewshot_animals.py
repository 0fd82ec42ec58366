"""16 animals that natural_animals lacks, 84 by 84 pixels, 200 photographs to train on and 50 to test on.

Source: mini-ImageNet (Vinyals et al. 2016, "Matching networks for one shot learning", arXiv 1606.04080).
"""

from gradschool.data.vision.pictureset import PictureSet

SET = PictureSet(
    name="fewshot_animals",
    title="Few-shot animals",
    classes=[],
    licence="ImageNet terms: non-commercial research and education",
    source="Deng et al. 2009, ImageNet, by way of mini-ImageNet (Vinyals et al. 2016)",
    packs=["fewshot-animals/fewshot-animals.zip"],
)
