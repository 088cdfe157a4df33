import base64

import pytest

from mpg_research.reporting.page.accessibility import inspect_page

TABLE = "<table><caption>Scores</caption><tr><th scope='col'>Month</th></tr><tr><td>1</td></tr></table>"


WIDE = TABLE.replace("</tr>", "<th scope='col'>A</th><th scope='col'>B</th></tr>", 1)


def page(body: str = "", *, head: str = "<title>T</title>", lang: str = "lang='en'") -> str:
    return f"<!doctype html><html {lang}><head>{head}</head><body><main><h1>T</h1>{body}</main></body></html>"


def svg_address(text: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()


def test_a_page_in_order_has_no_findings() -> None:
    picture = f"<img alt='A line that falls' src='{svg_address('<svg></svg>')}'>"
    inline = "<svg role='img' aria-label='A line'><use href='#a'/></svg>"
    good = page(f"<h2 id='a'>A</h2><h3>B</h3>{TABLE}{picture}{inline}<h2>C</h2><a href='#a'>a</a>")
    assert inspect_page(good, language="en") == ()


BROKEN = {
    "no language": (page(lang=""), "does not say its language"),
    "other language": (page(lang="lang='nl'"), "its language is 'nl'"),
    "no title": (page(head=""), "no title"),
    "two main headings": (page("<h1>U</h1>"), "2 main headings"),
    "heading skipped": (page("<h3>U</h3>"), "level 3 follows one of level 1"),
    "no alt": (page(f"<img src='{svg_address('<svg/>')}'>"), "no alternative text"),
    "empty alt": (page(f"<img alt=' ' src='{svg_address('<svg/>')}'>"), "no alternative text"),
    "no caption": (page(TABLE.replace("<caption>Scores</caption>", "")), "no caption"),
    "no header": (page("<table><caption>c</caption><tr><td>1</td></tr></table>"), "no header cells"),
    "no scope": (page(TABLE.replace(" scope='col'", "")), "heads a row or a column"),
    "script": (page("<script>1</script>"), "<script> is not allowed"),
    "script in capitals": (page("<SCRIPT>1</SCRIPT>"), "<script> is not allowed"),
    "event": (page("<p onclick='x()'>a</p>"), "event attribute 'onclick'"),
    "event in svg": (page("<svg aria-label='a' onload=x()></svg>"), "event attribute 'onload'"),
    "javascript link": (page("<a href='java\nscript:x()'>a</a>"), "links to"),
    "data link": (page("<a href='data:text/html,x'>a</a>"), "links to"),
    "remote image": (page("<img alt='a' src='https://x.org/a.png'>"), "loads 'https://x.org/a.png'"),
    "protocol-relative image": (page("<img alt='a' src='//x.org/a.png'>"), "loads '//x.org"),
    "local file": (page("<img alt='a' src='a.png'>"), "loads 'a.png'"),
    "srcset": (page(f"<img alt='a' src='{svg_address('<svg/>')}' srcset='a.png 2x'>"), "loads 'a.png 2x'"),
    "style sheet": (page("<link rel='stylesheet' href='a.css'>"), "<link> is not allowed"),
    "style import": (page("<style>@import 'a.css';</style>"), "style sheet loads"),
    "style url": (page("<p style='background: url(http://x.org/a)'>a</p>"), "style of <p> loads"),
    "frame": (page("<iframe></iframe>"), "<iframe> is not allowed"),
    "form": (page("<form></form>"), "<form> is not allowed"),
    "refresh": (page(head="<title>T</title><meta http-equiv='refresh' content='0'>"), "elsewhere"),
    "nameless svg": (page("<svg></svg>"), "no name for those who cannot see it"),
    "svg loads": (page("<svg aria-label='a'><image href='https://x.org/a'/></svg>"), "<image> loads"),
    "script in picture": (
        page(f"<img alt='a' src='{svg_address('<svg><script>1</script></svg>')}'>"),
        "holds a script",
    ),
    "empty header cell": (page(TABLE.replace("Month", " ")), "has no words"),
    "text outside": (
        "<html lang='en'><title>T</title><body><p>a</p><main><h1>T</h1></main>",
        "outside header",
    ),
    "region without a name": (page("<div role='region' tabindex='0'>a</div>"), "region without a name"),
    "two regions of a name": (page("<p role='region' aria-label='a'>a</p>" * 2), "two regions have the name"),
    "figure out of reach": (page("<div class='picture'>a</div>"), "figure that may scroll"),
    "table out of reach": (page(f"<div class='scroll'>{WIDE}</div>"), "table that may scroll"),
    "double id": (page("<p id='a'>a</p><p id='a'>b</p>"), "'a' occurs more than once"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_found(name: str) -> None:
    html, expected = BROKEN[name]
    findings = inspect_page(html, language="en")
    assert any(expected in finding for finding in findings), findings


def test_what_can_be_reached_and_is_named_has_no_findings() -> None:
    narrow = f"<div class='scroll'>{TABLE}</div>"
    wide = f"<div class='scroll' role='region' tabindex='0' aria-label='Scores'>{WIDE}</div>"
    notice = "<p role='region' aria-label='Notice'>a</p><div aria-hidden='true'>Private</div>"
    whole = page(narrow + wide).replace("<body>", f"<body><a class='skip' href='#a'>a</a>{notice}")
    assert inspect_page(whole, language="en") == ()


def test_the_title_of_a_picture_is_its_name_and_not_the_title_of_the_page() -> None:
    drawn = "<svg role='img'><title>A line</title></svg>"
    assert inspect_page(page(drawn)) == ()
    assert inspect_page(page(drawn, head="")) == ("the page has no title",)
