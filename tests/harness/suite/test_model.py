"""A suite is read key by key; what is wrong is one sentence: file, key, value, what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.errors import BadInput
from outboxbench.harness.suite.model import Suite, list_suites, load_suite, override

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'name = "mine"\ndescription = "mine"\n'
ARMS = '[[arms]]\nstrategies = ["asyncpg"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def refusal(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_suite(str(file))
    message = str(caught.value)
    assert message.startswith(f"the suite {file} ")
    assert "\n" not in message
    return message.removeprefix(f"the suite {file} ").removeprefix("is not valid: ")


def test_a_suite_needs_little(file: Path) -> None:
    file.write_text(HEAD + ARMS, encoding="utf-8")

    suite = load_suite(str(file))

    assert suite.arms[0].loops == ("asyncio", "uvloop")
    assert suite.rounds == 5


def test_what_is_not_named_is_a_closed_loop_without_a_network_that_is_neither_slowed_nor_pinned(
    file: Path,
) -> None:
    file.write_text(HEAD + ARMS, encoding="utf-8")

    suite = load_suite(str(file))
    (arms,) = suite.arms

    assert (suite.pin, suite.reference, suite.extra_rounds) == ("none", "asyncpg", 0)
    assert (arms.rates, arms.network_rtt_ms, arms.copies, arms.busy_wait_us) == (
        None,
        None,
        1,
        (0,),
    )


def test_loads_networks_and_what_proves_the_harness_are_read(file: Path) -> None:
    file.write_text(
        HEAD
        + 'pin = "auto"\nreference = "psycopg"\nextra_rounds = 3\n'
        + ARMS
        + 'rates = ["60% of slowest", "12.5% of own", 250.0, 40]\narrivals = "even"\n'
        + "max_wait_s = 0.5\nnetwork_rtt_ms = [0, 0.5]\ncopies = 2\nbusy_wait_us = [0, 30.0]\n",
        encoding="utf-8",
    )

    suite = load_suite(str(file))
    (arms,) = suite.arms

    assert (suite.pin, suite.reference, suite.extra_rounds) == ("auto", "psycopg", 3)
    assert arms.rates == ("60% of slowest", "12.5% of own", 250.0, 40.0)
    assert (arms.arrivals, arms.max_wait_s) == ("even", 0.5)
    assert (arms.network_rtt_ms, arms.copies, arms.busy_wait_us) == ((0, 0.5), 2, (0, 30.0))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rounds = 0", "rounds cannot be 0: it must be 1 or more"),
        ("rounds = 2.5", "rounds cannot be 2.5: it must be a whole number"),
        ("rounds = true", "rounds cannot be True: it must be a whole number"),
        ('rounds = "3"', "rounds cannot be '3': it must be a whole number"),
        ("window_s = -1.0", "window_s cannot be -1.0: it must be greater than 0"),
        ("window_s = 0", "window_s cannot be 0: it must be greater than 0"),
        ("window_s = 1e9", "window_s cannot be 1000000000.0: it must be 86400 or less"),
        ("window_s = nan", "window_s cannot be nan: it must be a number that is finite"),
        ("window_s = inf", "window_s cannot be inf: it must be a number that is finite"),
        ('window_s = "1"', "window_s cannot be '1': it must be a number"),
        ("warm_up_s = -0.1", "warm_up_s cannot be -0.1: it must be 0 or more"),
        (
            "statement_timeout_s = 0.0001",
            "statement_timeout_s cannot be 0.0001: it must be 0.001 or more",
        ),
        ('pin = "yes"', "pin cannot be 'yes': it must be 'none' or 'auto'"),
        ("pin = true", "pin cannot be True: it must be 'none' or 'auto'"),
        ("reference = 1", "reference cannot be 1: it must be a text"),
        ("extra_rounds = -1", "extra_rounds cannot be -1: it must be 0 or more"),
        ("extra_rounds = 1.5", "extra_rounds cannot be 1.5: it must be a whole number"),
        ("ceiling = 1", "ceiling cannot be 1: it must be true or false"),
        ("dataset = 3", "dataset cannot be 3: it must be a table"),
        (
            "[dataset]\naccounts = 0",
            "dataset.accounts cannot be 0: it must be 1 or more",
        ),
        (
            "[dataset]\nusers = 1",
            "the key dataset.users is unknown: allowed are accounts, orders",
        ),
    ],
)
def test_a_value_that_is_not_allowed_is_named(line: str, message: str, file: Path) -> None:
    assert refusal(file, f"{HEAD}{line}\n{ARMS}") == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'rates = ["60 % of slowest"]',
            (
                "arms[0].rates[0] cannot be '60 % of slowest': allowed are operations per second, "
                'such as 250.0, or a share up to 1000%, such as "60% of slowest" or "80% of own"'
            ),
        ),
        (
            'rates = ["60% of own", 0]',
            (
                "arms[0].rates[1] cannot be 0: allowed are operations per second, "
                'such as 250.0, or a share up to 1000%, such as "60% of slowest" or "80% of own"'
            ),
        ),
        ("rates = []", "arms[0].rates cannot be []: it must name one or more"),
        ("rates = 60.0", "arms[0].rates cannot be 60.0: it must be a list"),
        (
            'rates = [["60% of own"]]',
            "arms[0].rates[0] cannot be ['60% of own']: it must be a number or a text",
        ),
        ("max_wait_s = 0", "arms[0].max_wait_s cannot be 0: it must be greater than 0"),
        ("network_rtt_ms = []", "arms[0].network_rtt_ms cannot be []: it must name one or more"),
        ("network_rtt_ms = 1.0", "arms[0].network_rtt_ms cannot be 1.0: it must be a list"),
        (
            "network_rtt_ms = [0.5, 1001]",
            "arms[0].network_rtt_ms[1] cannot be 1001: it must be 1000 or less",
        ),
        (
            "network_rtt_ms = [nan]",
            "arms[0].network_rtt_ms[0] cannot be nan: it must be a number that is finite",
        ),
        (
            "busy_wait_us = [2e6]",
            "arms[0].busy_wait_us[0] cannot be 2000000.0: it must be 1000000 or less",
        ),
        ("busy_wait_us = [true]", "arms[0].busy_wait_us[0] cannot be True: it must be a number"),
        (
            'arrivals = "bursty"',
            "arms[0].arrivals cannot be 'bursty': it must be 'poisson' or 'even'",
        ),
        (
            "network_rtt_ms = [-1.0]",
            "arms[0].network_rtt_ms[0] cannot be -1.0: it must be 0 or more",
        ),
        ("copies = 0", "arms[0].copies cannot be 0: it must be 1 or more"),
        ('loops = ["trio"]', "arms[0].loops[0] cannot be 'trio': it must be 'asyncio' or 'uvloop'"),
        (
            'profiles = ["fast"]',
            "arms[0].profiles[0] cannot be 'fast': it must be 'idiomatic' or 'matched'",
        ),
        (
            'isolations = ["snapshot"]',
            (
                "arms[0].isolations[0] cannot be 'snapshot': it must be 'read committed', "
                "'repeatable read' or 'serializable'"
            ),
        ),
        (
            'workloads = ["charge", "refund"]',
            "arms[0].workloads[1] cannot be 'refund': allowed are amend, charge, hot, mixed, place",
        ),
        ("loops = []", "arms[0].loops cannot be []: it must name one or more"),
        ('loops = "uvloop"', "arms[0].loops cannot be 'uvloop': it must be a list"),
        ("clients = [0]", "arms[0].clients[0] cannot be 0: it must be 1 or more"),
        (
            "clients = [4, 2]\nworkers = 3",
            (
                "arms[0].workers cannot be 3: "
                "each needs a client and a connection, so it must be 2 or less"
            ),
        ),
        (
            "pool_size = 1\nworkers = 2",
            (
                "arms[0].workers cannot be 2: "
                "each needs a client and a connection, so it must be 1 or less"
            ),
        ),
        (
            "loop = 1",
            (
                "the key arms[0].loop is unknown: allowed are strategies, loops, workloads, "
                "profiles, isolations, clients, pool_size, workers, rates, arrivals, max_wait_s, "
                "network_rtt_ms, prepared_for, copies, busy_wait_us"
            ),
        ),
    ],
)
def test_a_mistake_in_an_arm_is_named_with_its_place(line: str, message: str, file: Path) -> None:
    assert refusal(file, HEAD + ARMS + line) == message


def test_a_strategy_that_nobody_registers_is_named_with_those_that_are(file: Path) -> None:
    message = refusal(file, HEAD + '[[arms]]\nstrategies = ["asyncpg", "asyncpgg"]')

    assert message.startswith("arms[0].strategies[1] cannot be 'asyncpgg': allowed are asyncpg, ")
    assert "psycopg" in message


def test_a_reference_that_nobody_registers_is_named_with_those_that_are(file: Path) -> None:
    message = refusal(file, f'{HEAD}reference = "nosuch"\n{ARMS}')

    assert message.startswith("reference cannot be 'nosuch': allowed are asyncpg, ")
    assert "psycopg" in message


def test_an_unknown_key_is_named_with_those_that_are_known(file: Path) -> None:
    message = refusal(file, f"{HEAD}round = 3\n{ARMS}")

    assert message == f"the key round is unknown: allowed are {', '.join(Suite.model_fields)}"


def test_a_missing_key_is_named(file: Path) -> None:
    assert refusal(file, ARMS) == "the key name is missing"


@pytest.mark.parametrize("arms", ["", "arms = []"])
def test_a_suite_that_measures_nothing_is_refused(arms: str, file: Path) -> None:
    assert refusal(file, HEAD + arms) == (
        "it measures nothing: it needs [[arms]], [[services]], [[drains]], [[chains]] or [[faults]]"
    )


def test_a_name_that_could_not_name_a_folder_is_refused(file: Path) -> None:
    message = refusal(file, HEAD.replace('"mine"', '"../mine"', 1) + ARMS)

    assert message.startswith("name cannot be '../mine': it must match ")


@pytest.mark.parametrize("text", ["name = ", "[[arms", 'name = "a"\nname = "b"'])
def test_a_syntax_error_is_told_with_its_line(text: str, file: Path) -> None:
    message = refusal(file, f"{text}\n{ARMS}")

    assert message.startswith("is not valid TOML: ")
    assert "line" in message


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="cannot be read: it is not UTF-8"):
        load_suite(str(file))


def test_a_file_that_is_missing_or_a_folder_is_told(file: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        load_suite(str(file))
    file.mkdir()
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        load_suite(str(file))


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"no suite 'quik': name one of .*quick"):
        load_suite("quik")


def test_every_suite_that_comes_along_is_valid_and_bears_the_name_of_its_file() -> None:
    assert "quick" in list_suites()
    for name in list_suites():
        assert load_suite(name).name == name


def test_the_command_line_replaces_what_it_names() -> None:
    suite = load_suite("quick")

    changed = override(suite, window_s=0.5, rounds=2)

    assert (changed.window_s, changed.rounds, changed.seed) == (0.5, 2, suite.seed)
    assert override(suite, reference="psycopg").reference == "psycopg"
    assert override(suite) == suite


def test_a_replacement_that_is_not_allowed_is_named_by_its_option() -> None:
    suite = load_suite("quick")
    with pytest.raises(BadInput, match=r"^--duration cannot be -1\.0: it must be greater than 0$"):
        override(suite, window_s=-1.0)
    with pytest.raises(BadInput, match=r"^--rounds cannot be 0: it must be 1 or more$"):
        override(suite, rounds=0)
    with pytest.raises(BadInput, match=r"^--reference cannot be 'nosuch': allowed are asyncpg, "):
        override(suite, reference="nosuch")
