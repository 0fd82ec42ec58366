"""Vectors of 25,151 frequent English words, 50 numbers each, learnt from 6 billion words of text.

Source: Pennington et al. 2014, "GloVe: global vectors for word representation"; the part glove.6B.50d.
"""

from gradschool.data.text.vectorset import VectorSet

SET = VectorSet(
    name="glove",
    title="GloVe word vectors, 6B, 50 numbers",
    licence="PDDL 1.0",
    source="https://nlp.stanford.edu/projects/glove/",
    packs=["wordvectors/glove-6b-50d-25k.npz"],
)
