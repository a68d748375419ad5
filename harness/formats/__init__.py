"""Export formats: each module with a function ``write``, of a run, its cases and a stream.

It returns how many cases it has written, and writes nothing if there are none: what reads a format
refuses an empty file.
"""

from importlib.resources import files


def export_formats() -> tuple[str, ...]:
    """The formats there are, named as their modules, which are not imported for it."""
    return tuple(
        sorted(
            module.name.removesuffix(".py").replace("_", "-")
            for module in files(__name__).iterdir()
            if module.name.endswith(".py") and "\ndef write(" in module.read_text("utf-8")
        )
    )
