"""Name what goes wrong in a game of two networks while it is played.

Sources: Goodfellow 2016 ("NIPS 2016 tutorial: generative adversarial networks"), section 5 (mode collapse, a
discriminator that wins); Arjovsky and Bottou 2017, theorem 2.4 (no gradient from a perfect discriminator).
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MEMORY = 100  # steps over which what is logged is averaged


@dataclass(frozen=True)
class Sign:
    """Something that went wrong.

    Args:
        name: in two or three words.
        step: at which it was certain.
        told: the sentence for people, with what was seen and what to try.
    """

    name: str
    step: int
    told: str


class Watch:
    """Reads logged lines and names each trouble once; a hook that speaks on the error stream.

    Args:
        end: the discriminator's loss at the end of its game; 0 for a critic, which cannot win.
        speak: say it; a report reads along in silence.
    """

    def __init__(self, end: float, speak: bool = True) -> None:
        self.end, self.speak = end, speak
        self.means: dict[str, float] = {}
        self.lines = 0
        self.signs: list[Sign] = []

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Take in one line."""
        if "errD" not in line:
            return
        # 1. Averages over about MEMORY steps, so that a single bad step names nothing.
        self.lines += 1
        weight = 1 / min(self.lines, MEMORY)
        for name in ("errD", "errG", "diversity", "D(G(z)) after"):
            before = self.means.get(name, 0.0)
            self.means[name] = before + weight * (line[name] - before)
        if self.lines < MEMORY:
            return
        # 2. What they mean, each trouble once.
        for name, told in self.seen().items():
            if all(sign.name != name for sign in self.signs):
                self.signs.append(Sign(name, int(line["step"]), told))
                if self.speak:
                    print(f"Step {line['step']}: {name}: {told}", file=sys.stderr)

    def seen(self) -> dict[str, str]:
        """Every trouble that the averages show: its name, and the sentence for people."""
        errd, errg, diversity = (self.means[name] for name in ("errD", "errG", "diversity"))
        found = {}
        if self.end and abs(errd) < 0.02 * self.end:
            found["the discriminator wins"] = (
                f"errD is {errd:.2g}, {self.end:.3g} is a draw; the generator hardly learns. "
                "Try --set game=hinge --set model=sn_dcgan or a smaller learning_rate."
            )
        if diversity < 0.1:
            found["mode collapse"] = (
                f"generated pictures differ {100 * diversity:.0f} % as much as real ones. "
                "Try another --seed, --set game=hinge --set model=sn_dcgan or a smaller learning_rate."
            )
        if max(abs(errd), abs(errg)) > 1000:
            found["exploding critic"] = (
                f"errD is {errd:.3g}, errG {errg:.3g}. "
                "Try --set penalty=10, --set precision=fp32 or a smaller learning_rate."
            )
        return found


def read(lines: Iterable[Mapping[str, Any]], end: float) -> list[Sign]:
    """The troubles of a run that is over, from its lines."""
    watch = Watch(end, speak=False)
    for line in lines:
        watch(line)
    return watch.signs
