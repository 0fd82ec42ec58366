"""Beartype that takes a whole number where a float is asked for, as Python's own typing rules do."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
