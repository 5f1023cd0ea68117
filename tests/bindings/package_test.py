# SPDX-License-Identifier: BSD-3-Clause
"""The Python package installs: from the source tree, and elsewhere from its sdist and the wheel made of that; into
clean virtual environments, without the network. What is installed passes the package's tests.
Usage: package_test.py SOURCE_ROOT. Ends with 77 (skipped) where venv, pip, Meson or Ninja are missing.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

SKIP = 77


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        print(*command, done.stdout[-4000:], done.stderr[-4000:], sep="\n")
        sys.exit(1)
    return done.stdout


def clean_python(folder):
    """The Python of a new virtual environment with pip."""
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, check=False)
    python = folder / "bin/python"
    if made.returncode or subprocess.run([python, "-m", "pip", "--version"], capture_output=True,
                                         check=False).returncode:
        print("venv or pip is missing")
        sys.exit(SKIP)
    return python


def check_sdist(path, root):
    """It holds all that the build needs, and the licence. Where it was unpacked."""
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
        top = {name.split("/", 1)[0] for name in archive.getnames()}
        archive.extractall(path.parent)
    assert len(top) == 1, top
    sources = {f"libdpmix/{path.relative_to(root).as_posix()}" for folder in ("include", "lib")
               for path in (root / folder).rglob("*") if path.is_file()}
    assert not sources - names, sources - names
    assert {"COPYING", "libdpmix/COPYING", "PKG-INFO", "pyproject.toml"} <= names
    return path.parent / top.pop()


def check_wheel(path):
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        record = archive.read(next(name for name in names if name.endswith("RECORD"))).decode()
    assert "dpmix/libdpmix.so.1" in names and "dpmix/py.typed" in names
    assert {line.split(",")[0] for line in record.splitlines()} == names
    assert "-py3-none-" in path.name and not path.name.endswith("-any.whl"), path.name


def check_installed(python, root, away, environment):
    """Far from the sources: the bundled library is loaded, and the tests pass."""
    path = run(python, "-c", "from dpmix._library import library; print(library.path)", cwd=away, env=environment)
    assert path.strip().startswith(str(python.parent.parent)), path
    run(python, root / "tests/bindings/python_test.py", cwd=away, env=environment)


def main():
    root = pathlib.Path(sys.argv[1])
    if not shutil.which("meson") or not shutil.which("ninja"):
        print("Meson or Ninja is missing")
        sys.exit(SKIP)
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("PYTHONPATH", "DPMIX_LIBRARY", "LD_LIBRARY_PATH")}
    environment.update(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONDONTWRITEBYTECODE="1")
    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch)
        first, second = clean_python(work / "first"), clean_python(work / "second")
        run(first, "-m", "pip", "install", root / "bindings/python", env=environment)
        check_installed(first, root, work, environment)

        (work / "dist").mkdir()
        build = f"import backend; print(backend.build_sdist({str(work / 'dist')!r}))"
        name = run(first, "-c", build, env={**environment, "PYTHONPATH": str(root / "bindings/python/_build")})
        unpacked = check_sdist(work / "dist" / name.strip(), root)
        run(second, "-m", "pip", "wheel", unpacked, "-w", work / "wheels", env=environment)
        wheel = next((work / "wheels").iterdir())
        check_wheel(wheel)
        shutil.rmtree(unpacked)
        run(second, "-m", "pip", "install", wheel, env=environment)
        check_installed(second, root, work, environment)


main()
