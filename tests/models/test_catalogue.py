"""Finding a network by name."""

import subprocess
import sys

import pytest

from gradschool.errors import UserError
from gradschool.models import catalogue
from gradschool.models.vision import resnet


def test_finds_by_name_and_names_what_it_found():
    assert catalogue.find("resnet18") is resnet.resnet18
    assert catalogue.name_of(catalogue.find("vgg16_bn")) == "vgg16_bn"


def test_lists_every_family_and_only_size_functions():
    known = catalogue.listing()
    assert {"mlp", "lenet5", "alexnet", "vgg16", "nin", "googlenet", "inception_v3", "resnet50"} <= set(known)
    assert {"resnet50d", "resnetv2_50", "resnext50_32x4d", "se_resnet50", "densenet121"} <= set(known)
    assert {"shufflenet_v2_x1_0", "coursework", "quicknet"} <= set(known)
    assert known["resnet18"] == "gradschool.models.vision.resnet"
    assert not {"find", "mixed", "shuffle", "from_timm", "from_torchvision"} & set(known)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("resnet_18", "resnet18"), ("densnet121", "densenet121"), ("seresnet50", "se_resnet50")],
)
def test_a_misspelt_name_is_answered_with_the_nearest(wrong, near):
    with pytest.raises(UserError, match=f"no model '{wrong}'.*Did you mean {near}\\?"):
        catalogue.find(wrong)


def test_listing_does_not_import_torch():
    code = (
        "import sys; from gradschool.models import catalogue; catalogue.listing(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
