import os
import re
import struct
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.errors import ConfigError
from mpg_research.present import PresentedFigure, PresentedText, draw
from mpg_research.present.drawing.layout import spread_labels
from mpg_research.present.drawing.letters import clean_text
from mpg_research.present.figures.style import short_name
from mpg_research.present.registry import figures, kinds
from tests.disclosure.made_results import (
    NAMES,
    SIZES,
    made_policy,
    make_measurement,
    make_organisations,
    make_quality,
    make_trajectory,
)
from tests.present.edge_kinds import KINDS
from tests.present.edge_results import Draw
from tests.present.sentences.test_comparison import COMPARISON_FIGURES
from tests.present.sentences.test_families import FAMILY_FIGURES

RESEARCHER, FUNDER = Audience("researcher"), Audience("funder")
LINDE = Audience("organisation", "linde")
RESULT_OF = {
    "mean_course": make_trajectory,
    "observed_course": make_trajectory,
    "course_in_short": make_trajectory,
    "adjusted_change": make_organisations,
    "difference_from_mean": make_organisations,
    "adjusted_means": make_organisations,
    "case_mix": make_organisations,
    "measurements_by_month": make_quality,
    "item_completeness": make_quality,
    "score_distribution": make_measurement,
    "items": make_measurement,
}


#: Figures that no test names are drawn from the first edge result that is given for their kind.
BY_THEIR_EDGES = {
    figure.name: KINDS[kind.name]
    for kind in kinds().values()
    for figure in kind.figures
    if figure.name not in {*RESULT_OF, *FAMILY_FIGURES, *COMPARISON_FIGURES}
}


def result_of_figure(figure):
    if figure in RESULT_OF:
        return RESULT_OF[figure]()
    edges = BY_THEIR_EDGES[figure]
    return edges.make(Draw(0, **edges.given[0]))


def drawn(figure, audience=FUNDER, language="nl", result=None, **rules):
    result = result_of_figure(figure) if result is None else result
    return draw(release(result, audience, policy=made_policy(**rules)), figure, language=language)


def test_every_figure_is_tried_here():
    assert {*RESULT_OF, *BY_THEIR_EDGES} | FAMILY_FIGURES | COMPARISON_FIGURES == set(figures())
    assert all(edges.given for edges in BY_THEIR_EDGES.values()), "an edge result with all its numbers"


@pytest.mark.parametrize("figure", [*RESULT_OF, *BY_THEIR_EDGES])
def test_every_figure_is_a_picture_with_words(figure):
    shown = drawn(figure)
    assert isinstance(shown, PresentedFigure)
    root = ElementTree.fromstring(shown.svg)
    assert root.tag.endswith("svg")
    png = shown.png
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert b"Software" not in png
    width, height = struct.unpack(">II", png[16:24])
    assert width > 700
    assert height > 300
    assert re.search(r"\d", shown.alt)
    assert "Synthetische gegevens" in shown.alt
    assert "nan" not in shown.alt.split()
    assert shown.title in str(shown)
    assert "<table>" in shown.html
    assert root.get("aria-label") == clean_text(shown.alt)
    assert shown.svg.decode().strip() in shown.html


@pytest.mark.parametrize("figure", ["mean_course", "score_distribution", "measurements_by_month"])
def test_pictures_hold_no_date_version_style_or_outside_reference(figure):
    text = drawn(figure).svg.decode()
    assert "Matplotlib" not in text
    assert not re.search(r"<style|<metadata|<!--|<dc:|xlink|<script|[\s\"]on\w+=", text)
    assert not re.search(r"(href|src)=\"(?!#)", text)
    assert not re.search(r"url\((?!#)", text)
    assert re.findall(r'xmlns[:\w]*="([^"]*)"', text) == ["http://www.w3.org/2000/svg"]


def test_ids_of_pictures_differ_between_figures_and_languages():
    """On one page they would otherwise cut each other off, as each names its own part by them."""
    pictures = [
        drawn(figure, language=language).svg.decode()
        for figure in ("score_distribution", "measurements_by_month", "mean_course")
        for language in ("nl", "en")
    ]
    ids = [name for text in pictures for name in re.findall(r'\sid="([^"]+)"', text)]
    assert ids
    assert len(ids) == len(set(ids))
    for text in pictures:
        own = set(re.findall(r'\sid="([^"]+)"', text))
        assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', text)) <= own


def words_in(shown):
    """What stands in a picture in letters, each text with its lines put together."""
    root = ElementTree.fromstring(shown.svg)
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    return [" ".join("\n".join(text.itertext()).split()) for text in texts]


def test_the_words_of_a_picture_are_text():
    words = words_in(drawn("adjusted_change", LINDE))
    assert {"Lindehof", "Organisatie A", "−5,0", "Synthetische gegevens"} <= set(words)
    assert "gemiddeld −4,2" in words
    assert "Maanden sinds de start van de hulp" in words_in(drawn("measurements_by_month"))


def test_a_picture_says_no_number_that_is_not_released():
    """Whoever reads the file finds what the reader of the page finds."""
    small = make_organisations({**SIZES, "iep": 6})
    shown = drawn("adjusted_change", result=small)
    rows = [row.split(",") for row in shown.data.csv.splitlines()]
    hidden = [row for row in rows if row[-1]]
    words = words_in(shown)
    assert hidden
    assert sum(word.startswith("n ") for word in words) == len(SIZES) - 1


@pytest.mark.parametrize("figure", ["adjusted_change", "adjusted_means", "case_mix"])
@pytest.mark.parametrize("audience", [FUNDER, LINDE])
def test_what_is_withheld_moves_nothing_in_a_picture(figure, audience):
    """Otherwise it could be solved from where marks, axes and texts lie."""
    changes = {key: -3.0 - 0.5 * place for place, key in enumerate(SIZES)}
    pictures = set()
    for size, change in ((6, -30.0), (7, 12.0), (9, -4.0)):
        result = make_organisations({**SIZES, "iep": size}, {**changes, "iep": change})
        pictures.add(drawn(figure, audience, result=result).svg)
    assert len(pictures) == 1


def test_marks_lie_where_the_released_numbers_are():
    shown = drawn("mean_course", language="en")
    root = ElementTree.fromstring(shown.svg)
    svg = "{http://www.w3.org/2000/svg}"
    ticks = [
        (float(text.text), float(text.get("y")) - 0.365 * 9.5)
        for group in root.iter(f"{svg}g")
        if group.get("text-anchor") == "end"
        for text in group.iter(f"{svg}text")
        if re.fullmatch(r"[\d.]+", text.text or "")
    ]
    (low, low_at), (high, high_at) = ticks[0], ticks[-1]
    dots = [float(each.get("cy")) for each in root.iter(f"{svg}circle")]
    read = [low + (dot - low_at) / (high_at - low_at) * (high - low) for dot in dots]
    released = release(make_trajectory(), FUNDER, policy=made_policy()).tables["observed_course"].data
    said = released.loc[released["months"] <= 18.5, "mean"].dropna().to_list()
    assert len(read) == len(said) > 10
    # A tenth of a point in the picture is what can be read from it, and no more.
    point = abs((high - low) / (high_at - low_at))
    assert read == pytest.approx(said, abs=0.2 * point)


def test_no_figure_of_marks_on_axes_loads_matplotlib():
    """Each is drawn in a process that has not drawn anything yet; the others are those that need it."""
    heavy = {"measurements_by_month", "score_distribution"}
    names = [name for name in RESULT_OF if name not in heavy]
    code = (
        "import sys\nfrom tests.present.test_figures import drawn\n"
        f"for name in {names!r}:\n    drawn(name)\n"
        "assert not {'matplotlib', 'seaborn'} & set(sys.modules), 'loaded too early'\n"
        "drawn('score_distribution')\nprint('seaborn' in sys.modules)"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    env = {**os.environ, "PYTHONPATH": root}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=root)
    assert run.stdout == "True\n", run.stderr


DRAW_ALONE = """
import hashlib
from mpg_research.disclosure import Audience, release
from mpg_research.present import draw
from tests.disclosure.made_results import made_policy, make_organisations, make_trajectory
for result, name in ((make_trajectory(), "mean_course"), (make_organisations(), "adjusted_change")):
    shown = draw(release(result, Audience("funder"), policy=made_policy()), name, language="nl")
    print(hashlib.sha256(shown.svg).hexdigest(), hashlib.sha256(shown.png).hexdigest())
"""


def test_two_runs_draw_the_same_bytes(tmp_path):
    """In processes of their own, with another hash seed, another locale and a user's own style."""
    (tmp_path / "matplotlibrc").write_text("font.family: serif\nsvg.fonttype: none\nlines.linewidth: 9\n")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    outputs = []
    for seed, extra in (("1", {}), ("2", {"MATPLOTLIBRC": str(tmp_path), "LC_ALL": "C", "TZ": "Asia/Tokyo"})):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root, **extra}
        run = subprocess.run(
            [sys.executable, "-c", DRAW_ALONE], capture_output=True, text=True, env=env, cwd=root
        )
        assert run.returncode == 0, run.stderr
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1]


def test_a_synthetic_study_is_marked_inside_the_picture():
    from dataclasses import replace

    result = make_trajectory()
    real = replace(result, provenance=replace(result.provenance, synthetic=False))
    marked, unmarked = drawn("mean_course", result=result), drawn("mean_course", result=real)
    assert marked.svg != unmarked.svg
    assert "ynthetisch" not in unmarked.alt
    assert "ynthetisch" not in unmarked.html


def test_the_description_gives_the_numbers():
    alt = drawn("mean_course", language="en", result=make_trajectory(change=-4.0)).alt
    assert "goes from 24.3 at start to 18.3 at month\u00a018" in alt
    alt = drawn("adjusted_change", LINDE, language="en").alt
    assert "6 organisations" in alt
    assert "Lindehof: −5.0 (−6.9 to −3.1)" in alt


def test_unnamed_organisations_stay_unnamed_in_pictures_and_words():
    for figure in ("adjusted_change", "adjusted_means", "difference_from_mean", "case_mix"):
        shown = drawn(figure, LINDE)
        for key, name in NAMES.items():
            if key != "linde":
                assert name not in shown.html
                assert name.split("<")[0] not in shown.alt


NASTY = (
    "$\\frac{1}{2}$ <script>alert(1)</script> \x00\u202e" + "Very long name of an organisation " * 8 + "😀"
)


@pytest.mark.parametrize("figure", ["adjusted_change", "adjusted_means", "case_mix"])
def test_names_from_data_are_only_names(figure):
    names = {**NAMES, "es": NASTY, "eik": "$", "iep": "$$^_{"}
    shown = drawn(figure, RESEARCHER, names=names)
    assert isinstance(shown, PresentedFigure)
    ElementTree.fromstring(shown.svg)
    assert "<script>" not in shown.html


def test_figures_that_may_not_be_shown_say_why():
    few = make_organisations({"linde": 40, "eik": 70, "es": 33})
    shown = drawn("adjusted_change", LINDE, result=few)
    assert isinstance(shown, PresentedText)
    assert "minstens 3 andere" in str(shown)
    small = make_organisations({**SIZES, "iep": 6})
    assert isinstance(drawn("difference_from_mean", result=small), PresentedText)
    # Without the differences the average is not drawn either: it would give the small one away.
    assert "niet getoond" in drawn("adjusted_change", result=small).alt


def test_an_unknown_figure_is_refused():
    with pytest.raises(ConfigError, match="pie"):
        draw(release(make_trajectory(), FUNDER, policy=made_policy()), "pie", language="nl")


def test_saving_writes_picture_and_numbers(tmp_path):
    shown = drawn("items")
    names = sorted(path.name for path in shown.save(tmp_path))
    assert names == ["items.csv", "items.svg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    names = sorted(path.name for path in shown.save(tmp_path, png=True))
    assert names == ["items.csv", "items.png", "items.svg"]
    assert (tmp_path / "items.png").read_bytes().startswith(b"\x89PNG")
    ElementTree.parse(tmp_path / "items.svg")


def test_labels_keep_apart_and_names_stay_short():
    placed = spread_labels([1.0, 1.01, 5.0], gap=0.5)
    assert placed[1] - placed[0] >= 0.5 - 1e-9
    assert placed[2] - placed[1] >= 0.5
    assert placed[2] == 5.0  # what touches nothing stays where it is
    crowded = spread_labels([3.0, 1.0, 1.2, 1.1, 1.6, 1.0], gap=0.5)
    ordered = sorted(crowded)
    assert all(after - before >= 0.5 - 1e-9 for before, after in pairwise(ordered))
    assert crowded[4] > crowded[2] > crowded[3] > crowded[1]
    assert spread_labels([], gap=1.0) == []
    assert all(len(line) <= 26 for line in short_name("Stichting " * 20).split("\n"))
    assert short_name("") == ""


def test_long_and_hostile_names_do_not_stretch_a_picture():
    from tests.disclosure.made_results import NAMES

    usual = drawn("adjusted_change", LINDE)
    for name in ("angenaam " * 22, "<b>&\"'</b> $a$ {level} %s", "\u202eمنظمة\u202c 🏡"):
        policy = made_policy(names={**NAMES, "linde": name})
        released = release(make_organisations(), LINDE, policy=policy)
        for figure in ("adjusted_change", "adjusted_means"):
            shown = draw(released, figure, language="nl")
            assert isinstance(shown, PresentedFigure)
            assert len(shown.title) < 100
        assert _width(draw(released, "adjusted_change", language="nl").svg) == _width(usual.svg)


def _width(svg: bytes) -> str:
    return re.search(rb'<svg[^>]* width="([^"]+)"', svg).group(1).decode()


def test_among_many_organisations_the_own_one_keeps_its_name():
    from tests.disclosure.made_tables import made_table

    sizes = {f"org_{number:02d}": 30 for number in range(45)}
    policy = made_policy(names={key: key.upper() for key in sizes})
    made = make_organisations(sizes)
    data = (
        made.tables["by_organisation"]
        .data.drop(columns="n_measurements")
        .assign(raw=1.0, raw_low=0.0, raw_high=2.0, comparison_low=0.5, comparison_high=1.5, shrunken=1.0)
    )
    values = ("raw", "raw_low", "raw_high", "comparison_low", "comparison_high", "shrunken")
    table = made_table(
        "raw_and_shrunken", data, ("organisation",), values, organisation_columns=("organisation",)
    )
    result = type(made)(made.kind, {**made.tables, table.name: table}, made.flow, (), made.provenance)
    released = release(result, Audience("organisation", "org_07"), policy=policy)
    svg = draw(released, "caterpillar", language="en").svg.decode()
    assert ">ORG_07</text>" in svg
    assert ">Organisation A</text>" not in svg


def test_a_caption_names_no_organisation_that_is_not_in_the_picture():
    others = {key: n for key, n in SIZES.items() if key != "linde"}
    for sizes, there in ((SIZES, True), (others, False)):
        released = release(make_organisations(sizes), LINDE, policy=made_policy())
        caption = draw(released, "change_by_organisation", language="en").caption
        assert ("Lindehof" in caption) == there


def test_the_picture_of_flows_has_a_place_for_whatever_the_tables_can_hold():
    from mpg_research.analysis.interventions import action_tables
    from mpg_research.analysis.monitoring.rules import CALLS
    from mpg_research.present.figures import flows

    assert set(flows.SIGNALS) == set(CALLS)
    assert set(flows.ACTIONS) == set(action_tables.ACTIONS[:2])
    assert set(flows.STATES) == set(action_tables.LATER)
