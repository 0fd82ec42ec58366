"""Fetching against a server on this machine, and twins that a late split would leak."""

import hashlib
import http.server
import io
import threading
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gradschool.data.fetch import fetch, unpack
from gradschool.data.images import Images, Splits
from gradschool.data.leaks import find_leaks
from gradschool.data.setinfo import RemoteFile, SetInfo
from gradschool.data.splits import cut, stratified
from gradschool.errors import UserError, WorkFailed


def archive(names=("cat/1.png", "dog/1.png")) -> bytes:
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as opened:
            for name in names:
                opened.writestr(name, "x" * 5000)
        return out.getvalue()


CONTENT = archive()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serves CONTENT with resume; `cut` limits how much it sends at a time."""
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    state = {"cut": None, "asked": []}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = int((self.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
            state["asked"].append(start)
            body = CONTENT[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state["cut"]])

        def log_message(self, *args):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    state["url"] = f"http://127.0.0.1:{running.server_port}/set.zip"
    yield state
    running.shutdown()
    running.server_close()


def info(url: str, checksum: str | None = None, size: int | None = len(CONTENT)) -> SetInfo:
    return SetInfo("toy", "Toy", [], "none", "none", files=[RemoteFile("set.zip", url, size, checksum)])


def test_a_set_is_fetched_checked_and_unpacked_whole(server):
    told = []
    place = fetch(
        info(server["url"], "sha256:" + hashlib.sha256(CONTENT).hexdigest()), lambda *a: told.append(a)
    )
    assert sorted(p.name for p in place.iterdir()) == ["cat", "dog"]
    assert told[-1][1:] == (len(CONTENT), len(CONTENT))
    assert fetch(info(server["url"])) == place and server["asked"] == [0]


def test_a_broken_download_is_taken_up_where_it_broke(server, tmp_path):
    server["cut"] = 100
    with pytest.raises(WorkFailed, match=r"broke off|could not be fetched"):
        fetch(info(server["url"]))
    assert not (tmp_path / "cache" / "toy").exists()
    server["cut"] = None
    fetch(info(server["url"]))
    assert server["asked"] == [0, 100]


def test_a_wrong_checksum_is_refused_and_set_aside(server, tmp_path):
    with pytest.raises(WorkFailed, match="another md5"):
        fetch(info(server["url"], "md5:" + "0" * 32))
    assert not (tmp_path / "cache" / "toy").exists()
    assert (tmp_path / "cache" / "toy.coming" / "set.zip.bad").exists()
    fetch(info(server["url"], "md5:" + hashlib.md5(CONTENT).hexdigest()))


def test_offline_names_the_file_and_the_place_and_takes_what_is_brought(server, tmp_path):
    nowhere = info("http://127.0.0.1:9/set.zip")
    with pytest.raises(WorkFailed, match=r"set.zip could not be fetched.*bring set.zip to .*toy"):
        fetch(nowhere)
    (tmp_path / "cache" / "toy").mkdir()
    (tmp_path / "cache" / "toy" / "set.zip").write_bytes(CONTENT)
    assert (fetch(nowhere) / "cat" / "1.png").exists()
    with pytest.raises(UserError, match="no address"):
        fetch(SetInfo("none", "None", [], "", "", packs=["none.zip"]))


def test_names_that_lead_outside_are_refused(tmp_path):
    (tmp_path / "bad.zip").write_bytes(archive(["../evil.txt"]))
    with pytest.raises(WorkFailed, match="stay inside"):
        unpack(tmp_path / "bad.zip", tmp_path)
    assert not (tmp_path.parent / "evil.txt").exists()
    (tmp_path / "torn.zip").write_bytes(CONTENT[:-30])
    with pytest.raises(WorkFailed, match="damaged"):
        unpack(tmp_path / "torn.zip", tmp_path)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.floats(0, 0.9), st.integers(0, 9))
def test_splits_are_stratified_disjoint_and_whole(labels, share, seed):
    y = torch.tensor(labels)
    kept, held = stratified(y, share, seed)
    assert torch.cat([kept, held]).sort().values.tolist() == list(range(len(y)))
    for label in y.unique():
        n, h = int((y == label).sum()), int((y[held] == label).sum())
        assert abs(h - share * n) <= 1 or n == 1
        assert h < n
    assert torch.equal(stratified(y, share, seed)[1], held)


def photographs(n: int) -> torch.Tensor:
    """Smooth random pictures: low frequencies, as photographs have."""
    small = torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    large = torch.nn.functional.interpolate(small, (64, 64), mode="bicubic").clamp(0, 1)
    return (large * 255).to(torch.uint8)


def jpeg(image: torch.Tensor) -> torch.Tensor:
    with io.BytesIO() as out:
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(out, "JPEG", quality=60)
        return torch.from_numpy(np.asarray(Image.open(out)).copy()).permute(2, 0, 1)


@pytest.mark.parametrize(
    ("copy", "exact"),
    [
        (lambda x: x, True),
        (lambda x: x.flip(-1), False),
        (lambda x: (x.float() * 0.8).to(torch.uint8), False),
        (lambda x: torch.stack([jpeg(image) for image in x]), False),
        (lambda x: torch.nn.functional.pad(x, (1, 1, 1, 1), "replicate")[:, :, 2:, 2:], False),
    ],
    ids=["same", "mirrored", "darker", "jpeg", "shifted"],
)
def test_copies_made_before_the_split_are_found(copy, exact):
    """As in a published solution: augmented copies are added, and only then the set is split at random."""
    x = photographs(60)
    doubled = Images(torch.cat([x, copy(x)]), torch.arange(60).repeat(2) % 3, ("a", "b", "c"))
    train, held = cut(doubled, 0.25, 0)
    report = find_leaks(Splits("late", train, None, held))
    twins_possible = 30 * 0.75  # a held-out image's copy is in the training part three times in four
    assert report.leaked > 0.75 * twins_possible * 0.9
    assert all(twin.exact == exact for twin in report.twins)
    assert "Split before duplicating" in report.sentence()


def test_a_clean_split_is_called_clean():
    images = Images(photographs(200), torch.arange(200) % 4, ("a", "b", "c", "d"))
    train, held = cut(images, 0.3, 0)
    assert find_leaks(Splits("clean", train, None, held)).leaked == 0
