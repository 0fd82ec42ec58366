"""The baselines of recordings: what they can and cannot hear."""

import numpy as np
import torch
from tones import RATE, WORDS, tone

from gradschool.data.audio.features import Features
from gradschool.data.audio.recordings import Recordings
from gradschool.evals.audio.baselines import COURSE, MEAN, NEAREST, SAME, baselines, by_speaker, verdict


def part(n, seed, words=WORDS, pitches=(500.0,)):
    waves = [torch.from_numpy((tone(words[i % len(words)], pitches[i % len(pitches)], seed=seed + i) * 32767)
                              .astype(np.int16)) for i in range(n)]  # fmt: skip
    return Recordings.of(waves, [i % len(words) for i in range(n)], words, RATE)


def test_pitches_are_told_apart_by_their_mean_spectrum():
    train, test = (part(n, seed, ("rise", "stay"), (400.0, 1600.0)) for n, seed in ((12, 0), (6, 99)))
    found = baselines(Features(RATE).learnt(train), train, test)
    assert found == {NEAREST: 1.0, MEAN: 1.0, COURSE: 1.0, SAME: 1.0}


def test_the_order_of_time_needs_pieces_of_time():
    """A rise from 500 to 1,000 Hz and a fall from 1,000 to 500 Hz have one and the same mean spectrum."""
    seconds = (256 + 17 * 128) / RATE  # whole frames, so that both ways give the same ones
    rises = [tone("rise", 500, seconds, seed=i) for i in range(20)]
    falls = [x[::-1] for x in rises]
    waves = [
        torch.from_numpy((x * 32767).astype(np.int16))
        for pair in zip(rises, falls, strict=True)
        for x in pair
    ]
    whole = Recordings.of(waves, [0, 1] * 20, ("rise", "fall"), RATE)
    train, test = whole.take(torch.arange(20)), whole.take(torch.arange(20, 40))
    found = baselines(Features(RATE).learnt(train), train, test)
    assert found[COURSE] == 1.0 and found[MEAN] < 0.8


def test_the_verdict_names_the_best_and_does_not_flatter():
    found = {NEAREST: 0.5, MEAN: 0.8, COURSE: 0.7}
    assert verdict(0.81, found) == f"The network beats the best baseline ({MEAN}): 81.0 % against 80.0 %."
    assert verdict(0.8, found).startswith("The network does not beat the best baseline")


def test_speakers_are_counted():
    whole = Recordings.of(
        [torch.zeros(1, dtype=torch.int16)] * 3, [0, 0, 0], ["a"], RATE, ["bob", "ann", "bob"]
    )
    assert by_speaker(whole, torch.tensor([1, 0, 0])) == {"ann": (0, 1), "bob": (1, 2)}
    assert by_speaker(part(3, 0), torch.tensor([1, 1, 1])) == {}
