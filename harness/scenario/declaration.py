"""How a scenario is declared: the question, its parameters, inputs, strategies and check.

Scenario modules are imported only by hosts, which may be any interpreter with torch; this module
therefore needs nothing beyond the standard library, and describes a scenario as plain data for
the side that plans, analyses and reports.

Functions get values by the names of their arguments. ``inputs`` and ``skip`` receive the
parameters they name (``inputs`` also ``rng``, a seeded NumPy Generator). A strategy receives the
inputs first, then what ``setup`` returned, then the parameters it names. A check receives the
inputs, the result, then parameters, or ``strategy`` and ``group`` of the strategy. Setup and
strategy may also name ``folder``, the Path of a folder on disk that is empty before setup and the
first call, and is removed when the trial ends. In ``inputs``, ``folder`` is for files and is kept
as long as the inputs, which then include a Path.

Every trial applies some parameters by itself: see ``PROCESS_PARAMETERS``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.scenario.named_arguments import (
    FOLDER,
    OF_A_CHECK,
    VARIADIC,
    Named,
    unknown_arguments,
)
from harness.schema.description import (
    LEVELS,
    DeclaredStrategy,
    Direction,
    Parameter,
    Variant,
    Weight,
)
from harness.schema.records import Value
from harness.units import KIB, MIB

Function = TypeVar("Function", bound=Callable[..., Any])
_NOT_GIVEN: Any = None
PAGE_CACHE = "page_cache"
PROCESS_PARAMETERS = {
    "threads": "how many threads torch may use, or 'all'",
    "open_files": "limit on the open files of the trial and its workers (RLIMIT_NOFILE)",
    "sharing_strategy": "how torch shares tensors between processes",
    "passes": "epochs that a process tree is watched for",
    PAGE_CACHE: "cold or warm: whether the inputs' files are in memory before each epoch",
}
"""Parameters that a trial puts into force before its strategy is called."""
GIVEN = ("rng", "folder")
"""What ``inputs`` may name beside parameters."""
LAST = 100
"""The order of scenarios that say nothing about it."""
TINY_BYTES = 4096
"""The size at which every strategy is called once before its first call is timed."""


class DeclarationError(Exception):
    """A scenario is declared in a way that cannot be run."""


SIZES = Parameter(
    16 * MIB,
    quick=(64 * KIB, 2 * MIB, 32 * MIB),
    usual=tuple(4 * KIB * 4**step for step in range(9)),
    full=tuple(4 * KIB * 4**step for step in range(10)),
    axis=True,
    doc="bytes of the data",
)
"""The default size sweep of a scenario: 4 KiB to 256 MiB; in a full sweep, to 1 GiB."""


@dataclass(frozen=True, kw_only=True)
class Strategy(DeclaredStrategy):
    """One way to do it, with its cost model: what is declared, and the functions."""

    function: Callable[..., Any]
    copies: float | Callable[..., float] | None
    setup: Callable[..., Any] | None = None
    skip: Callable[..., str | None] | None = None
    refuses: Callable[..., Iterable[str]] | None = None
    requires: tuple[str, ...] = ()
    mutates: bool = False
    pins: float | Callable[..., float] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every argument of the function and its setup: inputs and parameters alike."""
        own = argument_names(self.function)
        return own if self.setup is None else (*own, *argument_names(self.setup))


class Scenario:
    """One question about moving data, with every way to do it.

    Args:
        name: an identifier, unique among the scenarios of a run.
        question: what the comparison answers, as one sentence.
        baseline: the strategy that all others are compared with.
        parameters: the grid, as Parameter or just a default; ``size``, in bytes, is what
            ``--size`` and the figures expect. By default only ``SIZES``.
        probe: call each strategy once and note what happened, without timing anything.
        epochs: strategies return an iterable of batches; a trial runs it epoch by epoch, and the
            check gets it for one more epoch. A strategy that returns an iterator is called again
            for every epoch.
        weighs: what decides between strategies: the time they take, or the memory of their whole
            process tree.
        watched: watch the memory of the process tree over an epoch even without workers.
        borrows: other scenarios whose strategies this one tries under a limit, to find the
            largest size each survives, with the names of those that a quick sweep includes.
            Such a scenario has no inputs, strategies or check of its own, and each of the others
            is a group.
        transfers: whether strategies move their data ``to`` an accelerator or back ``from`` one.
            They are compared with the best the machine can transfer, and also tried while the
            device computes a kernel.
        on_device: every strategy works on an accelerator; see :meth:`strategy`.
        groups: what choosing among the strategies of a group means to a user, as the beginning of
            a sentence: ``{"share": "if the memory may be shared"}``. Where some are given, every
            strategy belongs to one of them.
        possible: by group of a scenario that borrows, what its strategies make possible up to
            some size, as a clause: ``{"sorting": "an array can be sorted"}``.
        work: what strategies that do not say so themselves do at least; see :meth:`strategy`.
        ranks: strategies are called in each of several processes that torchrun starts, as many as
            the parameter ``ranks`` says, and return the batches of their rank. Inputs are Paths
            and, as the last, one label for each sample. Needs ``epochs``.
        order: the place among other scenarios in lists and reports, the smallest first; those
            of equal order come by name, built-in ones before others.

    Raises:
        DeclarationError: the name or a level of a parameter cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        question: str,
        baseline: str,
        parameters: Mapping[str, Parameter | Value] | None = None,
        probe: bool = False,
        epochs: bool = False,
        weighs: Weight = "time",
        watched: bool = False,
        borrows: Mapping[str, Iterable[str]] | None = None,
        transfers: Direction = "",
        on_device: bool = False,
        groups: Mapping[str, str] | None = None,
        possible: Mapping[str, str] | None = None,
        work: str = "copy",
        ranks: bool = False,
        order: int = LAST,
    ) -> None:
        if not name.isidentifier():
            raise DeclarationError(f"scenario name {name!r} is not an identifier")
        self.name = name
        self.question = question
        self.baseline = baseline
        self.parameters = {
            key: value if isinstance(value, Parameter) else Parameter(value, axis=key == "size")
            for key, value in (parameters or {"size": SIZES}).items()
        }
        self.probe = probe
        self.epochs = epochs
        self.weighs: Weight = weighs
        self.watched = watched
        self.transfers: Direction = transfers
        self.on_device = on_device or bool(transfers)
        self.borrows = {source: tuple(names) for source, names in (borrows or {}).items()}
        self.groups = dict(groups or {})
        self.possible = dict(possible or {})
        self.work = work
        self.ranks = ranks
        self.order = order
        self.strategies: dict[str, Strategy] = {}
        self.variants: list[Variant] = []
        self.make_inputs: Callable[..., Any] | None = None
        self.verify: Callable[..., Any] | None = None
        self.make_step: Callable[..., Any] | None = None
        if ranks and not (epochs and "ranks" in self.parameters):
            raise DeclarationError(f"{name}: ranks=True needs epochs=True and a parameter ranks")
        for key, parameter in self.parameters.items():
            _check_parameter(name, key, parameter)
            for other in parameter.beside:
                if other not in self.parameters:
                    raise DeclarationError(f"{name}: beside= of {key} names no parameter {other!r}")

    def inputs(self, function: Function = _NOT_GIVEN) -> Function:
        """Register the function that makes the inputs, once per run and set of parameter values.

        It returns a NumPy array, a tensor, a Path, a plain value, or a tuple or list of these.
        """
        self._refuse_parentheses("inputs", function)
        wanted = {*argument_names(function)} - {*GIVEN} - self.parameters.keys()
        if wanted:
            raise DeclarationError(
                f"{self.name}: inputs takes {', '.join(sorted(wanted))}, "
                f"which is not a parameter (there are {', '.join((*self.parameters, *GIVEN))})"
            )
        self.make_inputs = function
        return function

    def check(self, function: Function = _NOT_GIVEN) -> Function:
        """Register the function that raises AssertionError when a result is wrong.

        It may return a text, which says what it could not judge; returning False refuses a result.
        """
        self._refuse_parentheses("check", function)
        self.verify = function
        return function

    def step(self, function: Function = _NOT_GIVEN) -> Function:
        """Register the function that makes the training step of an ``epochs`` scenario.

        It receives the parameters it names and returns a function of a batch, which computes on
        it and returns the loss as a float, or None if nothing is learnt.
        """
        self._refuse_parentheses("step", function)
        if not self.epochs:
            raise DeclarationError(f"{self.name}: a training step needs epochs=True")
        self.make_step = function
        return function

    def _refuse_parentheses(self, what: str, function: object) -> None:
        if not callable(function):
            raise DeclarationError(f"{self.name}: write @scenario.{what} without parentheses")

    def strategy(
        self,
        *without_parentheses: Callable[..., Any],
        copies: float | Callable[..., float] | None = None,
        shares_memory: bool | None = None,
        group: str = "",
        setup: Callable[..., Any] | None = None,
        skip: Callable[..., str | None] | None = None,
        refuses: Callable[..., Iterable[str]] | None = None,
        at: Mapping[str, Value] | None = None,
        max_size: int | None = None,
        requires: Iterable[str] = (),
        mutates: bool = False,
        published: str = "",
        not_quick: Iterable[str] = (),
        in_quick: bool = True,
        on_device: bool = False,
        pins: float | Callable[..., float] | None = None,
        crosses: float = 1.0,
        work: str = "",
    ) -> Callable[[Function], Function]:
        """Register a strategy; its docstring is one line for the report.

        Args:
            without_parentheses: the function where they were forgotten, which is refused.
            copies: the cost model: extra memory at the peak of the first call, anonymous and
                shared, as a multiple of the inputs' bytes; or a function of parameters.
            shares_memory: whether the result overlaps the inputs. A result that overlaps
                although declared not to is wrong; one that fails to overlap is a finding.
            group: strategies of the same group have the same effect and may replace each other.
                One of the scenario's ``groups``, if it has any.
            setup: called with the inputs before anything is measured; its result is passed on.
                Files that it writes next to a Path of the inputs are removed with them; if it
                returns a Path, ``page_cache`` applies to that file.
            skip: a function of parameters that returns why these values make no sense, or None.
            refuses: a function of parameters that returns words of the exceptions with which this
                strategy may refuse them: such an error is no failure, and is counted apart.
            at: parameter values this strategy takes instead of the defaults.
            max_size: largest size worth measuring, unless a size is requested.
            requires: packages that must be installed, or the strategy is skipped.
            mutates: changes its inputs, which are then restored before each call.
            published: where the strategy was published, if it is kept unchanged, right or wrong.
            not_quick: parameters that a quick sweep does not vary for this strategy.
            in_quick: whether a quick sweep measures this strategy when it is not named.
            on_device: works on an accelerator, and is skipped without one. Its calls end when
                the device has nothing left to do; the device's memory is measured too.
            pins: the pinned host memory that it requests, including in setup, as a multiple of the
                inputs' bytes, or a function of parameters.
            crosses: in a scenario that ``transfers``, the bytes that go between host and device,
                as a multiple of the inputs' bytes.
            work: what it does at least, in one word. Its ceiling is the fastest that this machine
                does that: ``copy`` the data (a cast if the dtype changes), ``read`` it and keep
                next to nothing, or ``gather`` rows from all over it. What workers, cold files and
                links to an accelerator do at least follows from the parameters.
        """
        for function in without_parentheses:
            raise DeclarationError(
                f"{self.name}: above {function.__name__}, write @scenario.strategy() with its "
                "parentheses"
            )

        def register(function: Function) -> Function:
            name = function.__name__
            if name in self.strategies:
                raise DeclarationError(f"{self.name}: strategy {name} is declared twice")
            if self.groups and group not in self.groups:
                raise DeclarationError(
                    f"{self.name}/{name}: there is no group {group!r} "
                    f"(there are: {', '.join(self.groups)})"
                )
            for key in at or {}:
                if key not in self.parameters:
                    raise DeclarationError(f"{self.name}/{name}: at= names no parameter {key!r}")
            self.strategies[name] = Strategy(
                name=name,
                function=function,
                copies=copies,
                shares_memory=shares_memory,
                group=group,
                setup=setup,
                skip=skip,
                refuses=refuses,
                at=dict(at or {}),
                max_size=max_size,
                requires=tuple(requires),
                mutates=mutates,
                published=published,
                not_quick=tuple(not_quick),
                in_quick=in_quick,
                on_device=on_device or self.on_device,
                pins=pins,
                crosses=crosses,
                work=work or self.work,
            )
            return function

        return register

    def variant(
        self, name: str, *, env: Mapping[str, str], strategies: Iterable[str], doc: str
    ) -> None:
        """Also run some strategies on a host with these environment variables."""
        self.variants.append(Variant(name, dict(env), tuple(strategies), doc))

    def validate(self) -> None:
        """Raise DeclarationError unless the scenario is complete."""
        if self.borrows:
            self._validate_borrowing()
            return
        if self.make_inputs is None:
            raise DeclarationError(f"{self.name}: no @scenario.inputs function")
        if self.verify is None:
            raise DeclarationError(f"{self.name}: no @scenario.check function")
        known = ", ".join(self.strategies) or "none"
        for wanted in (self.baseline, *(s for v in self.variants for s in v.strategies)):
            if wanted not in self.strategies:
                raise DeclarationError(f"{self.name}: no strategy {wanted!r} (there are {known})")

        for problem in unknown_arguments(*self._functions()):
            raise DeclarationError(f"{self.name}: {problem}")

    def _functions(self) -> tuple[list[Named], dict[str, Callable[..., Any]], list[str]]:
        """Those that are given inputs, those that are given parameters, and the parameters."""
        parameters = list(self.parameters)
        given = [*parameters, FOLDER]
        assert self.verify is not None
        found = [Named("its check", self.verify, 1, [*parameters, *OF_A_CHECK])]
        others: dict[str, Callable[..., Any]] = {}
        if self.make_step is not None:
            others["its step"] = self.make_step
        for name, one in self.strategies.items():
            if one.setup is not None:
                found.append(Named(f"the setup of {name}", one.setup, 0, given))
            found.append(Named(f"strategy {name}", one.function, one.setup is not None, given))
            for kind in ("skip", "refuses", "copies", "pins"):
                function = getattr(one, kind)
                if callable(function):
                    others[f"{kind}= of {name}"] = function
        return found, others, parameters

    def _validate_borrowing(self) -> None:
        for name in ("budget_bytes", "limit"):
            if name not in self.parameters:
                raise DeclarationError(f"{self.name}: borrows= needs a parameter {name}")
        if self.strategies or self.make_inputs or self.verify:
            raise DeclarationError(
                f"{self.name}: with borrows=, strategies, inputs and check are those of others"
            )
        for group in (*self.groups, *self.possible):
            if group not in self.borrows:
                raise DeclarationError(
                    f"{self.name}: group {group!r} is no scenario it borrows from "
                    f"(there are: {', '.join(self.borrows)})"
                )


def _check_parameter(scenario: str, name: str, parameter: Parameter) -> None:
    allowed = parameter.choices
    for level in LEVELS:
        for value in parameter.values(level):
            if allowed and value not in allowed:
                raise DeclarationError(
                    f"{scenario}: {name}={value} ({level}) is not among its choices"
                )


def argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's arguments, in order, without ``*args`` and ``**kwargs``."""
    given = inspect.signature(function).parameters.values()
    return tuple(parameter.name for parameter in given if parameter.kind not in VARIADIC)


def _takes(function: Callable[..., Any], kind: object) -> bool:
    return any(one.kind is kind for one in inspect.signature(function).parameters.values())


def call_with(function: Callable[..., Any], available: Mapping[str, Any]) -> Any:
    """Call a function with those of the available values that it names, or all for ``**kwargs``."""
    if _takes(function, inspect.Parameter.VAR_KEYWORD):
        return function(**available)
    return function(**{name: available[name] for name in argument_names(function)})


def arguments(
    function: Callable[..., Any], given: tuple[Any, ...], parameters: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Positional arguments for a strategy, setup or check: what is given, then parameters.

    Raises:
        DeclarationError: the function wants something that is neither.
    """
    names = argument_names(function)
    if len(names) < len(given) and not _takes(function, inspect.Parameter.VAR_POSITIONAL):
        raise DeclarationError(
            f"{function.__name__}({', '.join(names)}) takes fewer than the {len(given)} values "
            "it is given"
        )
    missing = [name for name in names[len(given) :] if name not in parameters]
    if missing:
        raise DeclarationError(
            f"{function.__name__} wants {', '.join(missing)}, which is neither an input nor a "
            f"parameter (there are {', '.join(parameters)})"
        )
    return (*given, *(parameters[name] for name in names[len(given) :]))
