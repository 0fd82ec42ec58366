"""Film reviews of the Internet Movie Database: a slice of 7,500, half of them favourable.

Labels are those of the star ratings: 1 to 4 stars are negative, 7 to 10 positive; --set label=rating asks for
the stars themselves. Source: Maas et al. 2011, "Learning word vectors for sentiment analysis".
"""

from gradschool.data.text.labelled.labelledset import LabelledSet

SET = LabelledSet(
    name="imdb",
    title="IMDB film reviews, a slice",
    licence="none stated; research use",
    source="https://ai.stanford.edu/~amaas/data/sentiment/",
    packs=["sentiment/imdb.csv.gz"],
    text="text",
    label="label",
    names={"0": "negative", "1": "positive"},
)
