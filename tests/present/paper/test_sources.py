"""The works that methods are cited from: complete, each cited somewhere, in the form of APA."""

import re
from pathlib import Path

import mpg_research.present.paper as paper
from mpg_research.present.paper.checklist import checklists
from mpg_research.present.paper.sources import cite, sources

_CODE = "".join(path.read_text(encoding="utf-8") for path in Path(paper.__file__).parent.glob("*.py"))


def test_every_work_is_whole() -> None:
    for key, work in sources().items():
        assert re.fullmatch(r"[a-z]+\d{4}[ab]?", key)
        assert key.rstrip("ab").endswith(str(work.year))
        assert 1900 < work.year < 2027
        assert work.title[0].isupper()
        assert not work.title.endswith(".")
        assert bool(work.journal and work.pages) != bool(work.publisher)
        assert not work.doi or re.fullmatch(r"10\.\d{4,9}/\S+[^.]", work.doi)
        assert all(re.fullmatch(r"[^,]+, (?:[A-ZÀ-Ž]\.[- ]?)+|et al\.", author) for author in work.authors)
    dois = [work.doi.lower() for work in sources().values() if work.doi]
    assert len(set(dois)) == len(dois)


def test_every_work_is_cited_somewhere_and_none_is_missing() -> None:
    cited = set(re.findall(r'"([a-z]+\d{4}[ab]?)"', _CODE)) | {source for source, _ in checklists().values()}
    assert cited - set(sources()) == set()
    assert set(sources()) - cited <= {"husereau2022"}, "CHEERS has its own page"


def test_the_form_is_that_of_apa() -> None:
    work = sources()["kenward1997"]
    assert work.text == (
        "Kenward, M. G., & Roger, J. H. (1997). Small sample inference for fixed effects from restricted "
        "maximum likelihood. Biometrics, 53(3), 983–997. https://doi.org/10.2307/2533558"
    )
    assert "<em>Biometrics, 53</em>(3), 983–997." in work.html
    assert "<em>Mixed-effects models in S and S-PLUS</em>. Springer." in sources()["pinheiro2000"].html
    assert cite(["spiegelhalter2005b", "jones2008", "holm1979"]) == (
        "(Holm, 1979; Jones et al., 2008; Spiegelhalter, 2005b)"
    )
