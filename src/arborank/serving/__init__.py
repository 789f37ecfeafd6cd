"""Models over HTTP: `create_app` makes an application of the ASGI protocol, ``arborank serve`` runs it.

Needs the extra ``serve``.
"""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..core.types import FilePath
from .deployment import Deployment, listen
from .settings import Settings, check_name, model_name

if TYPE_CHECKING:
    from ..core.estimator import Estimator
    from .service import Service

_PACKAGES = ("httptools", "msgspec", "prometheus_client", "starlette", "uvicorn", "uvloop")

__all__ = ["Deployment", "Settings", "create_app", "model_name", "run"]


def create_app(models: "Mapping[str, FilePath | Estimator]", settings: Settings | None = None) -> "Service":
    """Return an application that serves models over HTTP.

    It is plain ASGI: any server of that protocol runs it, and another application may mount it. Requests are logged as
    ``"arborank.serving.requests"``, a line of JSON each.

    Parameters
    ----------
    models : mapping from name to directory or model
        Names stand in the addresses, as in ``/v1/models/NAME/rank``. A directory is what ``save`` wrote; what is saved
        there later is served from then on. A fitted model is served as it is.
    settings : Settings, optional

    Returns
    -------
    app : callable of the ASGI protocol

    Raises
    ------
    ImportError
        If the extra ``serve`` is not installed.
    TypeError, ValueError, FileNotFoundError
        If there is no model, a name has other signs than letters, digits, ``.``, ``_`` and ``-``, a model cannot be
        loaded or served, or a file of the settings cannot be read.
    """
    try:
        from .service import Service
    except ModuleNotFoundError as error:
        _name_extra(error)
        raise
    settings = Settings() if settings is None else settings
    log = logging.getLogger("arborank.serving.requests")
    return Service(
        models, settings, (lambda line: log.info(line.decode())) if settings.log_requests else None
    )


def run(
    models: Mapping[str, FilePath],
    settings: Settings,
    deployment: Deployment,
    started: Callable[[str], object] = lambda url: None,
) -> None:
    """Serve saved models until a signal ends the process.

    SIGTERM ends it without a request lost, see `Deployment`; SIGHUP loads models again whose directories hold others.

    Parameters
    ----------
    models : mapping from name to directory
    settings : Settings
    deployment : Deployment
    started : callable, optional
        Called with the address once requests are answered.

    Raises
    ------
    ImportError, TypeError, ValueError, FileNotFoundError
        As `create_app`, and if other machines reach the address but there are no keys.
    OSError
        If the address is taken.
    """
    deployment.check_access(settings)
    for name in models:
        check_name(name)
    try:
        from .process import run_process
        from .workers import run_workers
    except ModuleNotFoundError as error:
        _name_extra(error)
        raise
    with listen(deployment) as listener:
        url = deployment.url(listener)
        serve = run_process if deployment.workers == 1 else run_workers
        serve(models, settings, deployment, listener, lambda: started(url))


def _name_extra(error: ModuleNotFoundError) -> None:
    """Say what to install if a package is missing that serving needs."""
    if (error.name or "").partition(".")[0] in _PACKAGES:
        raise ImportError(f"serving needs the package {error.name}: pip install 'arborank[serve]'") from error
