"""Questions about what is doubtful in a proposal, for who wants to be asked: mpg init --from ... --ask."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mpg_research.study.begin.proposal import Begun, CodeMap, Mapped, Said
from mpg_research.study.begin.write import comment

__all__ = ["Ask", "ask_about", "ask_in_terminal"]

Ask = Callable[[str, Sequence[str]], str]
NOT_THERE = "(none of them)"


def ask_about(proposal: Begun, ask: Ask) -> None:
    """Ask about everything that is doubtful, and put the answers in the proposal.

    Parameters
    ----------
    proposal : Begun
        It is changed.
    ask : callable
        A question and possible answers in; one of them, or "" to leave it as it is, out.
    """
    for key, setting in proposal.time.items():
        if setting.doubt and (answer := ask(f"[time] {key} = {setting.value}: {setting.doubt}", ())):
            proposal.time[key] = Said(answer)
    for table in proposal.tables.values():
        for source in table.sources:
            place = f"{table.name}, {comment(source.look.name)}"
            for name, mapped in list(source.columns.items()):
                if not mapped.doubt:
                    continue
                options = (mapped.source, *mapped.others, NOT_THERE)
                answer = ask(f"{place}: which column is {name}? ({mapped.doubt})", options)
                if answer == NOT_THERE:
                    del source.columns[name]
                elif answer in options:
                    source.columns[name] = Mapped(answer)
            for name, said in list(source.constants.items()):
                if said.doubt and (answer := ask(f"{place}: {name} = {said.value}? ({said.doubt})", ())):
                    source.constants[name] = Said(answer)
            for name, codes in list(source.values.items()):
                source.values[name] = _asked_codes(f"{place}: {name}", codes, ask)


def _asked_codes(place: str, codes: CodeMap, ask: Ask) -> CodeMap:
    known, left = dict(codes.known), []
    for code in codes.unknown:
        answer = ask(f'{place}: what does "{comment(code)}" mean?', codes.choices)
        if answer:
            known[code] = answer
        else:
            left.append(code)
    return replace(codes, known=known, unknown=tuple(left))


def ask_in_terminal(question: str, options: Sequence[str]) -> str:
    """Ask in the terminal; an empty line (or the end of the input) leaves things as they are.

    Parameters
    ----------
    question : str
        What is asked.
    options : sequence of str
        Possible answers, numbered; none where anything can be answered.

    Returns
    -------
    str
        One of the options, or what was typed where there are none; "" to leave it.
    """
    print(comment(question))
    for number, option in enumerate(options, start=1):
        print(f"  {number}. {comment(option)}")
    while True:
        try:
            answer = input("Number (Enter: leave it): " if options else "Answer (Enter: leave it): ").strip()
        except EOFError:
            return ""
        if not answer or not options:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(options):
            return options[int(answer) - 1]
        print(f"A number from 1 to {len(options)}, please.")
