"""Times read from text by a form, as the server's C library reads them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

__all__ = ["parse_time"]

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = tuple(name.lower() for name in (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
))
# What each part that is a number is called here, and how low and high it may be.
_NUMBERS: Final = {
    "C": ("century", 0, 99), "d": ("day", 1, 31), "e": ("day", 1, 31), "g": ("", 0, 99),
    "G": ("", 0, 9999), "H": ("hour", 0, 23), "I": ("hour12", 1, 12), "j": ("yday", 1, 366),
    "k": ("hour", 0, 23), "l": ("hour12", 1, 12), "m": ("month", 1, 12), "M": ("minute", 0, 59),
    "S": ("second", 0, 61), "u": ("weekday", 1, 7), "U": ("week", 0, 53), "V": ("", 0, 53),
    "w": ("weekday", 0, 6), "W": ("week", 0, 53), "y": ("short", 0, 99), "Y": ("year", 0, 9999),
}
_SHORT: Final = {  # parts that stand for several
    "c": "%a %b %e %H:%M:%S %Y", "D": "%m/%d/%y", "F": "%Y-%m-%d", "r": "%I:%M:%S %p",
    "R": "%H:%M", "T": "%H:%M:%S", "x": "%m/%d/%y", "X": "%H:%M:%S",
}
_PART: Final = re.compile(r"%[-_0^#]*[0-9]*(O?)(.)|\s+|(.)", re.DOTALL)
_ZONE: Final = re.compile(r"\s*(?:Z|[+-](?:\d\d:?\d\d|\d\d(?!\d)))")
_LONGEST_OFFSET: Final = 1400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - _EPOCH


def parse_time(text: str, form: str) -> float | None:
    """Seconds since the epoch, or None where the text is not of the form.

    What comes behind the form's last part does not matter. Without a day, a form means the last
    one of the month before.
    """
    return _Reader(text).read(form)


class _Reader:
    """What has been read of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts: dict[str, int] = {}
        self.week_begins = 0  # with Sunday, or with Monday
        self.is_afternoon = False
        self.is_short = False  # that of the year but two digits were said last

    def read(self, form: str) -> float | None:
        return self._moment() if self._takes(form) else None

    def _takes(self, form: str) -> bool:
        at = 0
        while at < len(form):
            part = _PART.match(form, at)
            if part is None:
                return False
            at = part.end()
            if part[3] is not None:
                if not self._skip(re.escape(part[3])):
                    return False
            elif part[2] is None:
                self._skip(r"\s*")
            elif not self._take(part[2], bool(part[1])):
                return False
        return True

    def _skip(self, pattern: str | re.Pattern[str]) -> str | None:
        """What of the text a pattern takes; None where it takes none."""
        found = re.match(pattern, self.text)
        if found is None:
            return None
        self.text = self.text[found.end():]
        return found[0]

    def _take(self, sign: str, only_numbers: bool) -> bool:
        if sign in _NUMBERS:
            return self._number(sign)
        if only_numbers:
            return False
        if sign in _SHORT:
            return self._takes(_SHORT[sign])
        if sign in "aAbBh":
            names = _DAYS if sign in "aA" else _MONTHS
            pattern = "|".join(f"{name}|{name[:3]}" for name in names)
            name = self._skip(f"(?i){pattern}")
            if name is None:
                return False
            number = [each[:3] for each in names].index(name[:3].lower()) + 1
            self.parts["weekday" if sign in "aA" else "month"] = number
            return True
        if sign == "p":
            half = self._skip("(?i)[AP]M")
            self.is_afternoon = half is not None and half.upper() == "PM"
            return half is not None
        if sign == "s":
            return self._epoch()
        if sign == "z":
            zone = self._skip(_ZONE)
            return zone is not None and int(re.sub(r"\D", "", zone) or 0) <= _LONGEST_OFFSET
        pattern = {"%": "%", "n": r"\s*", "t": r"\s*", "Z": r"\s*\S*"}.get(sign, "(?!)")
        return self._skip(pattern) is not None

    def _number(self, sign: str) -> bool:
        name, low, high = _NUMBERS[sign]
        self._skip(" *")
        number = length = 0
        for digit in self.text[:len(str(high))]:
            if not digit.isdecimal() or not digit.isascii() or (length and number * 10 > high):
                break
            number, length = number * 10 + int(digit), length + 1
        if not length or not low <= number <= high:
            return False
        self.text = self.text[length:]
        if name == "short":
            self.parts["year"] = number + (1900 if number >= 69 else 2000)
        elif name:
            self.parts[name] = number
        if name in ("short", "year"):
            self.is_short = name == "short"
        if sign in "UW":
            self.week_begins = int(sign == "W")
        if name in ("hour", "hour12"):
            self.parts.pop("hour12" if name == "hour" else "hour", None)
        return True

    def _epoch(self) -> bool:
        digits = self._skip("[0-9]{1,18}")
        if digits is None:
            return False
        days, seconds = divmod(int(digits), 86400)
        if days > _LAST_DAY:
            return False
        when = date.fromordinal(_EPOCH + days)
        self.parts.update(
            year=when.year, month=when.month, day=when.day, hour=seconds // 3600,
            minute=seconds // 60 % 60, second=seconds % 60,
        )
        return True

    def _moment(self) -> float:
        parts = self.parts
        year, weekday = parts.get("year", 1900), parts.get("weekday")
        if "century" in parts:
            year = parts["century"] * 100 + (year % 100 if self.is_short else 0)
        month, day = parts.get("month"), parts.get("day")
        yday = None
        if weekday is None:
            if "yday" in parts and ("year" in parts or month is not None or day is not None):
                yday = parts["yday"] - 1
        elif "week" in parts:
            first = (_weekday(year) - self.week_begins) % 7
            yday = parts["yday"] - 1 if "yday" in parts else (
                (7 - first) % 7 + (parts["week"] - 1) * 7 + (weekday - self.week_begins) % 7
            )
        if yday is not None and (month is None or day is None):
            counted = _of_year(year, yday)
            month, day = month or counted[0], day or counted[1]
        hour = parts.get("hour", 0)
        if "hour12" in parts:
            hour = parts["hour12"] % 12 + 12 * self.is_afternoon
        days = _first_of(year, 1 if month is None else month) + (day or 0) - 1
        return float(
            days * 86400 + hour * 3600 + parts.get("minute", 0) * 60 + parts.get("second", 0)
        )


def _first_of(year: int, month: int = 1) -> int:
    """Days from the epoch to the first of a month; 0 is the one before the year's first."""
    year, month = (year, month) if month else (year - 1, 12)
    centuries = 146097  # the days of 400 years, which the calendar repeats
    return date(year % 400 + 2000, month, 1).toordinal() - _EPOCH + (year // 400 - 5) * centuries


def _weekday(year: int) -> int:
    """What day a year begins with, from Sunday on."""
    return (_first_of(year) + 4) % 7


def _of_year(year: int, yday: int) -> tuple[int, int]:
    """The month, and the day of it, that a day of a year is; those before it as the server does."""
    if yday < 0:
        return 0, yday + 1
    month = 1
    while month < 12 and _first_of(year, month + 1) - _first_of(year) <= yday:
        month += 1
    return month, yday - (_first_of(year, month) - _first_of(year)) + 1
