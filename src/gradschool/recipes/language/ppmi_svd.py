"""Word vectors from film reviews by counting: the baseline of every trained one."""

from gradschool.runs.language.counted import CountedVectors


def ppmi_svd() -> CountedVectors:
    """PPMI and SVD word vectors on film reviews (about 10 s, WordSim-353 rho 0.45)."""
    return CountedVectors(data="reviews")
