"""What word vectors are measured by: 19,544 analogies, WordSim-353 and SimLex-999."""

from gradschool.data.text.vectors.wordsets import TestSet

SET = TestSet(
    name="word_tests",
    title="Analogies, WordSim-353, SimLex-999",
    licence="Apache-2.0 (analogies), MIT (the others)",
    source="Mikolov et al. 2013; Finkelstein et al. 2002; Hill et al. 2015",
    packs=["wordvectors"],
)
