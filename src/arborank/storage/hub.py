"""Saved models on the Hugging Face Hub: by the mixin of huggingface_hub, with what the Hub reads of a card."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.state import Savable
from ..core.types import Json
from .records import Record
from .store import read_records, save

if TYPE_CHECKING:
    from huggingface_hub import ModelHubMixin

__all__ = ["push"]

_TAGS = ["extreme-multi-label-classification", "ranking"]
_TASK = "text-classification"


def push(model: Savable, repo: str, *, save_options: Json, **options: object) -> str:
    """Save a model into a repository of the Hub, and return the address of the commit; see `SaveMixin.push_to_hub`."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError:
        raise ImportError("models of the Hub need huggingface_hub: pip install 'arborank[hub]'") from None
    if not isinstance(repo, str) or not re.fullmatch(r"([\w.-]+/)?[\w.-]+", repo):
        raise ValueError(f"repo must be 'owner/name', found {repo!r}")
    return str(_on_hub(model, repo, save_options).push_to_hub(repo, **options))


def _on_hub(model: Savable, repo: str, save_options: Json) -> "ModelHubMixin":
    """Return a model as huggingface_hub takes it."""
    from huggingface_hub import ModelHubMixin

    class OnHub(ModelHubMixin):
        def _save_pretrained(self, save_directory: Path) -> None:
            save(model, save_directory, **save_options)
            _write_metadata(save_directory, repo)

    return OnHub()


def _write_metadata(directory: Path, repo: str) -> None:
    """Complete what the Hub reads of a card; what people wrote there stays."""
    from huggingface_hub import ModelCard

    path = directory / "README.md"
    card = ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=True)
    data = card.data
    data.library_name = "arborank"
    data.pipeline_tag = data.pipeline_tag or _TASK
    data.tags = list(dict.fromkeys([*(data.tags or ()), *_TAGS]))
    results = list(_results(read_records(directory)))
    if results:
        data.model_name, data.eval_results = repo.rpartition("/")[2], results
    path.write_text(str(card), encoding="utf-8")


def _results(records: Iterable[Record]) -> Iterable[Any]:
    """Return what evaluations found, as the Hub's evaluation block has it."""
    from huggingface_hub import EvalResult

    for record in records:
        if record.title != "Evaluation" or record.before:
            continue
        data = record.data or "held-out data"
        for metric, cuts in record.tables.get("metric", {}).items():
            for cut, value in cuts.items():
                yield EvalResult(
                    task_type=_TASK,
                    task_name="Extreme multi-label ranking",
                    dataset_type=re.sub(r"\W+", "-", data).strip("-").lower(),
                    dataset_name=data,
                    metric_type=metric,
                    metric_name=f"{metric}{cut}",
                    metric_value=value,
                )
