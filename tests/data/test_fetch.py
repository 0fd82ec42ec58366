"""Fetching against a server on this machine: whole, resumed, checked, or a sentence; never half a set."""

import hashlib
import http.server
import io
import threading
import zipfile

import pytest

from gradschool.data.fetch import fetch, unpack
from gradschool.data.setinfo import RemoteFile, SetInfo
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
