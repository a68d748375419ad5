"""Memory told apart: pages of files, memory of the processes' own, and memory that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.analysis.file_pages import fullest, grown, mapping, of_tree
from harness.analysis.sweep import Sweep
from harness.analysis.verdict_memory import workers_text
from harness.cases.summary import CaseSummary
from harness.charts.chart import ChartLine, LineFigure, Tip
from harness.report.figures.courses import course, during, figure_over_time, thinned
from harness.report.figures.spec import BarSpec, FigureSpec, OtherSpec, Subject, at_reference, of
from harness.schema.records import TreeSample
from harness.units import format_size


def _watched(sweep: Sweep) -> Sequence[CaseSummary]:
    return at_reference(sweep) if sweep.info.watched else ()


def _kinds(row: CaseSummary) -> tuple[float, ...]:
    own = grown(row)
    if own is None:
        return ()
    return tuple(float(max(0, kind)) for kind in (own.anon_bytes, own.shmem_bytes, own.file_bytes))


def _kinds_tip(row: CaseSummary) -> Tip:
    own = grown(row)
    assert own is not None
    return (
        ("file pages", format_size(own.file_bytes)),
        ("anonymous", format_size(own.anon_bytes)),
        ("shared memory", format_size(own.shmem_bytes)),
        ("RSS added up", format_size(own.rss_bytes)),
        ("workers", workers_text(row).removeprefix("with ") or "none"),
    )


def _mapped(subject: Subject) -> Iterator[LineFigure]:
    """The memory of a mapped file over an epoch, by kind: what its growing RSS is."""
    sweep = subject.sweep
    row = next(iter(mapping(_watched(sweep), of_tree)), None)
    if row is None or row.tree is None:
        return
    tree = row.tree
    samples = thinned(tree.course, (fullest(tree.course), tree.course[-1]))
    before = samples[0].rss_bytes

    def tip(sample: TreeSample) -> Tip:
        return (
            during(tree, sample),
            ("RSS grown by", format_size(sample.rss_bytes - before)),
            ("file pages", format_size(sample.pss.file_bytes)),
            ("anonymous", format_size(sample.pss.anon_bytes)),
            ("shared memory", format_size(sample.pss.shmem_bytes)),
        )

    kinds: Mapping[str, Callable[[TreeSample], float]] = {
        "RSS added up": lambda sample: sample.rss_bytes - before,
        "file pages": lambda sample: sample.pss.file_bytes,
        "anonymous": lambda sample: sample.pss.anon_bytes,
        "shared memory": lambda sample: sample.pss.shmem_bytes,
    }
    yield figure_over_time(
        sweep,
        "mapped",
        f"What the growing RSS of {row.strategy} consists of",
        f"Over {format_size(row.payload_bytes)}, from before the strategy is called to after it "
        "was dropped: RSS grows with every page of the file that is touched, while the "
        "process's own memory does not.",
        ("growth", "bytes"),
        tuple(
            ChartLine(name, row.group, "named", course(samples, value, tip))
            for name, value in kinds.items()
            if name != "shared memory" or any(map(value, samples))
        ),
        tuple(kinds),
    )


FIGURES: tuple[FigureSpec, ...] = (
    OtherSpec(of("training"), _mapped),
    BarSpec(
        of("training"),
        "pages",
        "What the memory of an epoch consists of",
        "Growth at the peak of the first epoch; with workers, of PSS summed over all processes. "
        "File pages are part of RSS and look like a leak, but the system can reclaim them; it "
        "cannot reclaim the rest.{at}{beside}",
        ("growth", "bytes"),
        ("anonymous", "shared memory", "file pages"),
        _kinds,
        _kinds_tip,
        among=_watched,
    ),
)
