"""Both forms of every op and torch's function of that name, on PyTorch's own sample inputs.

On each sample the three are equal, in values and gradients, or the plain and the fast form refuse it in one
and the same sentence, for one of the reasons below.
"""

from collections import Counter
from itertools import islice

import pytest
import samples
import torch

# float64: rounding of sums of some hundred terms. float32: the same sums, of terms up to some hundred.
CLOSE = {torch.float64: (1e-7, 1e-8), torch.float32: (1e-4, 5e-5)}
SAMPLE = 6  # calls of a function and dtype that the default run takes, spread over all

REASONS = {  # words of the sentences in which both forms may refuse a sample
    "arguments that ops do not have": "Leave the others out",
    "shapes that would broadcast": "equal ones were wanted",
    "too few or too many axes": "was wanted",
    "no entries along the axis": "entries along axis",
    "an axis that is not there": "an axis from",
    "a single value has no deviation": "more than 1 value",
    "sizes that do not fit": "were wanted",
    "channels that do not fit": "the filters want",
    "groups": "do not divide into",
    "weights that do not fit": "the weight wants",
    "windows": "it must fit",
}


pytestmark = [
    pytest.mark.usefixtures("unchecked"),
    pytest.mark.filterwarnings("ignore"),  # of torch, about samples that broadcast
]


@pytest.fixture(autouse=True, scope="module")
def databases():
    """The samples, which another version of torch may keep elsewhere."""
    try:
        return samples.databases()
    except ImportError as error:
        pytest.skip(f"torch {torch.__version__} has no sample inputs here: {error}")


def spread(found, most):
    """So many of a list, evenly spread."""
    return found[:: max(1, len(found) // most)]


def compared(name, most=None):
    """Counts of verdicts; what is wrong, in words; the sentences of refusals."""
    counts, wrong, sentences = Counter(), [], set()
    for dtype, (rtol, atol) in CLOSE.items():
        found = samples.calls(name, dtype, large=most is None)
        for call in found if most is None else spread(list(islice(found, 10 * most)), most):
            kind, why = samples.verdict(call, rtol, atol)
            counts[kind] += 1
            if kind == "wrong":
                wrong.append(f"{dtype} {call.about}: {why}")
            if kind == "refused":
                sentences.add(why)
    return counts, wrong, sentences


def hold(name, most):
    counts, wrong, sentences = compared(name, most)
    assert not wrong, "\n".join(wrong[:5])
    assert all(any(words in text for words in REASONS.values()) for text in sentences), sentences
    # torch 2.15 has no gradient for class scores with channels last, where both of ours have one.
    assert counts["torch raises"] == 0 or name == "nn.functional.nll_loss"
    assert counts["random"] == 0 or name == "nn.functional.dropout"
    return counts


@pytest.mark.parametrize("name", samples.TWINS)
def test_a_sample_of_calls(name):
    hold(name, SAMPLE)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", samples.TWINS)
def test_all_calls(name):
    counts = hold(name, None)
    print(name, dict(counts))
    assert counts["equal"] or name == "nn.functional.softplus"


def test_every_op_with_a_twin_is_here():
    from test_twins import OPS

    ops = {f"{op.plain.__module__.split('.')[-1]}.{op.plain.__name__}" for op, _ in samples.TWINS.values()}
    # The approximation by a tanh is GELU's argument in torch, which has no squared ReLU. Sequences,
    # attention beyond the plain one and returns have no samples there, but tests of their own.
    own = ("sequence.", "attention.", "rl.", "practice.")
    twins = {name for name, op in OPS.items() if op.fast and not name.startswith(own)}
    assert twins - ops == {"activation.gelu_tanh", "activation.relu_squared"}
