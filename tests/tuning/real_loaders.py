"""Loaders as people write them, of files that the first to ask for them makes beside this one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

FOLDER = Path(__file__).parent
ROWS = 64


def _values() -> np.ndarray[Any, Any]:
    return np.arange(ROWS * 16, dtype=np.float32).reshape(ROWS, 16)


class Hdf5(Dataset[Any]):
    """Opens its file when it is first asked, so that each worker has its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Any = None

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> Any:
        if self.file is None:
            import h5py

            self.file = h5py.File(self.path)
        return torch.from_numpy(self.file["x"][index])


def hdf5() -> Any:
    import h5py

    path = FOLDER / "x.h5"
    if not path.exists():
        with h5py.File(path, "w") as file:
            file["x"] = _values()
    return DataLoader(Hdf5(path), batch_size=8, shuffle=True)


class Zarr(Dataset[Any]):
    def __init__(self, path: Path) -> None:
        import zarr

        self.array: Any = zarr.open(str(path), mode="r")

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> Any:
        return torch.from_numpy(np.asarray(self.array[index]))


def zarr_store() -> Any:
    import zarr

    path = FOLDER / "x.zarr"
    if not path.exists():
        made: Any = zarr.open(str(path), mode="w", shape=(ROWS, 16), chunks=(8, 16), dtype="f4")
        made[:] = _values()
    return DataLoader(Zarr(path), batch_size=8)


class Tokens(Dataset[Any]):
    """Random windows of a file of tokens."""

    def __init__(self, path: Path, window: int = 32) -> None:
        self.tokens = np.memmap(path, np.uint16, "r")
        self.window = window

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> Any:
        start = int(torch.randint(len(self.tokens) - self.window - 1, ()))
        piece = self.tokens[start : start + self.window + 1].astype(np.int64)
        return torch.from_numpy(piece[:-1]), torch.from_numpy(piece[1:])


def tokens() -> Any:
    path = FOLDER / "tokens.bin"
    if not path.exists():
        (np.arange(10_000) % 5003).astype(np.uint16).tofile(path)
    return DataLoader(Tokens(path), batch_size=8)


class Pictures(Dataset[Any]):
    """A folder of pictures, cropped and flipped at random."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*.png"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        with Image.open(self.files[index]) as opened:
            pixels = torch.from_numpy(np.array(opened.convert("RGB")))
        top, left = random.randrange(8), random.randrange(8)
        cropped = pixels[top : top + 24, left : left + 24].permute(2, 0, 1)
        return cropped.flip(2) if np.random.rand() < 0.5 else cropped  # noqa: NPY002


def pictures() -> Any:
    folder = FOLDER / "pictures"
    if not folder.exists():
        folder.mkdir()
        for index in range(ROWS):
            pixels = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    return DataLoader(Pictures(folder), batch_size=8, shuffle=True)


class Frame(Dataset[Any]):
    def __init__(self) -> None:
        self.frame = pd.DataFrame(_values()).add_prefix("x")

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> Any:
        return {"row": torch.tensor(self.frame.iloc[index].to_numpy()), "name": f"row {index}"}


def frame() -> Any:
    return DataLoader(Frame(), batch_size=8, shuffle=True)


class Tuples(Dataset[Any]):
    """A list of many Python objects."""

    def __init__(self) -> None:
        self.rows = [(index, float(index), str(index)) for index in range(ROWS)]

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> Any:
        number, value, text = self.rows[index]
        return {"number": number, "value": value, "text": text}


def tuples() -> Any:
    return DataLoader(Tuples(), batch_size=8, drop_last=True)
