"""The ten spoken digits from cepstral coefficients and their slopes in time.

Only the level of a recording is taken out, since its mean spectrum says something about the word. In
`digits_spoken_gru`, which takes out the mean of every log-mel band, linear models are better than networks.
Scores are means over three pairs of held-out speakers (python -m bench.speech ten_mfcc).
"""

from dataclasses import replace

from gradschool.models.audio.recurrent import bilstm_1
from gradschool.recipes.audio.digits_spoken_gru import digits_spoken_gru
from gradschool.runs.audio.run import AudioRun


def digits_spoken_mfcc() -> AudioRun:
    """LSTM both ways on MFCC of ten spoken digits, two speakers held out (20 s, 77 %; best baseline 72 %)."""
    return replace(
        digits_spoken_gru(), model=bilstm_1, features="mfcc", slopes=True, centred=False, levelled=True
    )
