"""What is sent and returned, as JSON: each a type that reads itself, refuses unknown fields and describes itself."""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from ..core.checks import Missing

__all__ = [
    "AddBody",
    "ChangeAnswer",
    "CompleteAnswer",
    "CompleteBody",
    "CompleteQuery",
    "Completion",
    "ExplainAnswer",
    "ExplainBody",
    "FeedbackBody",
    "Label",
    "LabelsAnswer",
    "LabelsQuery",
    "Likeness",
    "ModelAnswer",
    "ModelsAnswer",
    "NewLabel",
    "NoQuery",
    "Partial",
    "RankAnswer",
    "RankBody",
    "RankQuery",
    "Recent",
    "RemoveQuery",
    "RewardsBody",
    "Row",
    "Scored",
    "Sent",
    "StatusAnswer",
    "Step",
    "Term",
    "Way",
]

Label: TypeAlias = str | int  # a name; the number of a label in a model of matrices
Count: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Share: TypeAlias = Annotated[float, Meta(ge=-1e30, le=1e30)]
Weight: TypeAlias = Annotated[float, Meta(ge=0, le=1e18)]


class Row(Struct, forbid_unknown_fields=True):
    """A sparse row: columns, and their values."""

    indices: list[Annotated[int, Meta(ge=0, le=2**31 - 1)]]
    values: list[Share]


class RankBody(Struct, forbid_unknown_fields=True):
    """One text or several; rows for a model of matrices. Answers come in the same order."""

    text: str | None = None
    texts: list[str] | None = None
    row: Row | None = None
    rows: list[Row] | None = None
    k: Count = 10
    threshold: Share | None = None  # the least score of a label that is returned
    probabilities: bool = False  # of a calibrated model, instead of scores
    beam_size: Count | None = None
    candidates: list[Label] | None = None
    exclude: list[Label] | None = None
    label_weights: dict[str, Weight] | None = None
    explain: bool = False  # the ways to each label, of a single text
    explore: bool = False  # show other labels now and then, of a single text, and keep how probable that was


class RankQuery(Struct, forbid_unknown_fields=True):
    """A text to rank the labels of."""

    q: str
    k: Count = 10
    threshold: Share | None = None
    probabilities: bool = False
    beam_size: Count | None = None


class Term(Struct):
    """A feature, and what it adds to the margin."""

    term: str | int
    adds: float


class Step(Struct):
    """One ranker on the way to a label."""

    node: int
    margin: float
    score: float
    bias: float
    terms: list[Term]


class Likeness(Struct):
    """How alike the text and the label's centroid are, in a model that ranks short lists again."""

    similarity: float
    share: float
    terms: list[Term]


class Way(Struct, omit_defaults=True):
    """A way from the root to the label."""

    leaf: int
    score: float
    steps: list[Step]
    centroid: Likeness | None = None


class Scored(Struct, omit_defaults=True, gc=False):
    """A label with its score; the ways to it, or the probability that it is shown, if that was asked for."""

    label: Label
    score: float
    ways: list[Way] | None = None
    propensity: float | None = None


class Partial(list[Scored]):
    """The best labels of those parts of a model that have answered."""


class RankAnswer(Struct, omit_defaults=True):
    """The labels of one text, or in ``results`` those of several; best first. Partial if a part was missing."""

    model: str
    revision: str
    took_us: int
    labels: list[Scored] | None = None
    results: list[list[Scored]] | None = None
    decision: str | None = None  # what rewards refer to, if labels were explored
    partial: bool = False  # some of the machines that serve parts of the model had no answer


class CompleteBody(Struct, forbid_unknown_fields=True):
    """A prefix, the queries sent before it, the oldest first, and what this user sent ever before: query and time."""

    prefix: str
    previous: list[str] = []
    history: list[tuple[str, float]] = []  # seconds since 1970, as now
    now: float | None = None
    k: Count = 10
    tolerant: bool = False  # forgive typos where too few queries begin with the prefix
    beam_size: Count | None = None
    candidates: list[str] | None = None  # the only queries to complete
    exclude: list[str] = []
    weights: dict[str, Weight] | None = None  # by which scores of queries are multiplied


class CompleteQuery(Struct, forbid_unknown_fields=True):
    """As the body, without a history, which belongs into no address; what is a list may be repeated."""

    prefix: str = ""
    previous: list[str] = []
    k: Count = 10
    tolerant: bool = False
    candidates: list[str] | None = None
    exclude: list[str] = []


class Completion(Struct, gc=False):
    """A query with its score."""

    query: str
    score: float


class CompleteAnswer(Struct):
    """The likeliest queries, best first."""

    model: str
    revision: str
    took_us: int
    completions: list[Completion]


class ExplainBody(Struct, forbid_unknown_fields=True):
    """A text (a row for a model of matrices) and a label."""

    label: Label
    text: str | None = None
    row: Row | None = None
    n_features: Annotated[int, Meta(ge=1, le=1000)] = 8


class ExplainAnswer(Struct):
    """Every way to the label, the best first."""

    model: str
    revision: str
    label: Label
    ways: list[Way]


class ModelAnswer(Struct):
    """What is known of a model."""

    name: str
    kind: str  # "texts", "rows" or "completions"
    revision: str
    model: str  # its class
    n_labels: int
    n_features: int | None  # of rows, or those made of texts
    n_bytes: int
    loaded: float  # seconds since 1970
    writable: bool
    records: list[dict[str, Any]]  # evaluations and changes


class ModelsAnswer(Struct):
    """The models, and whether there is a day to replay."""

    models: list[ModelAnswer]
    day: bool = False


class NoQuery(Struct, forbid_unknown_fields=True):
    """Nothing."""


class LabelsQuery(Struct, forbid_unknown_fields=True):
    """Which labels to list."""

    prefix: str = ""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100


class LabelsAnswer(Struct):
    """Labels that begin with the prefix, and how many the model has in all."""

    model: str
    revision: str
    n_labels: int
    labels: list[Label]


class NewLabel(Struct, forbid_unknown_fields=True):
    """A label to add: its name, with texts that have it or are about it; its number and rows in a model of matrices."""

    label: Label
    texts: list[str] = []
    about: list[str] = []
    rows: list[Row] = []


class Recent(Struct, forbid_unknown_fields=True):
    """A text with its labels; a row in a model of matrices."""

    text: str | None = None
    row: Row | None = None
    labels: list[Label] = []


class Sent(Struct, forbid_unknown_fields=True):
    """A query that was sent: in which session, when (seconds since 1970), and by whom if that is known."""

    session: str
    time: float
    query: str
    user: str | None = None


class AddBody(Struct, forbid_unknown_fields=True):
    """New labels and recent texts that they are told apart from, by default the service's; a log for a completer."""

    labels: list[NewLabel] = []
    recent: list[Recent] | None = None
    log: list[Sent] = []


class RemoveQuery(Struct, forbid_unknown_fields=True):
    """Labels to remove; ``label`` may be repeated."""

    label: list[str]
    missing: Missing = "error"


class ChangeAnswer(Struct):
    """The model as it is now."""

    model: str
    revision: str
    n_labels: int


class FeedbackBody(Struct, forbid_unknown_fields=True):
    """What happened to an answer."""

    request_id: Annotated[str, Meta(min_length=1, max_length=128)]
    label: Label
    outcome: Annotated[str, Meta(min_length=1, max_length=100)]  # such as "chosen" or "wrong"


class RewardsBody(Struct, forbid_unknown_fields=True):
    """What came of a ranking that explored: rewards from 0 to 1; labels that are not named had none."""

    decision: Annotated[str, Meta(min_length=1, max_length=128)]
    rewards: dict[str, Annotated[float, Meta(ge=0, le=1)]]


class StatusAnswer(Struct):
    """How the service is."""

    status: str
