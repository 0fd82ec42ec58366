"""Options of a model by --set: dots name them, another model keeps what it takes, slips are sentences."""

import pytest

from gradschool.errors import UserError
from gradschool.models.language.gpt import gpt
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.settings import override

RUN = LanguageRun(data="words.txt", model=recurrent_lm, model_options={"hidden": 32, "dropout": 0.2})


def test_an_option_is_named_by_a_dot():
    changed = override(RUN, ["model_options.hidden=64", "model_options.layers=2"], "text")
    assert changed.model_options == {"hidden": 64, "dropout": 0.2, "layers": 2}


def test_another_model_keeps_what_it_takes():
    changed = override(RUN, ["model=gpt", "model_options.width=64"], "text")
    assert changed.model is gpt
    assert changed.model_options == {"dropout": 0.2, "width": 64}
    assert override(RUN, ["model=recurrent_lm"], "text").model_options == RUN.model_options


def test_what_a_person_names_is_not_dropped():
    """So that the model can say that it has no such option."""
    changed = override(RUN, ["model=gpt", "model_options.hidden=64"], "text")
    assert changed.model_options["hidden"] == 64
    assert override(RUN, ["model=gpt", 'model_options={"hidden": 3}'], "text").model_options == {"hidden": 3}


@pytest.mark.parametrize(
    "words, said",
    [
        (["hidden=64"], "text has no setting 'hidden'. Did you mean model_options.hidden?"),
        (["model=gpt", "width=64"], "text has no setting 'width'. Did you mean model_options.width?"),
        (["model_options=width"], "model_options is a group such as {\"width\": 64}, got 'width'"),
        (["model_options.a.b=1"], "text has no setting 'model_options.a.b'."),
        (["contxt=64"], "text has no setting 'contxt'. Did you mean context?"),
    ],
)
def test_slips_are_sentences(words, said):
    with pytest.raises(UserError) as error:
        override(RUN, words, "text")
    assert str(error.value).startswith(said)
