"""What every estimator here is: parameters, their printed form, and what scikit-learn asks of an estimator.

scikit-learn takes these for its own: `sklearn.base.clone`, pipelines, searches and checks go by the methods, not by the
class. Its ``BaseEstimator`` would cost a processor second at import, with all of ``scipy.stats``, where a model is
only opened and asked. So it is imported when its tools call.
"""

import copy
import sys
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from .state import AT_WORK
from .types import Json

if TYPE_CHECKING:
    from sklearn.utils.metadata_routing import MetadataRequest

__all__ = [
    "Estimator",
    "check_fitted",
    "clone",
    "fitted_clone",
    "method_beside_parameter",
    "method_where",
    "pass_on",
    "set_at_work",
    "stages_of",
]

E = TypeVar("E")
F = TypeVar("F", bound=Callable[..., Any])

_LINE, _VALUE = 80, 400  # characters of a line, and of the value of a parameter, that are printed


class Estimator:
    """Base of all estimators: the arguments of ``__init__`` are the parameters, kept under their names."""

    _at_use: ClassVar[tuple[str, ...]] = AT_WORK  # parameters that count after `fit`, too

    def _fitted_stages(self) -> Mapping[str, Any]:
        """Return the fitted estimators that do the work of this one, by the parameters that they were made from.

        What ranks is last; there are none before `fit`.
        """
        return {}

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the names of the parameters, in alphabetical order, with their default values."""
        if cls.__init__ is object.__init__:
            return {}
        given = list(signature(cls.__init__).parameters.values())[1:]
        return {one.name: one.default for one in sorted(given, key=lambda one: one.name)}

    def get_params(self, deep: bool = True) -> Json:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            With those of the estimators among them, as ``name__theirs``; of one that is None, with those of the
            estimator that it stands for.
        """
        params: dict[str, Any] = {}
        for name in self._defaults():
            value = self._parameter(name)
            inner = self._meant_by_none(name) if deep and value is None else value
            if deep and hasattr(inner, "get_params") and not isinstance(inner, type):
                params.update({f"{name}__{theirs}": held for theirs, held in inner.get_params().items()})
            params[name] = value
        return params

    def set_params(self, **params: object) -> Self:
        """Set parameters by name; ``name__theirs`` is that of an estimator which is a parameter itself.

        Those that count when a fitted model is used, such as ``n_jobs`` and ``model__beam_size``, reach what was fitted
        at once. The others count from the next `fit` on. An estimator that is None becomes the one that it
        stands for, with this parameter.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        known = self._defaults()
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            outer, _, theirs = name.partition("__")
            if outer not in known:
                raise ValueError(
                    f"Invalid parameter {outer!r} for estimator {self}. Valid parameters are: {list(known)}."
                )
            if theirs:
                nested.setdefault(outer, {})[theirs] = value
            else:
                setattr(self, outer, value)
        for name, values in nested.items():
            inner = self._parameter(name)
            if inner is None:
                inner = self._meant_by_none(name)
                setattr(self, name, inner)
            if not hasattr(inner, "set_params"):
                wrong = f"{name}__{min(values)}"
                raise ValueError(
                    f"Invalid parameter {wrong!r} for estimator {self}: {name} is {inner!r}, which has none."
                )
            inner.set_params(**values)
            fitted = stages_of(self).get(name, inner)
            if isinstance(fitted, Estimator) and fitted is not inner:
                fitted.set_params(
                    **{theirs: value for theirs, value in values.items() if theirs in fitted._at_use}
                )
        at_work = {name: value for name, value in params.items() if name in AT_WORK}
        for stage in stages_of(self).values() if at_work else ():
            set_at_work(stage, **at_work)
        return self

    def __repr__(self) -> str:
        sklearn = sys.modules.get("sklearn")
        every = sklearn is not None and not sklearn.get_config()["print_changed_only"]
        texts = {name: repr(self._parameter(name)) for name in self._defaults()}
        shown = [
            f"{name}={_cut(texts[name])}"
            for name, default in self._defaults().items()
            if every or texts[name] != repr(default)
        ]
        name = type(self).__name__
        line = f"{name}({', '.join(shown)})"
        if len(line) <= _LINE:
            return line
        margin = "\n" + " " * (len(name) + 1)
        lines = f",{margin}".join(one.replace("\n", margin) for one in shown)
        return f"{name}({lines})"

    def _meant_by_none(self, name: str) -> Any:
        """Return the estimator, not fitted, that a parameter of None stands for; None where it stands for none."""
        return None

    def _parameter(self, name: str) -> Any:
        """Return a parameter, which a method may have the name of."""
        return vars(self)[name] if name in vars(self) else getattr(self, name)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    # ------------------------------------------------------------------ scikit-learn

    def __sklearn_clone__(self) -> Self:
        """Return an estimator with copies of the parameters, not fitted."""
        params = {name: _copied(value) for name, value in self.get_params(deep=False).items()}
        twin = type(self)(**params)
        if "_metadata_request" in self.__dict__:
            twin.__dict__["_metadata_request"] = copy.deepcopy(self.__dict__["_metadata_request"])
        return twin

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, Tags, TargetTags

        tags = Tags(estimator_type=None, target_tags=TargetTags(required=False))
        if self._is_classifier():
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def _is_classifier(self) -> bool:
        """Whether every row gets one class, so that this is what scikit-learn calls a classifier."""
        return False

    def _repr_html_(self) -> str:
        from sklearn.utils import estimator_html_repr

        return cast(str, estimator_html_repr(self))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Return what a notebook shows."""
        from sklearn import get_config

        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_()
        return bundle

    def get_metadata_routing(self) -> "MetadataRequest":
        """Return which further arguments of `fit` a pipeline or a search passes on, for scikit-learn's routing."""
        from sklearn.utils.metadata_routing import MetadataRequest

        if "_metadata_request" not in self.__dict__:
            request = MetadataRequest(owner=type(self).__name__)
            for name in self._further_arguments():
                request.fit.add_request(param=name, alias=None)
            return request
        return copy.deepcopy(self.__dict__["_metadata_request"])

    def set_fit_request(self, **requests: bool | str | None) -> Self:
        """Ask pipelines and searches of scikit-learn to pass further arguments of `fit` on, such as ``relevance``.

        It counts when ``sklearn.set_config(enable_metadata_routing=True)`` is set.

        Parameters
        ----------
        **requests : True, False, None or str
            By argument: pass it on; do not; raise an error when it is given; or pass on the argument of another name.

        Raises
        ------
        TypeError
            If `fit` has no such keyword.
        """
        known = self._further_arguments()
        request = self.get_metadata_routing()
        for name, alias in requests.items():
            if name not in known:
                raise TypeError(f"fit of {type(self).__name__} has no keyword {name!r}; it has {known}")
            request.fit.add_request(param=name, alias=alias)
        self.__dict__["_metadata_request"] = request
        return self

    def _further_arguments(self) -> list[str]:
        given = signature(self.fit).parameters.values() if hasattr(self, "fit") else ()
        return [one.name for one in given if one.kind is Parameter.KEYWORD_ONLY]


def method_beside_parameter(method: F) -> F:
    """Decorate a method of an estimator whose name is also a parameter's, such as ``calibrate``.

    The attribute is the method; the parameter is in ``get_params()`` and, set by ``__init__``, in ``vars(estimator)``.
    """
    return cast(F, _BesideParameter(method))


class _BesideParameter:
    """A method that an entry of the same name in ``vars(estimator)`` does not hide."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method, self.__doc__ = method, method.__doc__

    def __get__(self, estimator: object, kind: type | None = None) -> Callable[..., Any]:
        return self.method if estimator is None else MethodType(self.method, estimator)

    def __set__(self, estimator: object, value: object) -> None:
        vars(estimator)[self.method.__name__] = value


def method_where(condition: Callable[..., bool], hint: str) -> Callable[[F], F]:
    """Decorate a method that an estimator has only where a condition holds, as scikit-learn's ``available_if`` does.

    Otherwise the attribute is missing: scikit-learn asks with ``hasattr`` what an estimator can do. ``hint`` tells what
    to do about it.
    """

    def decorate(method: F) -> F:
        return cast(F, _WhereCondition(method, condition, hint))

    return decorate


class _WhereCondition:
    def __init__(self, method: Callable[..., Any], condition: Callable[..., bool], hint: str) -> None:
        self.method, self.condition, self.hint, self.__doc__ = method, condition, hint, method.__doc__

    def __get__(self, estimator: object, kind: type | None = None) -> Callable[..., Any]:
        if estimator is None:
            return self.method
        if not self.condition(estimator):
            raise AttributeError(
                f"this {type(estimator).__name__} has no {self.method.__name__}: {self.hint}"
            )
        return MethodType(self.method, estimator)


def clone(estimator: E) -> E:
    """Return an estimator with the same parameters, not fitted: `sklearn.base.clone`, imported for others only."""
    if isinstance(estimator, Estimator):
        return estimator.__sklearn_clone__()
    from sklearn.base import clone as of_others

    twin: E = of_others(estimator)
    return twin


def fitted_clone(estimator: E, **changed: object) -> E:
    """Return a copy of a fitted estimator in which some attributes are replaced; the others are shared.

    This is how an update makes a new model and leaves the old one as it is.
    """
    twin = copy.copy(estimator)
    for name, value in changed.items():
        setattr(twin, name, value)
    return twin


def pass_on(stage: Any, **params: object) -> None:
    """Set those parameters of an estimator that it has and that are given: not None."""
    known = stage.get_params(deep=False)
    stage.set_params(**{name: value for name, value in params.items() if name in known and value is not None})


def stages_of(model: object) -> Mapping[str, object]:
    """Return the fitted stages of an estimator by name, what ranks last; none of one that has no stages."""
    return model._fitted_stages() if isinstance(model, Estimator) else {}


def set_at_work(model: E, **params: object) -> E:
    """Set ``n_jobs`` or ``verbose``, where they are not None, of a fitted estimator and all its stages; return it."""
    for stage in stages_of(model).values():
        set_at_work(stage, **params)
    known = model.get_params(deep=False) if isinstance(model, Estimator) else {}
    for name, value in params.items():
        if name in known and value is not None:
            setattr(model, name, value)
    return model


def _copied(value: Any) -> Any:
    """Copy a parameter; estimators in it are not fitted in the copy."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return clone(value)
    if callable(value):
        return value  # which what knows it by its identity would not know again
    if type(value) is dict:
        return {key: _copied(held) for key, held in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copied(held) for held in value)
    return copy.deepcopy(value)


def check_fitted(estimator: object, attribute: str) -> None:
    """Raise the ``NotFittedError`` of scikit-learn unless an estimator has an attribute that its ``fit`` sets."""
    if not hasattr(estimator, attribute):
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
            "using this estimator."
        )


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE else f"{text[: _VALUE // 2]}...{text[-_VALUE // 2 :]}"
