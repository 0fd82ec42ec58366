"""Four rooms with a doorway in each wall between them."""

from pathlib import Path

from gradschool.data.rl.gridset import GridSet

SET = GridSet(
    name="four_rooms",
    title="Four rooms, 13x13 cells",
    licence="Apache-2.0",
    source="Sutton, Precup and Singh 1999, Between MDPs and semi-MDPs, figure 2 (layout)",
    places=[str(Path(__file__).with_suffix(".txt"))],
)
