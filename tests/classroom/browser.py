"""A real browser for tests: Chromium without a window, spoken to over its debugging pipe."""

import json
import os
import shutil
import subprocess
import tempfile
from itertools import count

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def high(end):
    """The end of a pipe under a number that is neither 3 nor 4."""
    import fcntl  # Windows has none, and no Chromium of this kind

    copy = fcntl.fcntl(end, fcntl.F_DUPFD, 10)
    os.close(end)
    return copy


class Browser:
    """One browser with one page; a context manager.

    Messages are JSON objects that end with a zero byte; it reads them from file 3 and answers on file 4.
    """

    def __enter__(self):
        there, self.write = os.pipe()
        self.read, here = os.pipe()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]
        there, here = (high(end) for end in (there, here))
        shell = f'exec "$0" "$@" 3<&{there} 4>&{here}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, CHROMIUM, *words, f"--user-data-dir={self.folder.name}"],
            pass_fds=(there, here), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(there)
        os.close(here)
        self.numbers, self.rest, self.session = count(1), b"", None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return self

    def __exit__(self, *problem):
        self.process.terminate()
        self.process.wait(10)
        os.close(self.read)
        os.close(self.write)
        self.folder.cleanup()

    def send(self, method, **words):
        """A command and its answer; what else the browser tells is dropped."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": words}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                if not (more := os.read(self.read, 1 << 16)):
                    raise RuntimeError("the browser has gone")
                self.rest += more
            told, self.rest = self.rest.split(b"\0", 1)
            answer = json.loads(told)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def open(self, address, width, scheme):
        """Show a page, so many CSS pixels wide, in the light or the dark scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        scheme = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=scheme)
        self.send("Page.navigate", url=address)
        loaded = "document.readyState == 'complete' ? go() : addEventListener('load', () => go())"
        self.run(f"new Promise(go => {loaded}).then(() => document.fonts.ready)")
        self.run(
            "new Promise(go => setTimeout(go, 100))"
        )  # the page measures its boxes when its fonts are there

    def run(self, script):
        """The value of a script in the page."""
        words = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self.send("Runtime.evaluate", **words)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "a script failed"))
        return answer["result"].get("value")
