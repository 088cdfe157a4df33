"""What a sentence claims, read off its words in both languages, so that the two can be laid side by side.

Each claim has a pattern per language. A claim that is found in one language and not in the other is a
translation that says something else: "not demonstrated" is a finding, "not shown" is a number withheld.
"""

import re

#: Claim: (Dutch, English). Placeholders are taken out before the patterns are looked for.
CLAIMS = {
    "withheld": (
        r"niet (?:te tonen|getoond|worden getoond|wordt getoond)|geen cijfers getoond"
        r"|gezinnen zijn niet te zien",
        r"cannot be shown|not shown|No numbers are shown",
    ),
    "not demonstrated": (
        r"niet aangetoond|niet aantoonbaar|niet aan te tonen",
        r"(?:not|cannot be) demonstrat|not demonstrably",
    ),
    "no proof": (
        r"(?:laat|laten)(?: deze cijfers| het)? niet zien|bewij(?:st|zen) (?:geen|niet)"
        r"|laten deze cijfers niet|zegt dus niet|zeggen de scores niet|zegt niet\b",
        r"does not show|do not show|no proof|(?:does|do) not say",
    ),
    "fall": (r"\bdaal|\bdaling", r"\bfell\b|\bfall\b"),
    "rise": (r"\bsteeg\b|\bstijging", r"\brose\b|\brise\b"),
    "better or worse": (
        r"gunstiger|\bbeter\b|verbeter|ten goede|vooruit(?!zicht)|minder goed|slecht|ten kwade|achteruit"
        r"|\bbest(?:e)?\b",
        r"favourable|\bbetter\b|improv|\bworse\b|deteriorat|\bbest\b|\bworst\b|\bbad\b|\bbadly\b|less well"
        r"|no lack of progress",
    ),
    "no better": (r"ongunstiger|minder gunstig", r"less favourable"),
    "chance": (r"\btoeval\b|toevalsfout|\bkans\b|\bloten\b|\bloting\b", r"\bchances?\b|\blots?\b"),
    "reliable": (r"betrouwba(?:ar|re)(?!heids?interval)", r"\breliabl|reliability"),
    "interval": (r"interval", r"\binterval"),
    "standing still": (r"stil(?:staat|staan|stond|stand)?\b", r"st(?:ands?|anding) still"),
    "not told apart": (
        r"te onderscheiden|uit elkaar te houden",
        r"be distinguished|distinguishable|told apart|\btold from|to tell it from",
    ),
    "size": (r"middelgroot|vuistregel groot|\bkleine?\b", r"\b(?:small|medium|thumb, large)\b"),
    "negation": (
        r"\bniet\b|niet-|\bgeen\b|\bniemand\b|\bnooit\b|\bzonder\b|\bnoch\b|\bniets\b|\bnee\b|nauwelijks",
        r"\bnot\b|\bno\b|\bnobody\b|\bnever\b|\bwithout\b|\bneither\b|\bnor\b|\bcannot\b|\bnone\b|\bnothing\b"
        r"|n't\b|\bunmeasured\b|\bhardly\b",
    ),
}
NUMBER = re.compile(r"(?<![\w{])\d+(?:[.,]\d+)?")


def words_of(phrase: str) -> str:
    """A phrase without its placeholders, in the plural where it has both."""
    return re.sub(r"\{\w+\}", "#", re.sub(r"\{\w+:[^|}]*\|([^}]*)\}", r"\1", phrase))


def claims_of(phrase: str, language: str) -> set[str]:
    """The claims that the words of a phrase make."""
    text, place = words_of(phrase), ("nl", "en").index(language)
    return {name for name, patterns in CLAIMS.items() if re.search(patterns[place], text, re.IGNORECASE)}


def numbers_of(phrase: str) -> list[str]:
    """The numbers that are written in a phrase, with a decimal point."""
    return sorted(number.replace(",", ".") for number in NUMBER.findall(words_of(phrase)))
