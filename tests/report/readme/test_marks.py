from __future__ import annotations

import pytest

from outboxbench.report.readme.marks import MarksError, filled, has_marks

PARTS = {"speed": lambda: "fast", "thesis": lambda: "held \\1"}


def test_only_what_stands_between_marks_is_replaced() -> None:
    text = (
        "# Title\n\n<!-- made: speed -->\nold\n\nold\n<!-- end of speed -->\n\nmine\n"
        "<!-- made: thesis -->\n<!-- end of thesis -->\nlast\n"
    )

    once = filled(text, PARTS)

    assert once == (
        "# Title\n\n<!-- made: speed -->\n\nfast\n\n<!-- end of speed -->\n\nmine\n"
        "<!-- made: thesis -->\n\nheld \\1\n\n<!-- end of thesis -->\nlast\n"
    )
    assert filled(once, PARTS) == once
    assert has_marks(once)
    assert not has_marks("# Title\n")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<!-- made: speed -->\nold\n", "speed"),
        ("<!-- made: speed -->\n<!-- end of thesis -->\n", "speed"),
        ("<!-- made: nosuch -->\n<!-- end of nosuch -->\n", "nosuch"),
        ("<!-- made: speed -->\n<!-- made: thesis -->\n<!-- end of speed -->\n", "thesis"),
    ],
)
def test_marks_that_do_not_fit_are_refused(text: str, name: str) -> None:
    with pytest.raises(MarksError, match=f"part '{name}' is unknown or has no end: .* speed, the"):
        filled(text, PARTS)
