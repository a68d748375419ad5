"""Errors meant for people: one clear line, and the exit code that goes with it."""

from __future__ import annotations

EXIT_OK = 0
EXIT_WORSE = 1  # doctor: not fit to measure on; compare, ab: something got worse
EXIT_USAGE = 2  # a name, option or file the user gave cannot be used
EXIT_NOT_JUDGED = 3  # nothing was judged, or what looks worse is undecided
EXIT_UNABLE = 4  # the machine or an interpreter cannot do what was asked
EXIT_INTERRUPTED = 130


class FerrybenchError(Exception):
    """Something the user can act on. Printed as one line by the command line, nowhere else."""

    exit_code = EXIT_USAGE


class UsageError(FerrybenchError):
    """The request names something that does not exist, or makes no sense."""


class UnableError(FerrybenchError):
    """The request is fine, but cannot be carried out here."""

    exit_code = EXIT_UNABLE
