"""Inception as torch-fidelity runs it, with weights that are drawn at random."""

from unittest import mock

import pytest
import torch
from torch import Tensor

from gradschool.errors import UserError
from gradschool.evals.features import seen
from gradschool.evals.generation import inception as ours

theirs = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")


def random_net():
    """torch-fidelity's network as it comes into the world."""
    kind = theirs.FeatureExtractorInceptionV3
    with (
        mock.patch.object(theirs, "load_state_dict_from_url", return_value={}),
        mock.patch.object(kind, "load_state_dict"),
    ):
        return kind("inception", ["2048", "logits_unbiased"])


@pytest.mark.long
def test_features_and_logits_are_torch_fidelitys(tmp_path, monkeypatch):
    net = random_net()
    torch.save(net.state_dict(), tmp_path / ours.WEIGHTS)
    with (tmp_path / ours.WEIGHTS).open("rb") as file:
        known = ours.hashlib.file_digest(file, "sha256").hexdigest()
    monkeypatch.setattr(ours, "CHECKSUM", known[:8])
    x = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    eye = ours.inception(32, 32, tmp_path)
    features, logits = seen(eye.model, [eye.transform(x)])
    wanted: tuple[Tensor, Tensor] = net(x)
    torch.testing.assert_close(features, wanted[0])
    torch.testing.assert_close(logits, wanted[1], rtol=1e-4, atol=1e-5)  # float32, sums of 2048


def test_a_file_with_code_in_it_or_another_checksum_or_none_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="is not there"):
        ours.inception(32, 32, tmp_path)
    (tmp_path / ours.WEIGHTS).write_bytes(b"something else")
    with pytest.raises(UserError, match="checksum"):
        ours.inception(32, 32, tmp_path)
    torch.save({"layer": print}, tmp_path / ours.WEIGHTS)  # a pickled function, not a tensor
    monkeypatch.setattr(ours, "CHECKSUM", "")
    with pytest.raises(Exception, match="Weights only load failed"):
        ours.inception(32, 32, tmp_path)
