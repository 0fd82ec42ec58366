"""Fetching against a server on this machine: whole, resumed, checked, or a sentence; never half a set."""

import errno
import hashlib
import http.server
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile

import pytest

from gradschool.data.fetch import brought, check, download, fetch, unpack
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
    """Serves CONTENT; `cut` limits how much it sends at a time, `resumes` says whether it can."""
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    state = {"cut": None, "asked": [], "resumes": True, "delay": 0.0}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = int((self.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
            state["asked"].append(start)
            start = start if state["resumes"] else 0
            if start >= len(CONTENT):
                self.send_error(416)
                return
            body = CONTENT[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for place in range(0, len(body[: state["cut"]]), 100):
                self.wfile.write(body[: state["cut"]][place : place + 100])
                time.sleep(state["delay"])

        def log_message(self, *args):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    state["url"] = f"http://127.0.0.1:{running.server_port}/set.zip"
    yield state
    running.shutdown()
    running.server_close()


def info(url: str, checksum: str | None = None, size: int | None = len(CONTENT)) -> SetInfo:
    return SetInfo("toy", "Toy", "none", "none", files=[RemoteFile("set.zip", url, size, checksum)])


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


def test_a_server_that_cannot_resume_sends_it_all_again(server):
    server["cut"], server["resumes"] = 100, False
    with pytest.raises(WorkFailed):
        fetch(info(server["url"]))
    server["cut"] = None
    assert (fetch(info(server["url"])) / "cat" / "1.png").exists()


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("extra", [0, 7])
def test_a_part_that_is_whole_or_too_long_is_seen_through(server, tmp_path, size, extra):
    coming = tmp_path / "cache" / "toy.coming"
    coming.mkdir(parents=True)
    (coming / "set.zip.part").write_bytes(CONTENT + b"x" * extra)
    md5 = "md5:" + hashlib.md5(CONTENT).hexdigest()
    if extra and size is None:  # only its checksum can tell
        with pytest.raises(WorkFailed, match="another md5"):
            fetch(info(server["url"], md5, size))
    assert (fetch(info(server["url"], md5, size)) / "cat" / "1.png").exists()


def test_killed_in_the_middle_nothing_half_is_left_and_it_goes_on(server, tmp_path):
    server["delay"] = 0.02
    script = f"""
from gradschool.data.fetch import fetch
from gradschool.data.setinfo import RemoteFile, SetInfo
fetch(SetInfo("toy", "Toy", "", "", files=[RemoteFile("set.zip", {server["url"]!r}, {len(CONTENT)})]))
"""
    child = subprocess.Popen([sys.executable, "-c", script], env=os.environ)
    part = tmp_path / "cache" / "toy.coming" / "set.zip.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.005)
    child.kill()
    child.wait()
    assert not (tmp_path / "cache" / "toy").exists()
    have = part.stat().st_size
    server["delay"] = 0.0
    assert (fetch(info(server["url"])) / "dog" / "1.png").exists()
    assert 0 < have < len(CONTENT) and server["asked"] == [0, have]


def test_two_at_once_fetch_it_once(server):
    server["delay"] = 0.001
    both = [threading.Thread(target=fetch, args=(info(server["url"]),)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert server["asked"] == [0]


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
        fetch(SetInfo("none", "None", "", "", packs=["none.zip"]))


def test_names_that_lead_outside_are_refused(tmp_path):
    (tmp_path / "bad.zip").write_bytes(archive(["../evil.txt"]))
    with pytest.raises(WorkFailed, match="stay inside"):
        unpack(tmp_path / "bad.zip", tmp_path)
    assert not (tmp_path.parent / "evil.txt").exists()
    (tmp_path / "torn.zip").write_bytes(CONTENT[:-30])
    with pytest.raises(WorkFailed, match="damaged"):
        unpack(tmp_path / "torn.zip", tmp_path)


def test_a_tar_that_leads_outside_is_refused(tmp_path):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as opened:
        evil = tarfile.TarInfo("../evil.txt")
        evil.size = 1
        opened.addfile(evil, io.BytesIO(b"x"))
    with pytest.raises(WorkFailed, match="stay inside"):
        unpack(tmp_path / "bad.tar.gz", tmp_path / "inside")
    with tarfile.open(tmp_path / "link.tar", "w") as opened:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    with pytest.raises(WorkFailed, match="damaged"):
        unpack(tmp_path / "link.tar", tmp_path / "inside")
    assert not (tmp_path / "evil.txt").exists()


def test_files_brought_one_by_one_are_waited_for_and_all_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    nowhere = "http://127.0.0.1:9/"
    files = [RemoteFile(f"{n}.bin", f"{nowhere}{n}", 3) for n in "ab"]
    toy = SetInfo("toy", "Toy", "none", "none", files=files)
    place = tmp_path / "cache" / "toy"
    with pytest.raises(WorkFailed, match=r"without one bring a.bin, b.bin to .*toy and start again"):
        fetch(toy)
    place.mkdir()
    (place / "a.bin").write_bytes(b"abc")
    with pytest.raises(WorkFailed, match=r"without one bring b.bin to"):
        fetch(toy)
    place.mkdir(exist_ok=True)
    (place / "b.bin").write_bytes(b"too long")
    assert brought(toy)
    with pytest.raises(WorkFailed, match=r"b.bin has 8 bytes, not 3"):
        fetch(toy)
    (place / "b.bin").write_bytes(b"abc")
    assert sorted(p.name for p in fetch(toy).iterdir()) == ["a.bin", "b.bin"]


def test_a_full_disk_is_a_sentence(server, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("gradschool.data.fetch.take", full)
    with pytest.raises(WorkFailed, match=r"is on a full disk.*set GRADSCHOOL_CACHE"):
        fetch(info(server["url"]))


NPM = """#!/bin/sh
echo "$@" >> "{log}"
if [ "$2" = broken@1 ]; then echo "npm error 404 not found" >&2; exit 1; fi
printf content > "$6/scope-name-1.tgz"
"""


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for npm is a shell script")
def test_an_npm_package_is_brought_by_npm_and_checked(tmp_path, monkeypatch):
    program, log = tmp_path / "npm", tmp_path / "log"
    program.write_text(NPM.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    digest = hashlib.sha256(b"content").hexdigest()
    file = RemoteFile("name-1.tgz", "npm:@scope/name@1", 7, f"sha256:{digest}")
    download(file, tmp_path, lambda *words: None, "bring it")
    check(file, tmp_path / "name-1.tgz")
    assert log.read_text().startswith("pack @scope/name@1 --silent --ignore-scripts ")
    with pytest.raises(WorkFailed, match=r"x.tgz could not be fetched from npm:broken@1 .npm error 404"):
        download(RemoteFile("x.tgz", "npm:broken@1"), tmp_path, lambda *words: None, "bring it")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="npm is not here"):
        download(file, tmp_path, lambda *words: None, "bring it")
