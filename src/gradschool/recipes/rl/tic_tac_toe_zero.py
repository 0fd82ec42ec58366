"""AlphaZero on noughts and crosses."""

from gradschool.runs.rl.self_play import SelfPlayRun


def tic_tac_toe_zero() -> SelfPlayRun:
    """Self-play with tree search learns noughts and crosses (goal: 0.9 against random moves)."""
    return SelfPlayRun(data="tic_tac_toe", timesteps=23_040, hidden=(128, 128), schedule="linear")
