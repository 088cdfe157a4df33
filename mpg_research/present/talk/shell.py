"""The frame of a page about single families: self-contained, sensitive, nothing from the network."""

from html import escape

__all__ = ["paragraph", "sensitive_page", "side_by_side"]

_STYLE = """
body { max-width: 52rem; margin: 0 auto; padding: 0 1.25rem 3rem; color: #1b1f24; background: #fff;
  font: 1.0625rem/1.6 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
.sensitive { padding: .75rem 1rem; margin: 1rem 0; border: 3px solid #7a1f00; background: #fff1ec;
  color: #4a1300; font-weight: 600; }
.synthetic { padding: .5rem 1rem; background: #fff3cf; border-bottom: 3px solid #8a6100; color: #3b2a00; }
svg { max-width: 100%; height: auto; } figure { margin: 1.25rem 0; } figcaption { color: #4a5560; }
table { border-collapse: collapse; } th, td { padding: .3rem .9rem .3rem 0; text-align: right;
  border-bottom: 1px solid #c4ccd4; } caption { text-align: left; font-weight: 600; }
td.text, th.text { text-align: left; }
.answer { font-size: 1.2rem; font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 2rem;
  align-items: start; }
figure svg { width: 100%; }
ul.menu { padding: 0; list-style: none; display: grid; gap: .6rem; }
ul.menu > li { border: 1px solid #c4ccd4; border-left: .4rem solid #0072b2; padding: .5rem .9rem;
  break-inside: avoid; }
ul.menu p { margin: .15rem 0; } .small { color: #4a5560; font-size: .95rem; }
@media print { .sensitive { break-inside: avoid; } }
"""


def sensitive_page(title: str, body: list[str], *, language: str, style: str = "") -> str:
    """A whole page.

    Parameters
    ----------
    title : str
    body : list of str
        Parts in HTML; empty ones are left out.
    language : str
    style : str
        Styles of its own, after those of all such pages.
    """
    head = (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
    )
    return head + "\n".join(part for part in body if part) + "\n</main>\n</body>\n</html>\n"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of text, escaped.

    Parameters
    ----------
    text : str
    kind : str
        Its class, if any.
    """
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def side_by_side(parts: list[str]) -> list[str]:
    """The parts of two parents in two columns; one part as it is.

    Parameters
    ----------
    parts : list of str
        In HTML.
    """
    if len(parts) < 2:
        return parts
    return ['<div class="pair">', *(f"<div>{part}</div>" for part in parts), "</div>"]
