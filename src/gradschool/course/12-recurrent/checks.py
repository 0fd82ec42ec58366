"""Checks of chapter 12: oracles are torch's recurrent networks, loops in float64 and autograd."""

from gradschool.classroom.check.ladder import Ladder


def rnn_step(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def unroll(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def bptt(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def gradient_norms(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def lstm_cell(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def gru_cell(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def carried_state(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def masked_mean(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def reversed_steps(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def bucket_batches(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def parallel_scan(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def min_gru(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def extract_automaton(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))


def mel_filters(ladder: Ladder) -> None:
    """Not there yet."""
    ladder.holds("It is a function.", callable(ladder.subject))
