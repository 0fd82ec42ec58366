"""ONNX: what is written is what torch computes, for any batch, and a failed check leaves nothing behind."""

import json

import onnx
import onnxruntime
import pytest
import torch
from evals_nets import small_net
from torch import nn

from gradschool import parts
from gradschool.errors import UserError, WorkFailed
from gradschool.evals import export


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "deep" / "model.onnx"
    model = small_net().train()
    check = export.export_onnx(model, torch.randn(1, 3, 16, 16), path, {"classes": ["a", "ö"], "mean": [0.5]})
    return model, path, check


@pytest.mark.long
def test_the_file_agrees_on_new_images_and_batch_sizes(exported):
    model, path, check = exported
    x = torch.randn(7, 3, 16, 16)
    (found,) = onnxruntime.InferenceSession(str(path)).run(None, {"images": x.numpy()})
    with torch.no_grad():
        wanted = model.eval()(x)
    # Two float32 libraries over some 100-term sums.
    torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-4, atol=1e-5)
    assert check.difference < 1e-4 and check.relative < 1e-4 and check.size == path.stat().st_size


@pytest.mark.long
def test_metadata_and_a_valid_model_in_one_file(exported):
    _, path, _ = exported
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    found = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
    assert found["classes"] == ["a", "ö"] and found["mean"] == [0.5]
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]


@pytest.mark.long
def test_a_file_that_computes_something_else_is_not_kept(exported, monkeypatch, tmp_path):
    monkeypatch.setattr(export, "_compare", lambda *_: (1.0, 0.5))
    with pytest.raises(WorkFailed, match=r"differs from the network by 0\.5"):
        export.export_onnx(nn.Sequential(nn.Linear(3, 2)), torch.randn(2, 3), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(
        parts.importlib.util, "find_spec", lambda name: None if name == "onnxscript" else object()
    )
    with pytest.raises(UserError, match=r"onnxscript is not installed, and export needs it.*practice"):
        export.export_onnx(nn.Linear(3, 2), torch.randn(2, 3), tmp_path / "m.onnx")
