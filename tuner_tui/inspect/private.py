"""Secrets and personal data are counted by kind and row, and never repeated: not in words, not in JSON."""

from __future__ import annotations

import re

SECRETS: dict[str, re.Pattern[str]] = {
    "private_key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "aws_key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "huggingface_token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "github_token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b"),
    "api_key": re.compile(r"\b(?:sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}|AIza[0-9A-Za-z_-]{35})"),
    "gitlab_token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "stripe_key": re.compile(r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    "npm_token": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    "sendgrid_key": re.compile(r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,}"),
    "google_token": re.compile(r"\bya29\.[A-Za-z0-9_-]{20,}"),
    "slack_token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "jwt": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "password_in_url": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]{1,64}:[^\s/:@]{1,64}@[^\s/@]+"),
}
MARKS = (
    *("PRIVATE KEY", "AKIA", "ASIA", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sk-", "AIza"),
    *("xox", "eyJ", "://", "glpat-", "k_live_", "k_test_", "npm_", "SG.", "ya29."),
)
"""One of these stands in every secret: looking for them first spares most texts the patterns."""
CALLED = ("passw", "pwd", "secret", "api", "token", "access", "비밀번호", "암호", "패스워드")
PASSWORD = re.compile(
    r"(?:passw(?:or)?d|pwd|비밀번호|암호|패스워드)[\"']?\s?[:=]\s?[\"']?([A-Za-z0-9!@#%^&*_+=.~-]{6,64}+)(?![(\[{<])",
    re.IGNORECASE,
)
NAMED_KEY = re.compile(
    r"(?:api[ _-]?key|secret|(?:access|auth|bearer)[ _-]?(?:key|token)|[?&](?:token|key|sig|signature))"
    r"\w*[\"']?\s?[:=]\s?[\"']?([A-Za-z0-9/+_=-]{20,})",
    re.IGNORECASE,
)
"""What is called a password or a key, with its value: only one that looks drawn at random counts."""
NUMBER = re.compile(r"\d[\d .()-]{7,}\d")
EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})\b")
PHONE = re.compile(r"(?<![\d-])(?:\+82[ -]?10|01[016789])[ .-]?\d{3,4}[ .-]?\d{4}(?![\d-])")
FOREIGN_PHONE = re.compile(r"(?<![\d-])(?:\+\d{1,3}[ .-])?\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?![\d-])")
RESIDENT = re.compile(r"(?<!\d)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])-?[1-8]\d{6}(?!\d)")
SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
CARD = re.compile(r"(?<![\d-])(?:\d[ -]?){12,18}\d(?![\d-])")
LANDLINE = re.compile(r"(?<![\d-])\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50\d)\)?[ .-]\d{3,4}[ .-]\d{4}(?![\d-])")
LICENCE = re.compile(r"(?<![\d-])\d{2}-\d{2}-\d{6}-\d{2}(?![\d-])")
ACCOUNT = re.compile(
    r"(?:계좌|은행|뱅크|농협|신협)[^\d\n]{0,12}(?=[\d-]{13,20}(?![\d-]))\d{2,6}-\d{2,6}-\d{4,7}(?:-\d{1,3})?"
)
PASSPORT = re.compile(r"(?:여권|passport)[^\n]{0,20}?\b[A-Z](?:\d{8}|\d{3}[A-Z]\d{4})\b", re.IGNORECASE)
IBAN = re.compile(r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)\b")
ADDRESS = re.compile(
    r"(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|충청|전북|전남|전라|경북|경남|경상|제주)"
    r"[가-힣]{0,5} (?:[가-힣]{1,6}[시군구읍면] ?){1,3}[가-힣0-9]{1,12}(?:로|길|동|리) ?\d{1,4}"
)
"""A Korean road or lot address with its number."""
NUMBERS = {
    "phone": (PHONE, FOREIGN_PHONE, LANDLINE),
    "resident_number": (RESIDENT,),
    "ssn": (SSN,),
    "driving_licence": (LICENCE,),
    "bank_account": (ACCOUNT,),
}
GONE = "[…]"
EXAMPLE_HOSTS = ("example.com", "example.org", "example.net")


def secrets_in(text: str) -> list[str]:
    """The kinds of secrets in a text, one entry an occurrence."""
    found: list[str] = []
    if any(mark in text for mark in MARKS):
        found += [name for name, pattern in SECRETS.items() for _ in pattern.finditer(text)]
    if (":" in text or "=" in text) and any(word in text.casefold() for word in CALLED):
        found += ["password" for value in PASSWORD.findall(text) if _is_mixed(value)]
        found += ["named_key" for value in NAMED_KEY.findall(text) if _is_drawn(value)]
    return found


def _is_mixed(value: str) -> bool:
    """Letters and digits together: no word, and no number."""
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and len(set(value)) > 4


def _is_drawn(value: str) -> bool:
    """Looks drawn at random: many different letters, with digits, and no words joined by underscores."""
    kinds = (any(map(test, value)) for test in (str.isdigit, str.isupper, str.islower))
    return len(set(value)) >= 10 and (sum(kinds) == 3 or sum(map(str.isdigit, value)) >= 4) and value.count("_") < 3


def personal_in(text: str) -> list[str]:
    """The kinds of personal data in a text, one entry an occurrence."""
    found: list[str] = []
    if "@" in text:
        bare = SECRETS["password_in_url"].sub(" ", text) if "://" in text else text
        found += ["email" for host in EMAIL.findall(bare) if not host.lower().endswith(EXAMPLE_HOSTS)]
    if not text.isascii():
        found += ["address" for _ in ADDRESS.finditer(text)]
    found += ["passport" for _ in PASSPORT.finditer(text)] if "여권" in text or "assport" in text else []
    if NUMBER.search(text) is None:
        return found
    for kind, patterns in NUMBERS.items():
        found += [kind for pattern in patterns for _ in pattern.finditer(text)]
    found += ["card_number" for match in CARD.finditer(text) if _is_card(match.group())]
    return found + ["iban" for number in IBAN.findall(text) if _is_iban(number)]


def hidden(text: str) -> str:
    """The text, or nothing of it where it holds what must not be shown."""
    return GONE if secrets_in(text) or personal_in(text) else text


def _is_iban(number: str) -> bool:
    """The check digits of an account number (ISO 13616, modulo 97)."""
    bare = number.replace(" ", "")
    return 15 <= len(bare) <= 34 and int("".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """A card's first digit and its check digit (Luhn, ISO/IEC 7812)."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if digits[0] not in (3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
