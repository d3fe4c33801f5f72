"""Who speaks in a refusal, and which rows a table has."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError, UnknownNameError
from detente.outcome.objective import OBJECTIVES, parse
from detente.outcome.tables import diversion_table, redirection_table
from worlds import build


@pytest.fixture(scope="module")
def hours() -> dt.Outcome:
    """A model that has no export taxes, no first-order terms and no profits."""
    world = build(np.array([[[60.0, 20.0], [20.0, 60.0]]]), theta=4.0)
    return dt.simulate(world, dt.Policy(world, tariff=0.1), model="labour-supply")


def test_a_refusal_begins_with_the_verb(hours):
    world = hours.world
    tax = dt.Policy(world, export_tax=0.1 * (1 - np.eye(2))[None])
    for verb, call in (
        ("gradient", lambda: dt.gradient(hours, "real_income[c00]", "export_tax")),
        ("outcome", lambda: hours.own("profits")),
        ("first_order", lambda: hours.first_order_detail),
        ("simulate: the policy", lambda: dt.simulate(world, tax, model="labour-supply")),
        ("simulate: the baseline",
         lambda: dt.simulate(world, baseline=tax, model="labour-supply")),
    ):  # fmt: skip
        with pytest.raises(InputError, match=rf"^{verb}: the model labour-supply does not support"):
            call()
    with pytest.raises(UnknownNameError, match=r"^simulate: .*'newton'.*newton-krylov"):
        dt.simulate(world, method="newton")
    with pytest.raises(UnknownNameError, match=r"^simulate: .*'none'"):
        dt.simulate(world, deficit="none")


def test_without_first_order_terms_all_is_missing(hours):
    first = hours.first_order
    assert first.attrs["missing"] == "c00, c01"
    assert first.attrs["reason"] == "the model labour-supply has no first-order terms"
    assert set(first) == {"terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
                          "transfer_received", "welfare"}  # fmt: skip
    for name in first:
        assert np.isnan(first[name]).all()


def test_every_form_of_a_name_is_offered(hours):
    for name, row in OBJECTIVES.items():
        forms = " or ".join(f"{name}[{', '.join(f)}]" for f in row.labels)
        for asked in (name, f"{name}[]", f"{name}[a,b,c,d]"):
            with pytest.raises(UnknownNameError) as caught:
                parse(hours.world, asked)
            assert str(caught.value) == f"of: {asked!r} is not complete; write {forms}, with labels"
    assert len(OBJECTIVES["exports"].labels) == 2
    with pytest.raises(UnknownNameError, match=r"^here: 'all' stands for 2 labels; name one"):
        parse(hours.world, "wage[all]", "here")


def test_only_who_lost_sales_is_asked_where_they_went():
    """Four countries; the first taxes the second, the fourth sells it nothing at all."""
    trade = np.array([[[50.0, 20.0, 10.0, 0.0], [10.0, 50.0, 5.0, 5.0], [5.0, 5.0, 40.0, 5.0],
                       [5.0, 5.0, 5.0, 30.0]]])  # fmt: skip
    world = build(trade, theta=4.0)
    tariff = np.zeros_like(trade)
    tariff[0, 0, 1] = 0.5
    out = dt.simulate(world, dt.Policy(world, tariff=tariff))
    change = out.trade_change.values[0, 0]
    assert (change < 0).tolist() == [False, True, False, False]
    table = redirection_table(out, [("s00", "c00")])
    assert table.exporter.unique().tolist() == ["c01"]
    assert sorted(table.destination) == ["c01", "c02", "c03"]
    assert redirection_table(out, [("s00", "c00")], sellers=0).empty
    rows = diversion_table(out, [("s00", "c00")])
    assert rows.exporter.tolist()[0] == "c01"
    assert set(rows.exporter) == {"c00", "c01", "c02"}
