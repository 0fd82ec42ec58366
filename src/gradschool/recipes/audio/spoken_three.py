"""Three spoken words, as in a coursework of 2021, and the six recurrent networks that it compared."""

from dataclasses import replace

from gradschool.recipes.audio.digits_spoken_gru import digits_spoken_gru
from gradschool.runs.audio.run import AudioRun


def spoken_three() -> AudioRun:
    """Bidirectional GRU on the words one, two and three, two speakers held out (TIME, SCORE)."""
    return replace(digits_spoken_gru(), words=("one", "two", "three"), batch_size=32)
