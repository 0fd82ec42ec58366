"""Layers of agents: what stands between a screen or a board and a network."""
