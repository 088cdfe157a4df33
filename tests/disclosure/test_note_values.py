"""Values of notes are judged by what they are declared to mean, and refused where nobody declared it."""

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mpg_research
from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.rules.note_values import meaning_of
from mpg_research.errors import DisclosureError, Note
from tests.disclosure.made_results import made_policy, make_trajectory

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
MINIMUM = 10
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def notes_in_the_package() -> list[tuple[str, str]]:
    """Code and key of each value that a note is made with, as far as the source spells them."""
    found = []
    for path in sorted(Path(mpg_research.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                dicts = [part for part in ast.walk(node) if isinstance(part, ast.Dict)]
                calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
                made = [call for call in calls if getattr(call.func, "id", "") == "Note"]
                named = {arg.id for call in made for arg in call.args[2:3] if isinstance(arg, ast.Name)}
                taken = [arg for call in made for arg in call.args[2:3] if isinstance(arg, ast.Dict)]
                for part in ast.walk(node):
                    targets = part.targets if isinstance(part, ast.Assign) else []
                    targets = [part.target] if isinstance(part, ast.AnnAssign) else targets
                    names = {target.id for target in targets if isinstance(target, ast.Name)}
                    value = getattr(part, "value", None)
                    if names & named and isinstance(value, ast.Dict):
                        taken.append(value)
                found += [
                    (f"{path.stem}.{node.name}", key.value)
                    for values in taken
                    for key in values.keys
                    if values in dicts and isinstance(key, ast.Constant)
                ]
    return found


def released_note(note: Note, reader: Audience) -> Note:
    return release(make_trajectory(notes=(note,)), reader, policy=made_policy()).notes[0]


def test_every_value_of_a_note_in_the_package_is_declared() -> None:
    found = notes_in_the_package()
    assert len(found) > 60
    for code, key in found:
        meaning_of(Note(code, ""), key)


@pytest.mark.parametrize("reader", READERS)
def test_a_value_that_nobody_declared_is_refused(reader: Audience) -> None:
    with pytest.raises(DisclosureError, match="average_families"):
        released_note(Note("made", "Something.", {"average_families": 3}), reader)


@SETTINGS
@given(
    st.sampled_from([("n_courses", "n_all"), ("n_bad", "n_courses"), ("n_rows", "n_all"), ("n", "n_all")]),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_no_small_number_of_families_and_no_small_rest(names: tuple[str, str], part: int, rest: int) -> None:
    whole = part + rest
    note = Note("made", f"{part} of {whole} courses; {rest} are left.", {names[0]: part, names[1]: whole})
    for reader in READERS:
        shown = released_note(note, reader)
        numbers = {key: value for key, value in shown.values.items() if not isinstance(value, str)}
        assert not any(0 < value < MINIMUM for value in numbers.values())
        if len(numbers) == 2:
            assert not 0 < numbers[names[1]] - numbers[names[0]] < MINIMUM
        if rest not in (0, part, whole):  # a number that was not given as a value is not said
            assert shown.text != note.text


@pytest.mark.parametrize("reader", READERS)
def test_numbers_within_a_text_do_not_pass(reader: Audience) -> None:
    values = {"n_dropped": 40, "n_rows": 500, "missing_by_column": "score: 3, age: 37"}
    shown = released_note(Note("rows_dropped", "40 of 500 rows (score: 3, age: 37).", values), reader)
    assert "3" not in str(shown.values.get("missing_by_column", "")) + shown.text
