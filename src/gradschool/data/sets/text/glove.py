"""GloVe 6B, 50 numbers a word: the 25,151 words that the evaluation files and frequent English need."""

from gradschool.data.text.vectors.wordsets import VectorSet

SET = VectorSet(
    name="glove",
    title="GloVe 6B, 50 numbers a word, 25,151 words",
    licence="PDDL 1.0",
    source="Pennington et al. 2014, GloVe: Global vectors for word representation",
    packs=["wordvectors/glove-6b-50d-25k.npz"],
)
