"""Words of your own: any folder or zip of class folders of WAV files."""

from dataclasses import replace

from gradschool.recipes.audio.digits_spoken_gru import digits_spoken_gru
from gradschool.runs.audio.run import AudioRun


def speech() -> AudioRun:
    """Your own recordings in class folders of WAV files (--data PATH); settings of digits_spoken_gru."""
    return replace(digits_spoken_gru(), data="", test=0.2)
