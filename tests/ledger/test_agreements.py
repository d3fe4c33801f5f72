"""Agreements, groups, pledges, actors: members by day, and the preferences that follow."""

from __future__ import annotations

import pytest

from detente.law.line import LineRate, line_rates
from detente.ledger import Ledger, load_ledger
from detente.ledger.schema import Agreement

NO = "no preference claimed"
CAR = "870323"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def members(agreement: Agreement, day: str) -> set[str]:
    return {m.name for m in agreement.members_at(day)}


def rows(ledger: Ledger, day: str, importer: str, exporter: str, hs: str) -> dict[str, LineRate]:
    return {r.route: r for r in line_rates(ledger.at(day), importer, exporter, hs)}


COUNTS = [
    # RCEP: ten on 1 January 2022, Korea, Malaysia, Myanmar in 2022, Indonesia and the Philippines
    ("rcep", "2021-12-31", 0),
    ("rcep", "2022-01-01", 10),
    ("rcep", "2022-02-01", 11),
    ("rcep", "2022-03-18", 12),
    ("rcep", "2022-05-01", 13),
    ("rcep", "2023-01-02", 14),
    ("rcep", "2023-06-02", 15),
    # CPTPP: six, Vietnam, Peru, Malaysia, Chile, Brunei, the United Kingdom
    ("cptpp", "2018-12-29", 0),
    ("cptpp", "2018-12-30", 6),
    ("cptpp", "2019-01-14", 7),
    ("cptpp", "2021-09-19", 8),
    ("cptpp", "2022-11-29", 9),
    ("cptpp", "2023-02-21", 10),
    ("cptpp", "2023-07-12", 11),
    ("cptpp", "2024-12-15", 12),
    # NAFTA to the last day of June 2020, USMCA from the first of July
    ("nafta", "2020-06-30", 3),
    ("nafta", "2020-07-01", 0),
    ("usmca", "2020-06-30", 0),
    ("usmca", "2020-07-01", 3),
    ("korus", "2018-01-01", 2),
    ("ckfta", "2018-01-01", 2),
    ("jeepa", "2019-01-31", 0),
    ("jeepa", "2019-02-01", 2),
    ("cmim", "2018-01-01", 14),
]


@pytest.mark.parametrize(("agreement", "day", "count"), COUNTS)
def test_members_by_day(ledger: Ledger, agreement: str, day: str, count: int) -> None:
    assert len(members(ledger.agreements[agreement], day)) == count


def test_rcep(ledger: Ledger) -> None:
    rcep = ledger.agreements["rcep"]
    assert len(rcep.members) == 15
    assert "IND" not in {m.name for m in rcep.members}
    assert "KOR" not in members(rcep, "2022-01-31")
    assert "KOR" in members(rcep, "2022-02-01")
    # the group of the same name gives the same members on any day
    for day in ("2022-01-01", "2022-12-31", "2026-10-31"):
        assert ledger.groups["rcep-members"].at(day) == members(rcep, day)
    assert any(s.article == "asia-financial-2025-03" for s in rcep.sources.values())


def test_rcep_cuts_follow_the_formula_of_the_assumption(ledger: Ledger) -> None:
    # percent of lines free before, at entry, at the end; year t of sixteen
    shares = {("CHN", "JPN"): (8, 25, 86), ("JPN", "CHN"): (40, 57, 88),
              ("KOR", "JPN"): (19, 41, 92), ("JPN", "KOR"): (40, 57, 83)}  # fmt: skip
    seen = set()
    for pref in ledger.agreements["rcep"].preferences:
        assert pref.exporters is not None
        pair = (pref.importer, pref.exporters.countries[0])
        seen.add(pair)
        before, entry, end = shares[pair]
        for t, step in enumerate(pref.steps, start=1):
            # China on Japan, 2022: [(25 - 8) + (86 - 25) x 1/16] / 92 = 20.8125 / 92 = 22.6%
            want = 100 * ((entry - before) + (end - entry) * t / 16) / (100 - before)
            assert step.cut_pct == pytest.approx(want, abs=0.05)
            assert step.assumption == "assumptions/rcep-cuts"
    assert seen == set(shares)


def test_rcep_is_not_open_before_both_sides_are_in(ledger: Ledger) -> None:
    rcep = ledger.agreements["rcep"]
    kor = next(p for p in rcep.preferences if p.importer == "KOR")
    assert not ledger.at("2022-01-31").grants(rcep, kor, "JPN")
    assert ledger.at("2022-02-01").grants(rcep, kor, "JPN")


def test_preferences_that_are_not_from_a_schedule_name_their_assumption(ledger: Ledger) -> None:
    for agreement in ledger.agreements.values():
        if agreement.type != "trade":
            continue
        for pref in agreement.preferences:
            for share in pref.utilisation:
                assert share.table or share.assumption, agreement.id
            for step in pref.steps:
                assert step.rate_pct == 0 or step.assumption, agreement.id


RATES = [
    # Korean car in the United States: KORUS free, MFN 2.5
    ("2024-06-01", "USA", "KOR", "8703230140", "korus claimed", 0.0),
    ("2024-06-01", "USA", "KOR", "8703230140", NO, 2.5),
    # Korean truck 8704.21.01: outside KORUS until 2041, MFN 25
    ("2024-06-01", "USA", "KOR", "87042101", NO, 25.0),
    # Mexican car: NAFTA before July 2020, USMCA after
    ("2020-06-30", "USA", "MEX", "8703230140", "nafta claimed", 0.0),
    ("2020-07-01", "USA", "MEX", "8703230140", "usmca claimed", 0.0),
    # Japanese car in the EU: 10 less a part every February; 5 in 2022, free from February 2026
    ("2019-01-31", "EU27", "JPN", CAR, NO, 10.0),
    ("2019-02-01", "EU27", "JPN", CAR, "jeepa claimed", 8.8),
    ("2022-06-01", "EU27", "JPN", CAR, "jeepa claimed", 5.0),
    ("2026-02-01", "EU27", "JPN", CAR, "jeepa claimed", 0.0),
    # Korean car in the EU: 10 x (1 - 0.987) = 0.13
    ("2022-06-01", "EU27", "KOR", CAR, "keufta claimed", 0.13),
    # Japanese car in Canada under CPTPP: 6.1 x (1 - 0.99) = 0.061
    ("2024-06-01", "CAN", "JPN", CAR, "cptpp claimed", 0.061),
    # Japanese car parts in China, ordinary 6, RCEP 2026: 6 x (1 - 0.392) = 3.648
    ("2026-06-01", "CHN", "JPN", "870899", NO, 6.0),
]


@pytest.mark.parametrize(("day", "importer", "exporter", "hs", "route", "expected"), RATES)
def test_rate(
    ledger: Ledger, day: str, importer: str, exporter: str, hs: str, route: str, expected: float
) -> None:
    found = rows(ledger, day, importer, exporter, hs)
    assert found[route].rate_pct == pytest.approx(expected, abs=1e-6)


def test_korean_truck_has_no_claim(ledger: Ledger) -> None:
    for hs in ("87042101", "87042251", "87046000"):
        assert set(rows(ledger, "2024-06-01", "USA", "KOR", hs)) == {NO}


def test_eu_as_partner_before_and_after_brexit(ledger: Ledger) -> None:
    before, after = ledger.at("2020-12-31"), ledger.at("2021-01-01")
    assert len(before.members_of_partner("EU27")) == 28
    assert len(after.members_of_partner("EU27")) == 27
    assert "GBR" not in after.members_of_partner("EU27")
    # the Union itself was left eleven months earlier
    union = ledger.groups["eu-members"]
    assert "GBR" in union.at("2020-01-31")
    assert "GBR" not in union.at("2020-02-01")
    # the Japan-EU agreement covers a British exporter to the end of 2020, the own one after
    jeepa, cepa = ledger.agreements["jeepa"], ledger.agreements["jukcepa"]
    into = {a.id: p for a in (jeepa, cepa) for p in a.preferences if p.importer == "JPN"}
    assert before.grants(jeepa, into["jeepa"], "GBR")
    assert not before.grants(cepa, into["jukcepa"], "GBR")
    assert not after.grants(jeepa, into["jeepa"], "GBR")
    assert after.grants(cepa, into["jukcepa"], "GBR")


GROUPS = [
    ("asean", "2025-10-25", 10), ("asean", "2025-10-26", 11),
    ("brics", "2023-12-31", 5), ("brics", "2024-01-01", 9), ("brics", "2025-01-06", 10),
    ("g7", "2020-01-01", 7), ("quad-members", "2020-01-01", 4), ("eaeu", "2020-01-01", 5),
    ("gcc", "2020-01-01", 6), ("apec-members", "2020-01-01", 21),
    ("nato", "2018-01-01", 29), ("nato", "2023-04-04", 31), ("nato", "2024-03-07", 32),
    ("china-japan-korea", "2024-05-27", 3), ("bessent-four", "2025-05-07", 4),
    ("cptpp-members", "2024-12-15", 12), ("asean-plus-three", "2025-05-04", 13),
]  # fmt: skip


@pytest.mark.parametrize(("group", "day", "count"), GROUPS)
def test_groups_by_day(ledger: Ledger, group: str, day: str, count: int) -> None:
    assert len(ledger.groups[group].at(day)) == count


def test_security_treaties_are_no_preferences(ledger: Ledger) -> None:
    found = {a.id for a in ledger.agreements.values() if a.type == "security"}
    assert {"usjpn-sec", "uskor-mdt", "uskor-sma12", "prkchn", "prkrus", "quad", "aukus"} <= found
    assert not [a for a in found if ledger.agreements[a].preferences]


def test_pledges(ledger: Ledger) -> None:
    korea = ledger.pledges["pledges/kor-usa-350bn"]
    assert korea.value_usd_bn == 350
    assert korea.wanted_usd_bn == (200, 250)
    assert korea.limit_usd_bn is None  # "even that would be too much": an aim is no limit
    assert ledger.pledges["pledges/jpn-usa-550bn"].value_usd_bn == 550
    assert ledger.pledges["pledges/eu-usa-600bn"].value_usd_bn == 600
    assert ledger.pledges["pledges/chn-usa-soybeans"].quantity_unit == "million tonnes a year"


def holders(ledger: Ledger, actor: str, office: str, day: str) -> list[str]:
    return [
        r.person
        for r in ledger.actors[actor].roles
        if r.office == office and (r.starts or "") <= day and not (r.ended and r.ended < day)
    ]


def test_offices_are_dated(ledger: Ledger) -> None:
    assert holders(ledger, "actors/kor", "President", "2025-10-29") == ["Lee Jae-myung"]
    assert holders(ledger, "actors/kor", "President", "2024-05-27") == ["Yoon Suk Yeol"]
    assert holders(ledger, "actors/jpn", "Prime Minister", "2024-05-27") == ["Fumio Kishida"]
    assert holders(ledger, "actors/jpn", "Prime Minister", "2025-03-30") == ["Shigeru Ishiba"]
    assert holders(ledger, "actors/jpn", "Prime Minister", "2025-10-30") == ["Sanae Takaichi"]
    assert holders(ledger, "actors/usa", "President", "2020-06-01") == ["Donald Trump"]
    # the head of Samsung never resolves to the government
    korea = {r.person for r in ledger.actors["actors/kor"].roles}
    assert "Lee Jae-yong" not in korea
    assert ledger.actors["actors/people/lee-jae-yong"].roles[0].office == "Samsung head"


def test_the_swap_pool_adds_up(ledger):
    """The attachment of the joint press release of 24 March 2010: 120 billion dollars, 80% of it
    from China (with Hong Kong), Japan and Korea in the proportion 2 : 2 : 1."""
    pool = ledger.agreements["cmim"]
    put_in = {m.name: m.amount_usd_bn or 0.0 for m in pool.members}
    assert sum(put_in.values()) == pytest.approx(120.0, abs=0.005)
    assert put_in["CHN"] + put_in["HKG"] == pytest.approx(put_in["JPN"])
    assert put_in["JPN"] == pytest.approx(2 * put_in["KOR"])
    plus_three = sum(put_in[c] for c in ("CHN", "HKG", "JPN", "KOR"))
    assert plus_three == pytest.approx(0.8 * 120.0)
    assert [pool.fund_at(d) for d in ("2010-03-23", "2010-03-24", "2014-07-16", "2014-07-17")] == [
        None, 120.0, 120.0, 240.0,
    ]  # fmt: skip


def test_money_belongs_to_financial_agreements(ledger):
    pool = ledger.agreements["cmim"].model_dump(mode="json", exclude_unset=True)
    with pytest.raises(ValueError, match="funds and amounts are for a financial agreement"):
        Agreement.model_validate({**pool, "type": "trade"})
    with pytest.raises(ValueError, match="funds must be in order of date"):
        Agreement.model_validate({**pool, "funds": pool["funds"][::-1]})
    with pytest.raises(ValueError, match="source 'nobody' is not in sources"):
        Agreement.model_validate({**pool, "funds": [{**pool["funds"][0], "source": ["nobody"]}]})
