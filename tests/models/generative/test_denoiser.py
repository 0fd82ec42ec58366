"""The denoising U-Net: shapes, what it is told, how it starts, which sizes it refuses."""

import pytest
import torch

from gradschool.models import catalogue
from gradschool.models.generative.denoiser import Denoiser, Form, denoiser_ddpm, denoiser_small, denoiser_tiny
from gradschool.ops import switch

SIZES = {"denoiser_small": (1, 16, 16), "denoiser_tiny": (1, 8, 8), "denoiser_medium": (3, 8, 8)}


def awake(model):
    """With weights where zeros would hide what is inside."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def asked(model, seed=0, n=3):
    x = torch.randn(n, *model.shape, generator=torch.Generator().manual_seed(seed))
    return x, torch.linspace(0, 900, n)


@pytest.mark.parametrize("name", SIZES)
def test_gives_a_picture_of_the_same_shape_and_starts_silent(name):
    torch.manual_seed(0)
    model = catalogue.find(name, "shape")(SIZES[name])
    x, time = asked(model)
    assert model(x, time).shape == x.shape
    assert not model(x, time).any()  # the last convolution starts at zero
    assert awake(model)(x, time).std() > 0.01


@pytest.mark.parametrize("name", SIZES)
def test_gradient_reaches_every_parameter(name):
    model = awake(catalogue.find(name, "shape")(SIZES[name], 4)).train()
    x, time = asked(model)
    model(x, time, torch.tensor([0, 1, 4])).square().mean().backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


def test_hears_time_and_class():
    model = awake(denoiser_tiny((1, 8, 8), 3))
    x, time = asked(model)
    base = model(x, time, torch.tensor([0, 1, 2]))
    assert not torch.allclose(base, model(x, time + 50, torch.tensor([0, 1, 2])))
    assert not torch.allclose(base, model(x, time, torch.tensor([1, 1, 2])))
    torch.testing.assert_close(model(x, time), model(x, time, torch.full((3,), 3)))  # class 3: not told


def test_without_time_it_is_deaf_to_it():
    model = awake(denoiser_tiny((1, 8, 8), timed=False))
    x, time = asked(model)
    assert torch.equal(model(x, time), model(x, time + 500))


def test_pictures_do_not_see_each_other_in_groups():
    model = awake(denoiser_tiny((1, 8, 8))).train()
    x, time = asked(model)
    torch.testing.assert_close(model(x, time)[:1], model(x[:1], time[:1]), rtol=1e-4, atol=1e-5)
    batch = awake(denoiser_tiny((1, 8, 8), norm="batch")).train()
    assert not torch.allclose(batch(x, time)[:1], batch(x[:1], time[:1]), atol=1e-3)


def test_attention_carries_from_corner_to_corner():
    """Without attention and with one level, a corner is seen no farther than the convolutions reach."""

    def far(attention):
        form = Form(16, (1,), 1, attention, head=16)
        model = awake(Denoiser((1, 32, 32), 0, form)).double()
        x = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
        for norm in (m for m in model.modules() if type(m).__name__ == "GroupNorm"):
            norm.forward = lambda x: x  # its statistics would carry everywhere as well
        x.requires_grad_()
        model(x, torch.zeros(1, dtype=torch.float64))[0, 0, 0, 0].backward()
        return x.grad[0, 0, 31, 31].abs().item()

    assert far(()) == 0 and far((0,)) > 0


def test_plain_and_fast_layers_agree():
    model = awake(denoiser_tiny((1, 8, 8), 3))
    x, time = asked(model)
    fast = model(x, time)
    with switch.using("plain"):
        torch.testing.assert_close(model(x, time), fast, rtol=1e-4, atol=1e-4)


def test_the_papers_size_has_about_the_papers_parameters():
    """35.7 million in Ho et al. 2020; scale and shift in place of a shift add a twelfth."""
    with torch.device("meta"):
        count = sum(p.numel() for p in denoiser_ddpm((3, 32, 32)).parameters())
    assert count == pytest.approx(35.7e6, rel=0.1)


def test_sides_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match=r"28x28, sides that are multiples of 8 were wanted; .* size=32"):
        denoiser_small((1, 28, 28))
