"""The perceptron: the first run of the course."""

from gradschool.runs.neurons.perceptron import PerceptronRun


def perceptron() -> PerceptronRun:
    """A line between two clouds of points by Rosenblatt's rule: 99 % in a second."""
    return PerceptronRun()
