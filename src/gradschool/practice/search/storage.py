"""Where Optuna keeps a study: SQLite in the study's folder, or a database by its address."""

import os
import warnings
from typing import Any

from gradschool.errors import UserError
from gradschool.parts import need

VARIABLE = "GRADSCHOOL_STORAGE"  # an address that no list of processes shows
WAIT = 60  # seconds for another process to finish writing to SQLite
EXAMPLE = "Example: --storage postgresql://USER@HOST/DATABASE"
POSTGRES = "postgresql+psycopg"


def address_of(storage: str) -> Any:
    """The address of a database as SQLAlchemy has it, with the driver for PostgreSQL; None for "".

    Raises:
        UserError: it is no address, or what it needs is not installed.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if not storage:
        return None
    try:
        url = make_url(storage)
    except ArgumentError as error:
        raise UserError(f"--storage is {storage!r}", "the address of a database", EXAMPLE) from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername=POSTGRES)
    if url.drivername == POSTGRES:
        need("psycopg", "cluster", "a study in PostgreSQL")
    return url


def shown(url: Any) -> str:
    """An address without its password, which is written down nowhere; "" for none."""
    return url.render_as_string(hide_password=True) if url is not None else ""


def open_storage(url: Any) -> Any:
    """The storage behind an address; its tables are made where they are missing.

    Raises:
        UserError: there is no such kind of database, its driver is not installed, or it does not answer.
    """
    import optuna
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    is_sqlite = url.drivername.partition("+")[0] == "sqlite"
    options = {"connect_args": {"timeout": WAIT}} if is_sqlite else {"pool_pre_ping": True}
    try:
        return optuna.storages.RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=options)
    except NoSuchModuleError as error:
        what = f"there is no kind of database {url.drivername!r}"
        raise UserError(what, "sqlite, postgresql or mysql", EXAMPLE) from error
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or url.drivername
        what = f"{missing} is not installed, and {shown(url)} needs it"
        raise UserError(what, "", f"Run: pip install {missing}") from error
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        said = " ".join(str(error).split())[:200]
        what = f"the database {shown(url)} cannot be used ({said})"
        raise UserError(what, "one that answers", "Check address, user and rights.") from error


def given(storage: str) -> str:
    """The address that was typed, or the one in the environment."""
    return storage or os.environ.get(VARIABLE, "")
