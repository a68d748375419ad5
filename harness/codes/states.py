"""FB051 and on: what became of a question that has no opportunity. None of these is another."""

from __future__ import annotations

from harness.codes.code import Code

STATES = (
    Code(
        "FB051",
        "passed",
        "Nothing to win",
        "The usual way was measured against the others, and is the best of those that do the same.",
        "You can leave the code as it is, and know that it was looked at.",
        "Of times, by intervals that are apart; of memory and of sizes, by more than they vary.",
        "Nothing.",
    ),
    Code(
        "FB052",
        "undecided",
        "Undecided",
        "The usual way was measured against the others, and it is not certain whether one is "
        "better.",
        "It is not the same as nothing to win: there may be something.",
        "The intervals overlap, or too few processes were timed to have any.",
        "Measure it again with more processes: the command is with each case.",
    ),
    Code(
        "FB053",
        "not applicable",
        "Not applicable here",
        "No case of it can run on this machine, or there is nothing to compare.",
        "It says nothing about your code, neither good nor bad.",
        "Each case says before it is run what it needs and does not find.",
        "Nothing, or provide what is missing: the reason names it.",
    ),
    Code(
        "FB054",
        "not measured",
        "Not measured",
        "It could have been measured, and was not: time ran out, it failed, or it was not asked "
        "for.",
        "Silence is not a good result.",
        "By the outcomes of its cases.",
        "Measure it: the command is with each case. Of what failed, see the reason.",
    ),
)
