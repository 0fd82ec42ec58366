"""480 sketches of dogs, elephants, giraffes and horses, 96 by 96 pixels: one of the four domains of PACS.

Source: Li et al. 2017, "Deeper, broader and artier domain generalization", arXiv 1710.03077.
"""

from functools import partial

from gradschool.data.vision.layouts import inside
from gradschool.data.vision.pictureset import PictureSet

SET = PictureSet(
    name="animals_sketch",
    title="Sketches of four animals (PACS)",
    classes=[],
    licence="none stated; research use",
    source="Li et al. 2017, arXiv 1710.03077 (PACS)",
    packs=["domain-shift-animals/domain-shift-animals.zip"],
    layout=partial(inside, "sketch"),
)
