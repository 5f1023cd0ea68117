# SPDX-License-Identifier: BSD-3-Clause
"""The build backend (PEP 517): builds libdpmix with Meson and puts it into the wheel, beside the package.

The sources of the library lie two folders up, or in an sdist in its folder `libdpmix`. Meson and Ninja are
those of the system; where they are not there, pip fetches them. Needed besides: a C compiler, pkg-config, and
the development files of BLIS, Jansson, LAPACKE, libsodium, zlib and SQLite.

Settings (pip's --config-settings): builddir=FOLDER keeps the build of the library for the next time;
setup-args=ARGUMENTS goes to `meson setup`.
"""
import base64
import gzip
import hashlib
import io
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent
IN_SDIST = HERE / "libdpmix"
LIBRARY = "libdpmix.so.1"
PACKAGE_FILES = (".py", ".typed")
SOURCE_FILES = (".c", ".h", ".hpp", ".map", ".build")
EPOCH = (1980, 1, 1, 0, 0, 0)  # of the archives: the same sources give the same bytes


def _root():
    root = IN_SDIST if IN_SDIST.is_dir() else HERE.parent.parent
    if not (root / "include/dpmix/version.h").is_file():
        raise RuntimeError("the sources of libdpmix are not there: neither in libdpmix/ nor two folders up")
    return root


def _version():
    header = (_root() / "include/dpmix/version.h").read_text(encoding="utf-8")
    return re.search(r'^#define DPMIX_VERSION "([^"]+)"$', header, flags=re.M)[1]


def _metadata():
    template = (HERE / "_build/METADATA").read_text(encoding="utf-8")
    return template.replace("@VERSION@", _version()) + (HERE / "README.md").read_text(encoding="utf-8")


def _package():
    return sorted(path for path in (HERE / "dpmix").rglob("*") if path.suffix in PACKAGE_FILES)


def _tools():
    """Meson and Ninja for pip to fetch, unless they can be called already."""
    missing = []
    if not shutil.which("meson"):
        missing.append("meson>=1.0")
    if not any(shutil.which(name) for name in ("ninja", "ninja-build", "samu")):
        missing.append("ninja")
    return missing


def get_requires_for_build_wheel(config_settings=None):
    return _tools()


def get_requires_for_build_sdist(config_settings=None):
    return []


def _build_library(folder, settings):
    """Compiles the library, nothing else of the project; its path."""
    target = "lib/libdpmix.so." + _version()
    setup = ["meson", "setup", "--buildtype=release", "-Dtests=false", "-Dexamples=false",
             *shlex.split(settings.get("setup-args", "")), str(folder), str(_root())]
    if not (folder / "build.ninja").exists():
        subprocess.run(setup, check=True)
    ninja = next(name for name in ("ninja", "ninja-build", "samu") if shutil.which(name))
    subprocess.run([ninja, "-C", str(folder), target], check=True)
    return folder / target


def _tag():
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"py3-none-{platform}"


class _Wheel:
    """A wheel that is being written, and its RECORD."""

    def __init__(self, path, info):
        self.archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self.info = info
        self.record = []

    def add(self, name, content, mode=0o644):
        entry = zipfile.ZipInfo(name, EPOCH)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        self.archive.writestr(entry, content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        self.record.append(f"{name},sha256={digest},{len(content)}")

    def close(self):
        name = f"{self.info}/RECORD"
        self.archive.writestr(zipfile.ZipInfo(name, EPOCH), "\n".join([*self.record, f"{name},,", ""]))
        self.archive.close()


def _wheel_text():
    return f"Wheel-Version: 1.0\nGenerator: dpmix\nRoot-Is-Purelib: false\nTag: {_tag()}\n"


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = f"dpmix-{_version()}.dist-info"
    folder = pathlib.Path(metadata_directory, info)
    folder.mkdir()
    (folder / "METADATA").write_text(_metadata(), encoding="utf-8")
    (folder / "WHEEL").write_text(_wheel_text(), encoding="utf-8")
    return info


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    settings = config_settings or {}
    info = f"dpmix-{_version()}.dist-info"
    name = f"dpmix-{_version()}-{_tag()}.whl"
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(settings.get("builddir") or scratch).absolute()
        library = _build_library(folder, settings).read_bytes()
    wheel = _Wheel(pathlib.Path(wheel_directory, name), info)
    for path in _package():
        wheel.add(path.relative_to(HERE).as_posix(), path.read_bytes())
    wheel.add(f"dpmix/{LIBRARY}", library, 0o755)
    wheel.add(f"{info}/COPYING", (_root() / "COPYING").read_bytes())
    wheel.add(f"{info}/METADATA", _metadata().encode())
    wheel.add(f"{info}/WHEEL", _wheel_text().encode())
    wheel.close()
    return name


def _sources():
    """The files of the library that its build needs, by their place in the project."""
    root = _root()
    for name in ("COPYING", "meson.build", "meson_options.txt"):
        yield name, root / name
    for folder in ("include", "lib"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCE_FILES and path.is_file():
                yield path.relative_to(root).as_posix(), path
    for path in sorted((root / "doc").rglob("*")):  # the project's meson.build names its files
        if path.is_file():
            yield path.relative_to(root).as_posix(), path


def build_sdist(sdist_directory, config_settings=None):
    top = f"dpmix-{_version()}"
    content = {"PKG-INFO": _metadata().encode(), "COPYING": (_root() / "COPYING").read_bytes()}
    for name in ("pyproject.toml", "README.md", "_build/backend.py", "_build/METADATA"):
        content[name] = (HERE / name).read_bytes()
    for path in _package():
        content[path.relative_to(HERE).as_posix()] = path.read_bytes()
    for name, path in _sources():
        content[f"libdpmix/{name}"] = path.read_bytes()
    path = pathlib.Path(sdist_directory, top + ".tar.gz")
    with open(path, "wb") as plain, gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return os.path.basename(path)
