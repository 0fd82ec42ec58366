"""What a run can be asked for depends on its kind."""

import json

import pytest

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.runs.serve import classifying, export


@pytest.mark.parametrize("recipe", ["vae_mnist", "impute_digits"])
def test_only_classifiers_predict_and_export(tmp_path, recipe):
    from gradschool.recipes import find
    from gradschool.runs.settings import to_dict

    config = {"recipe": recipe, "seed": 0, "steps": None, "device": "cpu", "plain": False}
    (tmp_path / "config.json").write_text(json.dumps(config | {"settings": to_dict(find(recipe)())}))
    with pytest.raises(UserError, match=f"is a run of {recipe}"):
        classifying(RunFolder(tmp_path))
    with pytest.raises(UserError, match="that classifies"):
        export(tmp_path, None)
