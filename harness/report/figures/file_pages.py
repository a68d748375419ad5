"""Memory told apart: pages of files, memory of the processes' own, and memory that they share."""

from __future__ import annotations

import math

from harness.analysis.file_pages import Grown, fullest, grown, mapping, of_tree
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_memory import workers_text
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Bar, BarFigure, ChartLine, ChartPoint, LineFigure, Tip
from harness.charts.ticks import byte_ticks, second_ticks
from harness.report.figures.process_tree import MOST_POINTS
from harness.report.words.order import by_group, emphasis
from harness.report.words.text import beside
from harness.schema.records import Tree, TreeSample
from harness.units import MISSING, format_seconds, format_size

PARTS = ("anonymous", "shared memory", "file pages")
LINES = ("RSS added up", "file pages", "anonymous", "shared memory")


def pages_figure(sweep: Sweep, verdict: Verdict) -> BarFigure | None:
    """What the memory of every strategy's process tree is made of when most is resident."""
    if not sweep.info.watched:
        return None
    by_name = {row.strategy: (row, own) for row in sweep.at(sweep.reference) if (own := grown(row))}
    bars = []
    for group, names in by_group(sweep):
        for name in names:
            if name in by_name:
                row, own = by_name[name]
                kinds = (own.anon_bytes, own.shmem_bytes, own.file_bytes)
                values = tuple(float(max(0, kind)) for kind in kinds)
                weight = emphasis(sweep, verdict, name)
                bars.append(Bar(name, group, weight, values, _tip(row, own)))
    if len(bars) < 2:
        return None
    most = max(sum(bar.values) for bar in bars) * 1.02 or 1.0
    size = sweep.reference
    at = f" At {format_size(size)}." if size is not None else ""
    return BarFigure(
        sweep.info.name,
        "pages",
        "What the memory of an epoch is made of",
        "Growth at the peak of the first epoch; with workers, of PSS summed over all processes. "
        "Pages of files count into RSS and look like a leak, but the system takes them back when "
        f"it needs them; the rest it cannot.{at}{beside(sweep)}",
        Axis("growth", "bytes", False, 0.0, most, byte_ticks(most)),
        PARTS,
        tuple(bars),
        wide=True,
    )


def _tip(row: CaseSummary, own: Grown) -> Tip:
    return (
        ("file pages", format_size(own.file_bytes)),
        ("anonymous", format_size(own.anon_bytes)),
        ("shared memory", format_size(own.shmem_bytes)),
        ("RSS added up", format_size(own.rss_bytes)),
        ("workers", workers_text(row).removeprefix("with ") or "none"),
    )


def mapped_figure(sweep: Sweep) -> LineFigure | None:
    """The memory of a mapped file over an epoch, by kind: what its growing RSS is."""
    found = mapping(sweep.at(sweep.reference), of_tree) if sweep.info.watched else []
    row = found[0] if found else None
    if row is None or row.tree is None:
        return None
    samples = _course(row.tree)
    before = samples[0].rss_bytes
    values = {
        "RSS added up": [sample.rss_bytes - before for sample in samples],
        "file pages": [sample.pss.file_bytes for sample in samples],
        "anonymous": [sample.pss.anon_bytes for sample in samples],
        "shared memory": [sample.pss.shmem_bytes for sample in samples],
    }
    shown = [name for name in LINES if name != "shared memory" or any(values[name])]
    tips = [_course_tip(row.tree, sample, before) for sample in samples]
    lines = tuple(
        ChartLine(
            name,
            row.group,
            "named",
            tuple(
                ChartPoint(sample.at_s, format_seconds(sample.at_s), value, value, value, tip)
                for sample, value, tip in zip(samples, values[name], tips, strict=True)
            ),
        )
        for name in shown
    )
    heights = [point.y for line in lines for point in line.points]
    high, last = max(heights) * 1.06, samples[-1].at_s or 1.0
    return LineFigure(
        sweep.info.name,
        "mapped",
        f"What the growing RSS of {row.strategy} is",
        f"Over {format_size(row.payload_bytes)}, from before the strategy is called to after it "
        "was dropped: RSS grows with every page of the file that is touched, while the memory of "
        "the process's own does not.",
        Axis("time", "seconds", False, 0.0, last, second_ticks(last)),
        Axis("growth", "bytes", False, min(0.0, *heights), high, byte_ticks(high)),
        lines,
        across="after",
        names=LINES,
        dotted=False,
        wide=True,
    )


def _course(tree: Tree) -> list[TreeSample]:
    """The samples, thinned out, but with the fullest and the last."""
    step = math.ceil(len(tree.course) / MOST_POINTS) or 1
    kept = {sample.at_s: sample for sample in tree.course[::step]}
    kept |= {sample.at_s: sample for sample in (fullest(tree.course), tree.course[-1])}
    return [sample for _, sample in sorted(kept.items())]


def _course_tip(tree: Tree, sample: TreeSample, before: int) -> Tip:
    begun = [name for name, at_s in tree.marks if at_s <= sample.at_s]
    return (
        ("during", begun[-1] if begun else MISSING),
        ("RSS grown by", format_size(sample.rss_bytes - before)),
        ("file pages", format_size(sample.pss.file_bytes)),
        ("anonymous", format_size(sample.pss.anon_bytes)),
        ("shared memory", format_size(sample.pss.shmem_bytes)),
    )
