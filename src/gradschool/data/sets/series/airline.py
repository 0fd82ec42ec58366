"""Passengers of international airlines, month by month: the series that grows, and whose season grows too.

Source: Box and Jenkins 1976, series G (first in Brown 1963); 144 numbers, which lie beside this file.
"""

from pathlib import Path

from gradschool.data.series.seriesset import SeriesSet

SET = SeriesSet(
    name="airline",
    title="Monthly passengers of international airlines, 1949 to 1960",
    licence="none stated; 144 published numbers",
    source="Box and Jenkins 1976, Time Series Analysis: Forecasting and Control, series G",
    places=[str(Path(__file__).with_name("airline.csv"))],
    unit="thousand passengers",
)
