"""Setting up on machines that lack something: with stand-ins for python3, apt-get and the like."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PYTHON = f"""#!/bin/sh
case "$*" in
*"import ensurepip, venv"*) test -e "$STATE/venv-installed" ;;
*version_info*"< (3, 11)"*) test ! -e "$STATE/old" ;;
--version) echo Python 3.9.2 ;;
*) exec {sys.executable} "$@" ;;
esac
"""
APT = """#!/bin/sh
echo "$DEBIAN_FRONTEND apt-get $*" >>"$STATE/log"
test -x "$POLICY_RC_D" && echo "policy in place" >>"$STATE/log"
case "$*" in
*install*) touch "$STATE/venv-installed" ;;
download*) shift 2; for name; do touch "$name.deb"; done ;;
esac
"""
APT_CACHE = """#!/bin/sh
printf 'Package: p\\nDepends: adduser, libtwo (>= 1), default-mta | mail-transport-agent, libone:any, cyrus-common\\n'
"""
DPKG_DEB = """#!/bin/sh
name=${2##*/}; touch "$3/${name%.deb}"
"""


@pytest.fixture
def machine(tmp_path):
    """A PATH with stand-ins; root by default."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def program(name, text):
        file = programs / name
        file.write_text(text)
        file.chmod(0o755)

    program("python3", PYTHON)
    program("apt-get", APT)
    program("apt-cache", APT_CACHE)
    program("dpkg-deb", DPKG_DEB)
    program("getent", "#!/bin/sh\nexit 2\n")
    program("useradd", '#!/bin/sh\necho "useradd $*" >>"$STATE/log"\n')
    program("id", '#!/bin/sh\ncat "$STATE/uid"\n')
    program("dpkg-query", '#!/bin/sh\ncase "$*" in *procmail*) echo installed ;; *) exit 1 ;; esac\n')
    (tmp_path / "uid").write_text("0\n")
    (tmp_path / "log").touch()
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "STATE": str(tmp_path),
        "POLICY_RC_D": str(tmp_path / "policy-rc.d"),
    }

    def run(*command):
        return subprocess.run(
            command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    run.state = tmp_path
    return run


def test_venv_is_installed_where_it_is_missing(machine):
    venv = machine.state / "venv"
    done = machine("sh", ".ci/venv", str(venv), "python3")
    assert (done.returncode, done.stderr) == (0, "")
    version = "python{}.{}-venv".format(*sys.version_info)
    assert (
        f"noninteractive apt-get install -y -qq --no-install-recommends {version}"
        in (machine.state / "log").read_text()
    )
    assert (venv / "bin" / "pip").exists()
    before = (venv / "pyvenv.cfg").stat().st_mtime_ns
    assert machine("sh", ".ci/venv", str(venv), "python3").returncode == 0
    assert (venv / "pyvenv.cfg").stat().st_mtime_ns == before


def test_without_root_one_line_says_what_to_install(machine):
    (machine.state / "uid").write_text("1000\n")
    done = machine("sh", ".ci/venv", str(machine.state / "venv"), "python3")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert re.search(r"apt-get install python3\.[0-9]+-venv", line)
    assert (machine.state / "log").read_text() == ""


def test_an_old_or_missing_python_is_told(machine):
    (machine.state / "old").touch()
    done = machine("sh", ".ci/venv", str(machine.state / "venv"), "python3")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Python 3.9.2 is too old" in done.stderr
    missing = machine("sh", ".ci/venv", str(machine.state / "venv"), "python3.99")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_only_missing_packages_are_installed(machine):
    done = machine("sh", ".ci/debian-packages")
    assert done.returncode == 0
    log = (machine.state / "log").read_text()
    [install] = [line for line in log.splitlines() if "install" in line]
    assert "dovecot-imapd" in install
    assert "procmail" not in install.split()
    assert "policy in place" in log  # nothing is started
    assert not (machine.state / "policy-rc.d").exists()


def test_without_root_packages_are_named(machine):
    (machine.state / "uid").write_text("1000\n")
    done = machine("sh", ".ci/debian-packages")
    assert done.returncode == 0
    assert "not installed, so some tests are skipped:" in done.stderr
    assert " dovecot-imapd " in done.stderr
    assert (machine.state / "log").read_text() == ""


def test_packages_that_conflict_are_unpacked_with_their_libraries_installed(machine):
    folder = machine.state / "venv" / "debian"
    done = machine("sh", ".ci/debian-unpacked", str(folder))
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    log = (machine.state / "log").read_text()
    [install] = [line for line in log.splitlines() if " install " in line]
    assert install.split()[-2:] == ["libone", "libtwo"]
    assert re.search(r"apt-get download -qq .*\bcyrus-common cyrus-imapd\b", log)
    assert re.search(r"^useradd --system .* Debian-exim$", log, re.MULTILINE)
    assert (folder / "cyrus-imapd").exists()
    (machine.state / "log").write_text("")
    assert machine("sh", ".ci/debian-unpacked", str(folder)).stderr == ""
    assert (machine.state / "log").read_text() == ""


def test_without_root_what_would_be_unpacked_is_named(machine):
    (machine.state / "uid").write_text("1000\n")
    done = machine("sh", ".ci/debian-unpacked", str(machine.state / "debian"))
    assert done.returncode == 0
    assert re.search(r"not unpacked, so some tests are skipped: .*\bcyrus-common\b", done.stderr)
    assert not (machine.state / "debian").exists()


def test_every_dependency_is_pinned_with_hashes_and_without_addresses():
    for name in ("build", "run", "dev"):
        text = (TOP / "requirements" / f"{name}.txt").read_text()
        assert "://" not in text
        assert "--index-url" not in text
        blocks = re.split(r"\n(?! )", text.strip())
        for block in blocks:
            assert re.match(r"[A-Za-z0-9._-]+==[0-9]", block), block[:60]
            assert "--hash=sha256:" in block


def test_every_direct_dependency_is_pinned():
    import tomllib

    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    wanted = {
        "run": project["project"]["dependencies"],
        "build": project["dependency-groups"]["build"] + project["build-system"]["requires"],
        "dev": project["project"]["dependencies"] + project["dependency-groups"]["dev"],
    }
    for name, requirements in wanted.items():
        pinned = {
            line.partition("==")[0]
            for line in (TOP / "requirements" / f"{name}.txt").read_text().splitlines()
        }
        for requirement in requirements:
            assert re.split(r"[\[<>=~! ;]", requirement)[0].lower() in pinned
