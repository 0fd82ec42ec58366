"""Runs that learn an encoder of pictures without labels."""
