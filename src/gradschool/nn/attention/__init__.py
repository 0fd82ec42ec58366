"""Layers of transformers: attention in heads, feed-forward layers, blocks, experts, adapters."""
