"""Captions of photographs in English, German and French: the set on which small translators are compared.

Source: Elliott et al. 2016 and 2017, "Multi30K: multilingual English-German image descriptions"; task 1, raw
texts. The test part is that of 2016.
"""

from gradschool.data.text.pairs.pairset import PairSet

SET = PairSet(
    name="multi30k",
    title="Multi30k, captions in three languages",
    licence="non-commercial research and education",
    source="https://github.com/multi30k/dataset",
    packs=["translation/multi30k.en-de-fr.tsv.gz"],
    languages=["en", "de", "fr"],
    column="split",
    parts={"train": "train", "val": "val", "test": "test2016"},
)
