"""Games of two players: their rules as tensors, and the search of a tree of moves."""
