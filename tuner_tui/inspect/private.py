"""Secrets and personal data are counted by kind and row, and never repeated: not in words, not in JSON."""

from __future__ import annotations

import re

SECRETS: dict[str, re.Pattern[str]] = {
    "private_key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "aws_key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "huggingface_token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "github_token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b"),
    "api_key": re.compile(r"\b(?:sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}|AIza[0-9A-Za-z_-]{35})"),
    "slack_token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "jwt": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "password_in_url": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]{1,64}:[^\s/:@]{1,64}@[^\s/@]+"),
}
MARKS = (
    *("PRIVATE KEY", "AKIA", "ASIA", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sk-", "AIza"),
    *("xox", "eyJ", "://"),
)
"""One of these stands in every secret: looking for them first spares most texts the patterns."""
NUMBER = re.compile(r"\d[\d .()-]{7,}\d")
EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})\b")
PHONE = re.compile(r"(?<![\d-])(?:\+82[ -]?10|01[016789])[ .-]?\d{3,4}[ .-]?\d{4}(?![\d-])")
FOREIGN_PHONE = re.compile(r"(?<![\d-])(?:\+\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\d-])")
RESIDENT = re.compile(r"(?<!\d)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])-?[1-8]\d{6}(?!\d)")
SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
CARD = re.compile(r"(?<![\d-])(?:\d[ -]?){12,18}\d(?![\d-])")
EXAMPLE_HOSTS = ("example.com", "example.org", "example.net")


def secrets_in(text: str) -> list[str]:
    """The kinds of secrets in a text, one entry an occurrence."""
    if not any(mark in text for mark in MARKS):
        return []
    return [name for name, pattern in SECRETS.items() for _ in pattern.finditer(text)]


def personal_in(text: str) -> list[str]:
    """The kinds of personal data in a text, one entry an occurrence."""
    found: list[str] = []
    if "@" in text:
        found += ["email" for host in EMAIL.findall(text) if not host.lower().endswith(EXAMPLE_HOSTS)]
    if NUMBER.search(text) is None:
        return found
    found += ["phone" for _ in PHONE.finditer(text)] + ["phone" for _ in FOREIGN_PHONE.finditer(text)]
    found += ["resident_number" for _ in RESIDENT.finditer(text)] + ["ssn" for _ in SSN.finditer(text)]
    found += ["card_number" for match in CARD.finditer(text) if _is_card(match.group())]
    return found


def _is_card(text: str) -> bool:
    """A card's first digit and its check digit (Luhn, ISO/IEC 7812)."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if digits[0] not in (3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
