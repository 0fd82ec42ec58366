"""The layer table against closed forms, published counts and the support of gradients."""

import pytest
import torch
import torchvision
from torch import nn

from gradschool.evals.summary import summarise


def support(net: nn.Module, side: int) -> tuple[int, int]:
    """Height and width of the input that the middle output pixel depends on, measured by its gradient."""
    x = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    for weight in net.parameters():  # positive weights on positive input: nothing cancels, every ReLU is open
        nn.init.constant_(weight, 0.1)
    out = net.double()(x)
    middle = out.shape[-1] // 2
    (slope,) = torch.autograd.grad(out[0, :, middle, middle].sum(), x)
    rows, columns = (slope[0, 0].abs().sum(axis).nonzero().flatten() for axis in (1, 0))
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


class Branches(nn.Module):
    """A skip connection and two kernels side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.small, self.large = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 5, padding=2)
        self.after = nn.Conv2d(4, 4, 3, stride=2, padding=1, bias=False)

    def forward(self, x):
        both = torch.cat([self.small(x), self.large(x)], 1)
        return self.after((both + both * 2).relu())


NETS = {
    "dilated": nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2), nn.ReLU(), nn.Conv2d(2, 2, (3, 5), stride=2)),
    "pooled": nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2), nn.Conv2d(2, 2, 3), nn.AvgPool2d(3, 2)
    ),
    "branches": Branches(),
}


@pytest.mark.parametrize("name", NETS)
def test_receptive_field_is_the_support_of_the_gradient(name):
    net = NETS[name].float()
    rows = [row for row in summarise(net, torch.rand(1, 1, 41, 41)).rows if row.name]
    assert rows[-1].field == support(net, 41)


def test_lenet_table_of_the_course():
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Conv2d(50, 500, 4),
        nn.Flatten(), nn.Linear(500, 10),
    )  # fmt: skip
    found = summarise(net, torch.zeros(1, 1, 28, 28))
    shapes = [(20, 24, 24), (20, 12, 12), (50, 8, 8), (50, 4, 4), (500, 1, 1), (500,), (10,)]
    assert [row.shape for row in found.rows] == shapes
    assert [row.field[0] for row in found.rows if row.field] == [5, 6, 14, 16, 28]
    # 2 · outputs · inputs of each: 24·24·20·25, 8·8·50·500, 500·800, 500·10.
    assert [row.flops for row in found.rows if row.flops] == [576_000, 3_200_000, 800_000, 10_000]
    assert found.flops == 4_586_000
    assert found.parameters == sum(row.parameters for row in found.rows) == 520 + 25_050 + 400_500 + 5_010


def test_resnet18_has_its_published_numbers():
    found = summarise(torchvision.models.resnet18(), torch.zeros(1, 3, 224, 224))
    assert found.parameters == 11_689_512  # torchvision's table
    assert found.flops == pytest.approx(2 * 1.814e9, rel=1e-3)  # torchvision's table: 1.81 GMAC
    fields = {row.name: row.field for row in found.rows}
    assert fields["layer4.1.conv2"] == (435, 435)  # Araujo et al. 2019, table 1


def test_parameters_and_flops_of_a_container_are_its_own():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain, self.inner = nn.Parameter(torch.ones(6, 5)), nn.Linear(4, 6)

        def forward(self, x):
            return self.inner(x) @ self.gain

    rows = {row.name: row for row in summarise(nn.Sequential(Scaled()), torch.zeros(1, 4)).rows}
    assert rows["0"].parameters == 30 and rows["0"].flops == 2 * 6 * 5
    assert rows["0.inner"].parameters == 30 and rows["0.inner"].flops == 2 * 4 * 6


def test_averaging_and_flattening_see_everything():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    assert [row.field for row in summarise(net, torch.zeros(1, 1, 9, 9)).rows] == [(3, 3), None, None, None]


def test_modes_and_hooks_are_left_as_they_were():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout()).train()
    summarise(net, torch.zeros(1, 1, 9, 9))
    assert net.training and not any(module._forward_hooks for module in net.modules())
