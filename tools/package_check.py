"""Check the built wheel and sdist as a stranger would meet them.

    python tools/package_check.py [folder with one wheel and one sdist]

For every Python that ``pyproject.toml`` names and that is found, the wheel is installed into a
fresh environment outside the checkout, and every command is run there: its ``--help`` and a small
call of its own, with no home to write to, no ``PYTHONPATH`` and an empty current folder. With the
last of them the sdist is installed over the wheel and tried too. Needs the network or a pip cache.

Environment
-----------
PYTHONS   interpreters to use beside those on the PATH, separated by blanks
REQUIRE   versions that must be there, e.g. ``3.11,3.12,3.13``; others may be missing

Exit codes: 0 all is well, 1 something is not (each finding is printed), 2 nothing to check.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.metadata import Metadata

__all__ = ["copyleft", "main"]

ROOT = Path(__file__).resolve().parent.parent

CALL_SECONDS = 300.0
INSTALL_SECONDS = 1800.0

COMMANDS = (
    "", "run", "scenarios", "play", "questions", "regime", "serve",
    "ledger", "ledger list", "ledger show", "ledger check", "ledger changes",
    "world", "world show", "world check", "world build", "world aggregate",
)  # fmt: skip

JSON_CALLS = (
    "run us-cars-25 --format json",
    "scenarios --format json",
    "play number-one-partner --draws 2 --format json",
    "questions --format json",
    "regime --date 2025-04-10 --exporter CHN --hs 870323 --why --format json",
    "ledger list --format json",
    "ledger show actors/usa --format json",
    "ledger check --format json",
    "ledger check --evidence --format json",
    "ledger changes --from 2025-04-01 --to 2025-04-15 --format json",
    "world show --format json",
    "world check --format json",
    "world aggregate --countries EU27,ASEAN --sectors goods,services --format json",
)
"""Calls that exit with 0 and print one JSON document."""

WRITING_CALLS = (
    ("run us-cars-25 --out made", ("run.json",)),
    ("play number-one-partner --draws 2 --out made", (".md", ".json", ".csv")),
    ("world aggregate --countries EU27 --out made/small.nc", ("small.nc",)),
)
"""Calls that write, and how names among what they write end."""

REFUSED_CALLS = (
    ("run no-such-scenario", "no-such-scenario"),
    ("world build no-such-folder --out made", "no-such-folder"),
    ("serve --port 0 --host 0.0.0.0", "--public"),
)
"""Calls that exit with 2, and a word of what they say. ``world build`` needs the raw tables, which
no package holds, so that only its refusal can be tried."""


@dataclass
class Findings:
    """What was found wrong; every check goes on after a finding."""

    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> bool:
        """Note ``otherwise`` where something does not hold."""
        if not holds:
            self.wrong.append(otherwise)
            print(f"  WRONG: {otherwise}", flush=True)
        return holds


@dataclass(frozen=True)
class Place:
    """A fresh environment: its folder, its Python's version, and an empty folder to work in."""

    version: str
    venv: Path
    work: Path

    @property
    def python(self) -> str:
        """The interpreter."""
        return str(self.venv / "bin" / "python")

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a command: below /dev/null not even root can make a folder."""
        temp = self.work.parent / "temp"
        temp.mkdir(exist_ok=True)
        return {
            "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.defpath}",
            "HOME": "/dev/null",
            "TMPDIR": str(temp),
            "LANG": "C.UTF-8",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def call(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run ``detente`` with these arguments; one that does not end is killed, and says so."""
        command = [str(self.venv / "bin" / "detente"), *args]
        try:
            return subprocess.run(
                command, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=CALL_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            late = f"did not end within {CALL_SECONDS:.0f} s"
            return subprocess.CompletedProcess(command, -signal.SIGKILL, "", late)

    def pip(self, *args: str) -> str:
        """Run pip with the caller's settings (index, proxy, cache); its output.

        Raises RuntimeError with pip's words where it fails.
        """
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        done = subprocess.run(
            [self.python, "-m", "pip", "--disable-pip-version-check", *args],
            cwd=self.work, env=kept, capture_output=True, text=True, timeout=INSTALL_SECONDS,
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.strip()[-2000:]
            raise RuntimeError(f"pip {' '.join(args)}: exit {done.returncode}; {said}")
        return done.stdout


def copyleft(metadata: dict[str, Any]) -> str | None:
    """The GPL-like licence a distribution states (GPL, LGPL, AGPL), or None.

    ``metadata`` holds what `inspect` reads. A choice between licences counts as its best; the GCC
    runtime exception frees what is linked. A ``License`` field of many lines is a text, not a
    name: texts in wheels quote the licences of parts.
    """
    stated = stated_licence(metadata)
    choices = re.split(r"\bOR\b", stated) if metadata.get("license_expression") else [stated]
    pattern = r"\b[AL]?GPL(?!\S*\s+WITH\s+GCC-exception)|General Public License"
    bad = [re.search(pattern, choice, re.IGNORECASE) is not None for choice in choices]
    return stated if all(bad) else None


def stated_licence(metadata: dict[str, Any]) -> str:
    """The licence in one line: the expression, else the classifiers and a short field; or ''."""
    if expression := metadata.get("license_expression"):
        return expression
    found = [
        line.rsplit("::", 1)[-1].strip()
        for line in metadata.get("classifier", [])
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    name = (metadata.get("license") or "").strip()
    if name and "\n" not in name and name not in found:
        found.append(name)
    if not found and name:
        found = [name.splitlines()[0].strip()]
    return "; ".join(found)


def main(args: Sequence[str]) -> int:
    """Check the wheel and the sdist of a folder; the exit code."""
    dist = Path(args[0] if args else ROOT / "dist").resolve()
    wheels, sdists = sorted(dist.glob("*.whl")), sorted(dist.glob("*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        print(f"{dist}: holds {len(wheels)} wheels and {len(sdists)} sdists; one of each is needed")
        return 2
    wheel, sdist = wheels[0], sdists[0]
    findings = Findings()
    contents(wheel, sdist, findings)
    pythons = interpreters(findings)
    if not pythons:
        print("no Python to check with; name some in PYTHONS")
        return 2
    versions: dict[str, dict[str, str]] = {}
    for number, (version, python) in enumerate(pythons.items(), start=1):
        with tempfile.TemporaryDirectory(prefix="detente-package-") as temp:
            # a checkout above would be found by nothing, but then nobody would have to ask
            if ROOT in Path(temp).resolve().parents:
                raise RuntimeError(f"{temp}: lies in the checkout; set TMPDIR to another folder")
            place = make_place(version, python, Path(temp))
            versions[version] = check_wheel(place, wheel, findings)
            if number == len(pythons):
                check_sdist(place, sdist, findings)
    table(versions)
    print(f"{len(findings.wrong)} findings" if findings.wrong else "all is well")
    for line in findings.wrong:
        print(f"  {line}")
    return 1 if findings.wrong else 0


def contents(wheel: Path, sdist: Path, findings: Findings) -> None:
    """Every file of the package is in both, and nothing else is in the wheel."""
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "detente").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {n for n in archive.namelist() if ".dist-info/" not in n}
        licences = [n for n in archive.namelist() if n.endswith("/licenses/LICENSE")]
    with tarfile.open(sdist) as archive:
        packed = {n.split("/", 1)[-1] for n in archive.getnames()}
    metadata(wheel, findings)
    data = sum(not name.endswith(".py") for name in wanted)
    print(f"{wheel.name}: {size(wheel.stat().st_size)}, {len(held)} files, {data} of them data")
    print(f"{sdist.name}: {size(sdist.stat().st_size)}, {len(packed)} files")
    findings.expect(data > 0, "src/detente: no data files; the check looks in the wrong place")
    findings.expect(len(licences) == 1, f"{wheel.name}: lacks LICENSE")
    lacking = sorted(wanted - held)
    findings.expect(not lacking, f"{wheel.name}: lacks {len(lacking)} files: {lacking[:5]}")
    more = sorted(held - wanted)
    findings.expect(not more, f"{wheel.name}: holds {len(more)} others: {more[:5]}")
    lacking = sorted({f"src/{name}" for name in wanted} - packed)
    findings.expect(not lacking, f"{sdist.name}: lacks {len(lacking)} files: {lacking[:5]}")


def metadata(wheel: Path, findings: Findings) -> None:
    """The wheel's metadata follow the standard, and say what an index shows of the project."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        text = archive.read(name)
    try:
        stated = Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        for error in group.exceptions:
            findings.expect(False, f"{wheel.name}: METADATA: {error}")
        return
    kind = stated.description_content_type or "none"
    findings.expect(kind.startswith("text/markdown"), f"{wheel.name}: METADATA: README is {kind}")
    for field_ in ("summary", "description", "license_expression", "requires_python"):
        findings.expect(bool(getattr(stated, field_)), f"{wheel.name}: METADATA: no {field_}")


def interpreters(findings: Findings) -> dict[str, str]:
    """Version -> interpreter, for the versions ``pyproject.toml`` names that are found."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        classifiers = tomllib.load(file)["project"]["classifiers"]
    named = [m[1] for c in classifiers if (m := re.search(r":: Python :: (3\.\d+)$", c))]
    found: dict[str, str] = {}
    candidates = [Path(p).expanduser() for p in os.environ.get("PYTHONS", "").split()]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates += [
        Path(p) for v in named for f in folders if (p := shutil.which(f"python{v}", path=f))
    ]
    for python in candidates:
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        # a shim on the PATH may stand for nothing, and the next folder may hold the real one
        try:
            said = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True)
        except OSError as error:
            findings.expect(False, f"PYTHONS: {python} does not run ({error.strerror})")
            continue
        version = said.stdout.strip()
        if said.returncode == 0 and version in named:
            found.setdefault(version, str(python))
    required = [v for v in re.split(r"[,\s]+", os.environ.get("REQUIRE", "")) if v]
    for version in sorted({*named, *required}, key=lambda v: [int(n) for n in v.split(".")]):
        if version not in found:
            print(f"Python {version}: not found, not checked")
            findings.expect(version not in required, f"Python {version}: required, not found")
    return {v: found[v] for v in named if v in found}


def make_place(version: str, python: str, temp: Path) -> Place:
    """A fresh environment in ``temp``."""
    place = Place(version, temp / "venv", temp / "work")
    place.work.mkdir()
    subprocess.run([python, "-I", "-m", "venv", str(place.venv)], check=True, cwd=place.work)
    return place


def check_wheel(place: Place, wheel: Path, findings: Findings) -> dict[str, str]:
    """Install the wheel without and then with its web extra; name -> version of all there is."""
    start = time.monotonic()
    place.pip("install", "--quiet", str(wheel))
    default = inspect(place)
    print(
        f"Python {place.version}: {len(default)} distributions in {seconds(start)}, "
        f"{size(below(place.venv))} on the disk", flush=True,
    )  # fmt: skip
    licences(place, default, findings)
    refused(place, "serve --port 0", "detente[web]", findings)
    start = time.monotonic()
    place.pip("install", "--quiet", f"{wheel}[web]")
    place.pip("check")
    print(f"  with [web] in {seconds(start)}, {size(below(place.venv))} on the disk", flush=True)
    start = time.monotonic()
    check_commands(place, findings)
    print(f"  every command in {seconds(start)}", flush=True)
    return {name: data["version"] for name, data in inspect(place).items()}


def check_sdist(place: Place, sdist: Path, findings: Findings) -> None:
    """Install the sdist where the wheel was, and run every command again."""
    start = time.monotonic()
    place.pip("uninstall", "--quiet", "--yes", "detente")
    place.pip("install", "--quiet", "--no-deps", str(sdist))
    print(f"Python {place.version}: sdist in {seconds(start)}", flush=True)
    check_commands(place, findings)


def inspect(place: Place) -> dict[str, dict[str, Any]]:
    """Name -> version and licence fields of what is installed, without pip itself.

    Read from the files, since an older pip does not know of licence expressions.
    """
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    said = subprocess.run(
        [place.python, "-I", "-c", ask], capture_output=True, text=True, check=True
    )  # fmt: skip
    # the JSON form spells the fields license_expression, license and classifier
    read = [d.metadata.json for d in distributions(path=[said.stdout.strip()])]
    found: dict[str, dict[str, Any]] = {str(entry["name"]).lower(): entry for entry in read}
    return {name: found[name] for name in sorted(found) if name not in ("pip", "setuptools")}


def licences(place: Place, installed: dict[str, dict[str, Any]], findings: Findings) -> None:
    """No GPL-like licence in the default install, and none unknown."""
    for name, metadata in installed.items():
        stated = stated_licence(metadata)
        print(f"  licence of {name} {metadata['version']}: {stated or 'none stated'}")
        where = f"Python {place.version}: {name} {metadata['version']}"
        findings.expect(bool(stated), f"{where}: states no licence")
        findings.expect(copyleft(metadata) is None, f"{where}: is under {stated}")


def check_commands(place: Place, findings: Findings) -> None:
    """Every command's help, a call of its own, and that nothing was written unasked."""
    where = f"Python {place.version}: "
    ask = "import detente; print(detente.__file__)"
    said = subprocess.run(
        [place.python, "-c", ask], cwd=place.work, env=place.environment,
        capture_output=True, text=True, timeout=CALL_SECONDS,
    ).stdout.strip()  # fmt: skip
    findings.expect(said.startswith(str(place.venv)), f"{where}detente comes from {said!r}")
    for command in COMMANDS:
        done = place.call(*command.split(), "--help")
        holds = done.returncode == 0 and "usage" in done.stdout.lower()
        findings.expect(holds, f"{where}detente {command} --help: {ending(done)}")
    for line in JSON_CALLS:
        done = place.call(*line.split())
        holds = done.returncode == 0 and is_json(done.stdout)
        findings.expect(holds, f"{where}detente {line}: {ending(done)}")
    for line, word in REFUSED_CALLS:
        refused(place, line, word, findings)
    serve(place, findings)
    left = [p.name for p in place.work.iterdir()]
    findings.expect(not left, f"{where}written unasked: {left}")
    made = place.work / "made"
    for line, endings in WRITING_CALLS:
        made.mkdir()
        done = place.call(*line.split())
        names = [p.name for p in made.rglob("*") if p.is_file() and p.stat().st_size]
        holds = done.returncode == 0 and all(any(n.endswith(e) for n in names) for e in endings)
        findings.expect(holds, f"{where}detente {line}: {ending(done)}; wrote {names}")
        shutil.rmtree(made)


def refused(place: Place, line: str, word: str, findings: Findings) -> None:
    """A call that must exit with 2 and say ``word`` in its one line."""
    done = place.call(*line.split())
    holds = done.returncode == 2 and word in done.stderr and not done.stdout
    findings.expect(holds, f"Python {place.version}: detente {line}: {ending(done)}")


def serve(place: Place, findings: Findings) -> None:
    """The live page starts on a free port, answers, and ends with 0 at SIGTERM."""
    where = f"Python {place.version}: detente serve"
    process = subprocess.Popen(
        [str(place.venv / "bin" / "detente"), "serve", "--port", "0", "--workers", "1"],
        cwd=place.work, env=place.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    guard = threading.Timer(CALL_SECONDS, process.kill)  # ends a read that would never end
    guard.start()
    try:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        if url := first_url(lines):
            # a proxy of the caller's is not asked for this machine
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for path in ("healthz", ""):
                with opener.open(url + path, timeout=CALL_SECONDS) as answer:
                    findings.expect(answer.status == 200, f"{where}: /{path}: {answer.status}")
            process.send_signal(signal.SIGTERM)
        rest = "".join(lines)
        code = process.wait()
        findings.expect(bool(url) and code == 0, f"{where}: exit {code} at SIGTERM; {rest[-500:]}")
    except OSError as error:
        findings.expect(False, f"{where}: does not answer ({error})")
    finally:
        guard.cancel()
        process.kill()
        process.wait()


def first_url(lines: Iterator[str]) -> str | None:
    """The address in the first line that has one."""
    return next((m[0] for line in lines if (m := re.search(r"http://\S+/", line))), None)


def is_json(text: str) -> bool:
    """Whether ``text`` is one JSON document; NaN is none."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def ending(done: subprocess.CompletedProcess[str]) -> str:
    """How a command ended, in a line."""
    return f"exit {done.returncode}; {(done.stderr or done.stdout).strip()[-500:]!r}"


def below(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file())


def size(count: int) -> str:
    """A count of bytes in MB."""
    return f"{count / 1e6:.1f} MB"


def seconds(start: float) -> str:
    """Seconds since ``start``."""
    return f"{time.monotonic() - start:.0f} s"


def table(versions: dict[str, dict[str, str]]) -> None:
    """What was installed, a column a Python."""
    print("| distribution | " + " | ".join(versions) + " |")
    print("|---|" + "---|" * len(versions))
    for name in sorted({n for held in versions.values() for n in held}):
        print(f"| {name} | " + " | ".join(held.get(name, "") for held in versions.values()) + " |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
