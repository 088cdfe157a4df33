"""Labels for organisations that do not give away which organisation they stand for."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import ascii_uppercase

from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.errors import DisclosureError
from mpg_research.languages import languages, texts_in

__all__ = ["OWN", "Labels", "keyed_order", "label_organisations", "stable_order"]

#: Label code of the reading organisation.
OWN = "own"
# Words of the catalogue, tried in turn until none of the labels is the public name of a real organisation.
NEUTRAL_WORDS = ("organisation", "other_organisation", "participant", "unnamed_group")


@dataclass(frozen=True, slots=True)
class Labels:
    """Label codes of organisations and their wording.

    Attributes
    ----------
    code_of : mapping of str to str
        Label code by organisation key.
    wording : mapping of str to mapping of str to str
        Wording per language by label code.
    order : mapping of str to int
        Place of a label code in every table: the own organisation first, then by label.
    neutral : frozenset of str
        Organisation keys that have a neutral label.
    """

    code_of: Mapping[str, str]
    wording: Mapping[str, Mapping[str, str]]
    order: Mapping[str, int]
    neutral: frozenset[str]


def keyed_order(keys: Iterable[str], *, secret: str, purpose: str) -> list[str]:
    """Keys in an order that is fixed by a secret and tells nothing about the keys.

    The order is that of HMAC-SHA256(secret, purpose, key): neither alphabetical nor by size, the same in
    every run on the same data, and not to be recomputed without the secret.
    """
    return sorted(set(keys), key=lambda key: _keyed_hash(secret, purpose, key))


def stable_order(keys: Iterable[str]) -> list[str]:
    """Keys in an order that hangs on the keys alone: the same whatever else a study holds or is called.

    Anyone may know it: which organisations cover for a small one then tells nothing of their sizes, and it is
    the same ones in every release.
    """
    return keyed_order(keys, secret="", purpose="cover")


def _keyed_hash(secret: str, purpose: str, key: str) -> bytes:
    message = f"{purpose}\0{key}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def letters(number: int) -> str:
    """A, B, ..., Z, AA, AB, ... for 0, 1, ..., 25, 26, 27, ..."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, len(ascii_uppercase))
        text = ascii_uppercase[rest] + text
    return text


def label_organisations(
    keys: Iterable[str], audience: Audience, *, policy: DisclosurePolicy, digest: str
) -> Labels:
    """Labels of the study's organisations for one audience.

    Parameters
    ----------
    keys : iterable of str
        Organisation keys that occur in the result; those of the policy are always added, so that a
        label stands for the same organisation in every result for the same recipient.
    audience : Audience
        Who reads: names are for the researcher (and for all when groups are public); an organisation
        sees its own name; everyone else gets neutral labels in an order of their own.
    policy : DisclosurePolicy
        With the public names.
    digest : str
        The study's digest, the secret behind the order where the policy has none. It never leaves with a
        neutral label.

    Raises
    ------
    DisclosureError
        If the audience is an organisation that the study does not have.
    """
    known = {*keys, *policy.organisations}
    own = audience.organisation
    if own is not None and own not in known:
        raise DisclosureError(
            f"There is no organisation {own!r} in this study; expected one of {', '.join(sorted(known))}."
        )
    if policy.sees_names(audience):
        return _named_labels(known, policy=policy, own=own)
    secret = policy.secret or digest
    order = keyed_order(known - {own}, secret=secret, purpose=f"labels for {audience.recipient}")
    names = {name for by_language in policy.organisations.values() for name in by_language.values()}
    word = _neutral_word({name.casefold() for name in names | known}, n_labels=len(order))
    code_of = {key: letters(place) for place, key in enumerate(order)}
    wording: dict[str, Mapping[str, str]] = {
        code: {language: f"{word[language]} {code}" for language in languages()} for code in code_of.values()
    }
    places = {code: place + 1 for place, code in enumerate(code_of.values())}
    if own is not None:
        code_of[own], places[OWN] = OWN, 0
        wording[OWN] = _names_of(own, policy)
    return Labels(code_of=code_of, wording=wording, order=places, neutral=frozenset(order))


def _neutral_word(taken: set[str], *, n_labels: int) -> Mapping[str, str]:
    codes = [letters(place) for place in range(n_labels)]
    words = [{code: texts_in(code)[f"neutral.{word}"] for code in languages()} for word in NEUTRAL_WORDS]
    for word in words:
        labels = {f"{each} {code}".casefold() for each in word.values() for code in codes}
        if not labels & taken:
            return word
    return words[-1]


def _names_of(key: str, policy: DisclosurePolicy) -> dict[str, str]:
    names = policy.organisations.get(key, {})
    return {language: names.get(language) or key for language in languages()}


def _named_labels(keys: set[str], *, policy: DisclosurePolicy, own: str | None) -> Labels:
    ordered = sorted(keys, key=lambda key: (key != own, key))
    wording = {key: _names_of(key, policy) for key in ordered}
    for language in languages():
        shown = [names[language] for names in wording.values()]
        for key, names in wording.items():
            if shown.count(names[language]) > 1:
                names[language] = f"{names[language]} ({key})"
    return Labels(
        code_of={key: key for key in ordered},
        wording=wording,
        order={key: place for place, key in enumerate(ordered)},
        neutral=frozenset(),
    )
