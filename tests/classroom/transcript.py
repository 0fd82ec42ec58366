"""Plays a learner's first five minutes in a real terminal and writes them to docs/first-five-minutes.md.

Run by hand, on Linux or macOS, when the course has changed: python tests/classroom/transcript.py
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = Path("gradschool-work/01-neurons/perceptron_update.py")
HEAD = """# The first five minutes, as they were

Played by `tests/classroom/transcript.py` in a terminal of 100 columns, in an empty folder; seconds are
those of the whole command. The environment was there already: making it comes before the first line.

```
"""
ATTEMPT = """    # 1. The answer now.
    answer = predict(w, x)
    # 2. The input with the constant 1 that the bias belongs to.
    extended = np.concatenate([[1.0], x])
    # 3. Should have fired: add the input. Should not have: subtract it. Right: the difference is 0.
    return w + learning_rate * (answer - target) * extended
"""


def typed(*words: str) -> str:
    """A command in a terminal of its own, and what it showed."""
    start = time.monotonic()
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    command = [sys.executable, "-m", "gradschool", *words]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    data = b""
    while chunk := read(master):
        data += chunk
    process.wait()
    # Colours go; of a line that was written over, only the last state stays.
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode("utf-8")).replace("\r\n", "\n")
    shown = "\n".join(line.split("\r")[-1].rstrip() for line in text.split("\n")).strip("\n")
    seconds = f"{time.monotonic() - start:.1f} s, exit code {process.returncode}"
    return f"$ ./gradschool {' '.join(words)}".ljust(60) + f"# {seconds}\n{shown}"


def read(terminal: int) -> bytes:
    """What a terminal shows next; nothing once it is closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def edited(said: str, text: str) -> str:
    """The learner saves the file."""
    FILE.write_text(text, encoding="utf-8")
    return f"# in the editor: {said}"


def play() -> list[str]:
    """From the map to the race."""
    seen = [typed(), typed("start", "neurons")]
    blank = FILE.read_text(encoding="utf-8")
    seen += [f"$ cat {FILE}\n{blank.rstrip()}", typed("check")]
    attempt = blank[: blank.index("    # 1.")] + ATTEMPT
    seen += [
        edited(f"all three steps, the last with a slip\n{ATTEMPT.rstrip()}", attempt),
        typed("check"),
        typed("hint"),
    ]
    right = attempt.replace("(answer - target)", "(target - answer)")
    seen += [edited("(target - answer) in place of (answer - target)", right), typed("check")]
    return [*seen, typed("train", "perceptron", "--mine"), typed()]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        text = "\n\n".join(play()).replace(os.path.realpath(folder), "~")
        os.chdir(ROOT)
    (ROOT / "docs" / "first-five-minutes.md").write_text(f"{HEAD}{text}\n```\n", encoding="utf-8")
