"""What a training run costs, and from when on a machine of one's own is cheaper than a rented one."""

import math


def energy_kwh(watts: float, seconds: float) -> float:
    """The energy that a machine uses.

    Args:
        watts: that it draws while it trains, >= 0.
        seconds: for how long, >= 0.

    Returns:
        Kilowatt hours: 1,000 watts for 3,600 seconds are one.
    """
    return watts * seconds / 3.6e6


def rent(price: float, seconds: float) -> float:
    """What a rented machine costs.

    Args:
        price: of an hour, in any currency.
        seconds: for how long.
    """
    return price * seconds / 3600


def break_even_hours(buy: float, price: float, watts: float = 0.0, kwh_price: float = 0.0) -> float:
    """The hours of training after which a bought machine has cost less than renting one.

    An hour on a machine of one's own costs its energy, an hour on a rented one its price: the difference pays
    the machine off.

    Args:
        buy: price of the machine, >= 0.
        price: of an hour of a rented machine that is as fast, >= 0.
        watts: that the bought machine draws, >= 0.
        kwh_price: of a kilowatt hour, >= 0, in the same currency.

    Returns:
        Hours, 0 or more; infinite where an hour of energy costs as much as an hour of rent, or more.
    """
    # 1. What an hour of training saves.
    saved = price - energy_kwh(watts, 3600.0) * kwh_price
    # 2. How many such hours the machine costs.
    return buy / saved if saved > 0 else math.inf
