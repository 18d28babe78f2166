"""How drawings find room in a file: the largest are made smaller before one is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report.html.made_up import chart, noise

from outboxbench.report.html import images
from outboxbench.report.html.images import ALL_IMAGES_BYTES, ImageStrip

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Shown: TypeAlias = Callable[..., list[tuple[ImageStrip, ...]]]

TALL, SHORT = noise(300, 600), noise(300, 200)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What drawings are shown as, in a file with room for so many bytes."""

    def in_room_of(room_bytes: int, *pngs: bytes) -> list[tuple[ImageStrip, ...]]:
        monkeypatch.setattr(images, "ALL_IMAGES_BYTES", room_bytes)
        return list(images.images([chart(png=each) for each in pngs]))

    return in_room_of


def sizes_px(found: list[tuple[ImageStrip, ...]]) -> list[tuple[int | None, int | None] | None]:
    return [(strips[0].width, strips[0].height) if strips else None for strips in found]


def size_bytes(found: list[tuple[ImageStrip, ...]]) -> int:
    return sum(len(strip.source) for strips in found for strip in strips)


def test_what_fits_is_shown_as_it_was_drawn(shown: Shown) -> None:
    assert sizes_px(shown(ALL_IMAGES_BYTES, TALL, SHORT)) == [(300, 600), (300, 200)]


def test_the_largest_becomes_smaller_first_and_only_as_far_as_it_must(shown: Shown) -> None:
    total = size_bytes(shown(ALL_IMAGES_BYTES, SHORT, TALL))
    found = shown(total - 1, SHORT, TALL)
    assert sizes_px(found) == [(300, 200), (200, 400)]
    assert size_bytes(found) < total
    smaller = shown(size_bytes(found) - 1, SHORT, TALL)
    assert sizes_px(smaller) == [(300, 200), (150, 300)]


def test_what_finds_no_room_at_the_smallest_size_is_left_out_from_the_end(shown: Shown) -> None:
    three = (SHORT, SHORT, SHORT)
    at_full_size = size_bytes(shown(ALL_IMAGES_BYTES, SHORT))
    # At half of their width and height they take a quarter each.
    found = shown(int(0.6 * at_full_size), *three)
    assert sizes_px(found) == [(150, 100), (150, 100), None]


def test_a_long_drawing_is_as_long_in_its_parts_when_it_is_made_smaller(shown: Shown) -> None:
    long = noise(30, 9_000)
    room = size_bytes(shown(ALL_IMAGES_BYTES, long)) - 1
    (strips,) = shown(room, long)
    assert len(strips) == 3
    assert {strip.width for strip in strips} == {20}
    assert sum(strip.height or 0 for strip in strips) == 6_000
