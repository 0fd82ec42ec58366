"""Shapes in the signatures of `evals` are checked while testing, as in the rest of the library."""

from jaxtyping import install_import_hook

install_import_hook("gradschool.evals", "evals_typechecker.checked")
