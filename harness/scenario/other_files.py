"""Files that are no .npy file: what they are by their first bytes or name, and what helps."""

from __future__ import annotations

import zipfile
from pathlib import Path

NUMPY = b"\x93NUMPY"
_FIRST_BYTES = 16

_ARCHIVE = "a compressed file or an archive", "unpack it first"
_ARROW = "an Arrow file", "save a column: numpy.save('mine.npy', column.to_numpy())"
_HDF5 = "an HDF5 file", "save a dataset of it: numpy.save('mine.npy', file['NAME'][:])"
_NPZ = "an archive of arrays", "save one of them: numpy.save('mine.npy', archive['NAME'])"
_PARQUET = "a Parquet file", "save its numbers: numpy.save('mine.npy', frame.to_numpy('float32'))"
_PICKLE = "a pickle, which could run code", "save the array in it with numpy.save"
_PICTURE = (
    "a picture",
    "save all of them as one array: numpy.save('mine.npy', numpy.stack(pictures))",
)
_TABLE = "a text file", "save its numbers: numpy.save('mine.npy', frame.to_numpy('float32'))"
_TENSORS = "a file by safetensors", "save a tensor of it: numpy.save('mine.npy', tensor.numpy())"
_TORCH = (
    "a file written by torch.save",
    "save a tensor of it: numpy.save('mine.npy', tensor.numpy())",
)
_VALUES = "a file of values without a header", ""
_ZARR = "a Zarr array", "save as much as fits on your disk: numpy.save('mine.npy', array[:])"

_BY_BEGINNING = {
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"PAR1": _PARQUET,
    b"ARROW1": _ARROW,
    b"FEA1": _ARROW,
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"\x1f\x8b": _ARCHIVE,
    b"BZh": _ARCHIVE,
    b"\xfd7zXZ": _ARCHIVE,
    b"\x28\xb5\x2f\xfd": _ARCHIVE,
    **{b"\x80" + bytes([protocol]): _PICKLE for protocol in range(2, 6)},
}
_BY_SUFFIX = {
    **dict.fromkeys((".npz",), _NPZ),
    **dict.fromkeys((".h5", ".hdf5", ".he5"), _HDF5),
    **dict.fromkeys((".zarr",), _ZARR),
    **dict.fromkeys((".pt", ".pth", ".ckpt"), _TORCH),
    **dict.fromkeys((".safetensors",), _TENSORS),
    **dict.fromkeys((".arrow", ".feather"), _ARROW),
    **dict.fromkeys((".parquet",), _PARQUET),
    **dict.fromkeys((".csv", ".tsv", ".txt", ".json", ".jsonl"), _TABLE),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLE),
    **dict.fromkeys((".tar", ".tgz", ".gz", ".zst", ".xz", ".bz2", ".zip"), _ARCHIVE),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp"), _PICTURE),
    **dict.fromkeys((".bin", ".dat", ".raw"), _VALUES),
}


def is_zarr(path: Path) -> bool:
    """Whether a folder holds a Zarr array or group."""
    return any((path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))


def what_it_is(path: Path) -> str:
    """What a file is that is no .npy file, and what to do, as the end of a sentence about it."""
    called, instead = _known(path)
    if called == _VALUES[0]:
        return f"{called}; say what is in it, such as --raw {path} --dtype uint16 --shape -1,1024"
    return f"{called}; {instead}"


def _known(path: Path) -> tuple[str, str]:
    if path.is_dir():
        return _ZARR
    with path.open("rb") as stream:
        begins = stream.read(_FIRST_BYTES)
    if begins.startswith(b"PK"):
        return _zip(path)
    by_suffix = _BY_SUFFIX.get(path.suffix.lower())
    if by_suffix in (_TORCH, _PICKLE):  # torch.save used to write pickles
        return by_suffix
    for beginning, known in _BY_BEGINNING.items():
        if begins.startswith(beginning):
            return known
    return by_suffix or ("not a .npy file by its first bytes", "write it with numpy.save")


def _zip(path: Path) -> tuple[str, str]:
    """NumPy and torch save zip files of different contents."""
    try:
        with zipfile.ZipFile(path) as opened:
            names = opened.namelist()
    except zipfile.BadZipFile:
        return _ARCHIVE
    if any(name.endswith(".npy") for name in names):
        return _NPZ
    return _TORCH if any(name.endswith("data.pkl") for name in names) else _ARCHIVE
