"""Encoders of pictures that are learnt without labels."""
