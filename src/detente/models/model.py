"""What a model is.

A model turns the tables of a base year into shares (``base``), a policy into what its equations
stream over (``kernel``), unknowns into a point (``evaluate``), and a point into the errors of its
equations (``residual``), zero in equilibrium. It knows the derivative of these errors
(``tangent``), its transpose (``cotangent``, ``pull_back``), what policy does to them
(``policy_gradient``), what a government of its world maximises (``log_welfare``), and when no
equilibrium can exist (``impossible``). It says what it can do (``abilities``). The solver, the
gradients, the games and the pages ask it, and know no model by name.

Models see bare arrays only: ``J`` sectors, ``N`` countries, shapes as in
:mod:`detente.models.blocks`. All are frozen dataclasses whose fields are their parameters.
To add one: its own file or folder, and a line in :mod:`detente.models.registry`.

Bases, kernels and points are NamedTuples of each model's own, with these fields at least.
A base: ``alpha`` (J, N) final-demand shares, ``theta`` (J,), base ``tariff`` (J, N, N),
``value_added`` (N,), ``spending`` (J, N), ``deficit`` (N,). A kernel: ``linked`` (N, N), true where
the importer still buys from the exporter, and the policy's ``transfer`` (N,). A point, in logs
over the world table's: ``log_w`` (N,) wages, ``log_c`` (J, N) sellers' prices before taxes,
``log_P_new`` (J, N) buyers' prices; in USD million: ``X`` (J, N) spending at buyers' prices, ``Y``
(J, N) sales at sellers' prices, and (N,) ``value_added`` (what labour, and firms where they have
profits, earn), ``tariff_revenue``, ``export_revenue``, ``deficit`` (the closure's), ``income``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from detente.models.bars import Bars, Columns, PolicyGradient
from detente.models.blocks import Array, Instruments
from detente.models.closure import Closure

__all__ = [
    "Abilities",
    "Impossible",
    "Model",
    "Problem",
    "Redrawn",
    "Slopes",
    "Steps",
    "Tables",
    "Target",
]


class Tables(NamedTuple):
    """A world's tables as bare arrays; units of :mod:`detente.variables`.

    ``trade``, ``tariff`` (J, N, N); ``inputs`` (K, J, N); ``value_added``, ``final`` (J, N);
    ``deficit`` (N,); ``theta`` (J,). ``sigma`` (J,) and ``profits`` (J, N) are None in a world
    without markups. ``exact`` is false where published columns do not add up.
    """

    trade: Array
    tariff: Array
    inputs: Array
    value_added: Array
    final: Array
    deficit: Array
    theta: Array
    sigma: Array | None
    profits: Array | None
    exact: bool


class Abilities(NamedTuple):
    """What a model supports, by name; everything else is refused with the models that do.

    ``instruments`` : of :data:`detente.instruments.INSTRUMENTS`; quotas work in any model that has
    tariffs and transfers
    ``closures`` : of fixed, zero, share
    ``variables`` : outcome variables of :mod:`detente.variables` beside the common ones
    ``tasks`` : of "gradient", "games", "political weights", "audit", "first order", "cards"; with
    "audit" goes a row of ``CHECKS`` in ``outcome/audit.py``, with "cards"
    :meth:`Redrawn.with_elasticities`
    """

    instruments: tuple[str, ...]
    closures: tuple[str, ...]
    variables: tuple[str, ...]
    tasks: tuple[str, ...]


class Problem(NamedTuple):
    """One set of equations: a base economy, what is levied, its kernel, and the deficit closure."""

    base: Any
    policy: Instruments
    kernel: Any
    closure: Closure


class Impossible(NamedTuple):
    """Why no equilibrium can exist: ``reason`` is "no seller", "no sales" or "no balance".

    ``cells`` are (sector, country) positions of markets nobody can serve, ``countries`` positions;
    ``way`` is how the countries are cut off ("sell", "buy", "neither").
    """

    reason: str
    countries: tuple[int, ...]
    cells: tuple[tuple[int, int], ...] = ()
    way: str = ""


class Target(NamedTuple):
    """Whose welfare: the position of a country, and the political weights (J,) of its sectors,
    mean one, or None."""

    country: int
    weights: Array | None = None


class Steps(Protocol):
    """A step direction: roughly minus the inverse Jacobian at the base, and its transpose."""

    def direction(self, r: Array) -> Array:
        """The step that a residual asks for."""
        ...

    def transposed(self, r: Array) -> Array:
        """The transpose of :meth:`direction`."""
        ...


class Slopes(Protocol):
    """Solved adjoints of R objectives at one point; ask it for derivatives.

    ``unknowns`` (Z, R) is the solution, a good start at a nearby point; ``error`` its largest
    relative error.
    """

    @property
    def problem(self) -> Problem:
        """The equations."""
        ...

    @property
    def unknowns(self) -> Array:
        """(Z, R)."""
        ...

    @property
    def error(self) -> float:
        """Of the worst column."""
        ...

    def tariff(self, column: int, importer: int) -> Array:
        """Derivative in log(1 + t) of the importer's tariffs, (J, N) = sector, exporter."""
        ...

    def export_tax(self, column: int, exporter: int) -> Array:
        """Derivative in log(1 + e) of the exporter's taxes, (J, N) = sector, importer."""
        ...


@runtime_checkable
class Redrawn(Protocol):
    """What a model that can do "cards" has besides: its base under drawn elasticities."""

    def with_elasticities(self, base: Any, theta: Array) -> Any:
        """The same base under other trade elasticities (J,), all above zero."""
        ...


class Model(ABC):
    """A model with its parameters; see the module for what the methods mean."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    abilities: ClassVar[Abilities]
    by_country: ClassVar[tuple[str, ...]] = ()
    """Parameters that may be given one a country; outside the models also as a mapping."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        tasks = cls.abilities.tasks if hasattr(cls, "abilities") else ()
        if "cards" in tasks and not hasattr(cls, "with_elasticities"):
            raise TypeError(
                f'{cls.__name__}: abilities name the task "cards", so it needs the method '
                "with_elasticities (Redrawn); write it, or leave the task out"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters by name, for provenance and caches."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore[reportArgumentType]

    @property
    def named(self) -> dict[str, Any]:
        """The name, and the parameters where there are any, as provenance says them."""
        settings = self.settings
        return {"model": self.name, **({"model_settings": settings} if settings else {})}

    # --- what is solved ---------------------------------------------------------------------
    @abstractmethod
    def base(self, tables: Tables) -> Any:
        """The base economy in shares and levels.

        Raises
        ------
        InputError
            The tables do not suit the model (several sectors, inputs, no ``sigma``).
        """

    @abstractmethod
    def size(self, base: Any) -> int:
        """How many unknowns there are. All are zero at the base, most are logs over it, and the
        first N are log wages."""

    @abstractmethod
    def own_income(self, tables: Tables, base: Any) -> Array:
        """Base income before the deficit and transfers (N,)."""

    @abstractmethod
    def kernel(self, base: Any, policy: Instruments) -> Any:
        """What the policy makes of the base."""

    def in_use(self, base: Any, kernel: Any) -> Any:
        """The base without what the policy leaves idle; the base itself by default."""
        return base

    def impossible(self, problem: Problem) -> Impossible | None:
        """Why no equilibrium can exist, or None."""
        return None

    @abstractmethod
    def evaluate(self, z: Array, problem: Problem) -> Any:
        """Go once through the equations at ``z``."""

    @abstractmethod
    def residual(self, p: Any, problem: Problem) -> Array:
        """Errors of the equations in logs, one for each unknown."""

    @abstractmethod
    def steps(self, base: Any) -> Any:
        """The step direction at the base."""

    def steps_at(self, p: Any, problem: Problem) -> Any:
        """The step direction at a point far from the base; that of the base by default."""
        return self.steps(problem.base)

    # --- derivatives ------------------------------------------------------------------------
    @abstractmethod
    def tangent(self, v: Array, p: Any, problem: Problem) -> Array:
        """Derivative of :meth:`residual` along ``v``."""

    @abstractmethod
    def cotangent(self, y: Array, p: Any, problem: Problem) -> Array:
        """Transpose of :meth:`tangent`."""

    @abstractmethod
    def pull_back(self, bars: Bars, p: Any, problem: Problem) -> Array:
        """Weights on a point's contents to weights on the unknowns."""

    @abstractmethod
    def policy_gradient(self, bars: Bars, y: Array, p: Any, problem: Problem) -> PolicyGradient:
        """Derivative of an objective less ``y`` times the equations in the instruments, unknowns
        held; zero where a flow is zero or banned."""

    @abstractmethod
    def adjoints(
        self, columns: Columns, p: Any, problem: Problem, steps: Any, start: Array | None
    ) -> Slopes:
        """Solve ``cotangent(y) = pull_back(columns)`` for many objectives side by side.

        Raises
        ------
        ConvergenceError
            A system stopped short: the equilibrium is close to singular.
        """

    # --- welfare ----------------------------------------------------------------------------
    @abstractmethod
    def log_welfare(self, who: Target, before: Any, after: Any, base: Any) -> float:
        """Log change of what a government maximises between two points of one world."""

    @abstractmethod
    def welfare_columns(self, who: Sequence[Target], p: Any, base: Any) -> Columns:
        """Partial derivatives of each :meth:`log_welfare` in what the point holds."""

    @abstractmethod
    def sector_income(self, p: Any, base: Any) -> Array:
        """What is earned in each sector (J, N), USD million: its labour's and firms' income and
        its part of revenue and transfers. Sums to :attr:`Point.income`."""

    # --- reading a point --------------------------------------------------------------------
    @abstractmethod
    def flows(self, p: Any, kernel: Any) -> Array:
        """Sales at border prices, export tax in, tariff out (J, N, N); USD million."""

    @abstractmethod
    def shares(self, p: Any, kernel: Any) -> Array:
        """Shares of buyers' spending (J, N, N); over exporters they sum to one."""

    def bought_by(self, importer: int, p: Any, kernel: Any) -> tuple[Array, Array]:
        """Flows and shares of one importer (J, N) = sector, exporter."""
        return self.flows(p, kernel)[:, importer, :], self.shares(p, kernel)[:, importer, :]

    def sold_by(self, exporter: int, p: Any, kernel: Any) -> tuple[Array, Array]:
        """Flows and shares of one exporter (J, N) = sector, importer."""
        return self.flows(p, kernel)[:, :, exporter], self.shares(p, kernel)[:, :, exporter]

    def price_logs(self, p: Any, problem: Problem) -> Array:
        """Log buyers' prices (J, N); NaN where nobody can sell."""
        return p.log_P_new

    def cost_logs(self, p: Any, problem: Problem) -> Array:
        """Log sellers' prices (J, N); NaN where nothing can be made."""
        return p.log_c

    def trade_deficit(self, p: Any, kernel: Any) -> Array:
        """Imports less exports at border prices (N,): the closure's deficit and the transfers
        received, unless labour earns across borders."""
        return p.deficit + kernel.transfer

    def trade_deficit_bars(self, country: int, p: Any) -> Bars:
        """Partial derivatives of one country's :meth:`trade_deficit` in what the point holds."""
        here = np.zeros_like(p.deficit)
        here[country] = 1.0
        return Bars(deficit=here, transfer=here)

    def extra(self, p: Any, problem: Problem) -> dict[str, Array]:
        """Levels of the model's own variables (``abilities.variables``), by name."""
        return {}

    @abstractmethod
    def checks(self, p: Any, problem: Problem) -> dict[str, float]:
        """Largest relative errors of market clearing, Walras' law and shares."""
