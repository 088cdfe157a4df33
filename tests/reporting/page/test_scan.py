import base64
import json
import re
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpg_research.errors import DisclosureError
from mpg_research.reporting.page.name_search import WholeWords, refuse_names, searchable_text

OTHER = "Jeugd & Co"


def check(tmp_path: Path, content: bytes, *, name: str = "a.html", own: tuple[str, ...] = ()) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    refuse_names({name: file}, forbidden=(OTHER, "Noord", "org_b"), own=own)


HIDDEN = {
    "plain": b"<p>Jeugd & Co</p>",
    "escaped": b"<p>Jeugd &amp; Co</p>",
    "escaped twice": b"<p>Jeugd &amp;amp; Co</p>",
    "numeric reference": b"<p>Jeugd &#38; Co</p>",
    "split by markup": b"<p>Jeugd <b>&amp;</b> Co</p>",
    "within a word by markup": b"<p>No<b>or</b>d</p>",
    "spread over lines": b"Jeugd &\n   Co",
    "attribute": b"<img alt='Noord falls'>",
    "json": json.dumps({"source": "Noord"}).encode(),
    "json escape": b'{"source": "\\u004eoord"}',
    "key": b"organisation;score\norg_b;12,3\n",
    "svg comment": b"<svg><!-- Noord --></svg>",
    "embedded picture": b"<img src='data:image/svg+xml;base64," + base64.b64encode(b"<!-- Noord -->") + b"'>",
    "png text": b"\x89PNG\r\n\x1a\n\x00\x00tEXtTitle\x00Noord\x00\xff\xfe",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_another_organisations_name_is_found_wherever_it_hides(tmp_path: Path, name: str) -> None:
    with pytest.raises(DisclosureError, match=r"a\.html names another organisation"):
        check(tmp_path, HIDDEN[name])


def test_a_file_name_counts_too(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError):
        check(tmp_path, b"", name="nl/tables/Noord.csv")


def test_parts_of_words_do_not_count(tmp_path: Path) -> None:
    check(tmp_path, b"<p>Noordwijk en org_b2</p>")


def test_the_own_name_may_contain_anothers(tmp_path: Path) -> None:
    check(tmp_path, b"<p>Jeugdhulp Noord en Zuid</p>", own=("Jeugdhulp Noord",))
    with pytest.raises(DisclosureError):
        check(tmp_path, b"<p>Jeugdhulp Noord, en Noord</p>", own=("Jeugdhulp Noord",))


def test_the_message_does_not_repeat_the_name(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError) as caught:
        check(tmp_path, b"Noord")
    assert "Noord" not in str(caught.value)


def test_letters_composed_in_two_ways_are_one() -> None:
    assert "Zorgcafé" in searchable_text("Zorgcafe\u0301".encode())


def test_what_cannot_be_seen_does_not_hide_a_name(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError):
        check(tmp_path, "<p>\u2068No\u200dord\u2069</p>".encode())


NAMES = st.lists(
    st.text("ab é.+-", min_size=1, max_size=4).filter(str.strip), min_size=1, max_size=6, unique=True
)


@given(NAMES, st.text("ab é.+-_", max_size=40))
def test_whole_words_are_found_as_a_condition_on_each_side_would(names: list[str], text: str) -> None:
    listed = sorted(names, key=lambda name: (-len(name), name))
    slow = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in listed))
    quick, found = WholeWords(tuple(names)), slow.search(text)
    assert quick.first_in(text) == (found.group() if found else "")
    assert quick.blanked(text) == slow.sub(" ", text)
    assert WholeWords(()).blanked(text) == text


def png(*chunks: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, body in (*chunks, (b"IEND", b"")):
        parts.append(struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts) + after


@pytest.mark.parametrize(
    "content",
    [
        png((b"IHDR", b"\0" * 13), (b"tEXt", b"Title\0Noord")),
        png((b"zTXt", b"Title\0\0" + zlib.compress(b"over Noord"))),
        png((b"iTXt", b"Title\0\1\0nl\0\0" + zlib.compress(b"Noord"))),
        png((b"IDAT", b"\0\1"), (b"eXIf", b"..Noord..")),
        png(after=b"Noord"),
        png((b"tEXt", b"Title\0Noord "))[:-14],
    ],
)
def test_words_of_a_picture_are_read_packed_or_not(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DisclosureError):
        check(tmp_path, content, name="a.png")


def test_the_points_of_a_picture_are_no_words(tmp_path: Path) -> None:
    check(tmp_path, png((b"IDAT", b"\0 Noord \0")), name="a.png")


@pytest.mark.parametrize("name", ["Stichting Jeugdhulp aan Huis Noord-Veluwe", "Angenaam" * 4, "R&D <Zorg>"])
def test_a_name_in_a_figure_is_found_also_on_two_lines(tmp_path: Path, name: str) -> None:
    from mpg_research.present.drawing.chart import Chart
    from mpg_research.present.drawing.layout import lay_out
    from mpg_research.present.drawing.svg import svg_of

    chart = Chart([50.0])
    chart.panel().rows(["Wij", name])
    picture = svg_of(lay_out(chart, title="Verandering"), label="Twee organisaties")
    path = tmp_path / "figure.svg"
    path.write_bytes(picture)
    refuse_names({"figure.svg": path}, forbidden=("Elders",), own=("Wij",))
    with pytest.raises(DisclosureError, match=r"figure\.svg names another"):
        refuse_names({"figure.svg": path}, forbidden=(name,), own=("Wij",))
