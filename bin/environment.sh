# Sourced by bin/demo and bin/test: makes .venv with the pinned packages. Needs Python 3.10 to 3.13 and nothing else.
# shellcheck shell=sh

# A newcomer's first command must not fetch an interpreter behind their back.
: "${UV_PYTHON_DOWNLOADS:=never}"
export UV_PYTHON_DOWNLOADS

# Airflow starts many processes: without bytecode on disk each of them compiles everything again.
unset PYTHONDONTWRITEBYTECODE
# What is installed elsewhere is not for this environment.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

complain() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# Prints the command of a Python that fits. A name may be a shim with nothing behind it, so each one is asked.
find_python() {
    for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# Prints the command of uv, if there is one outside the environment.
find_uv() {
    for candidate in uv "${HOME:-}/.local/bin/uv" /opt/homebrew/bin/uv /usr/local/bin/uv; do
        if "$candidate" --version >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# Makes an empty .venv, and sets $uv to the uv that fills it.
make_venv() {
    if uv=$(find_uv); then
        [ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv || complain "uv could not make .venv"
        return
    fi
    uv=.venv/bin/uv
    [ -x "$uv" ] && return
    printf 'Installing uv into .venv ...\n'
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        rm -rf .venv
        complain "$python has no venv module. On Debian or Ubuntu: apt install python3-venv. Or install uv and try again"
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv || complain "pip could not install uv"
}

# stamp_of NAME: prints the file that says that .venv was filled for this purpose, from the packages named now.
stamp_of() {
    printf '.venv/promo-%s-%s\n' "$1" "$(cat pyproject.toml constraints.txt | cksum | tr ' ' '-')"
}

# ensure_environment NAME ARGUMENT...: installs what ARGUMENTs of `uv pip install` name, unless it was done before.
ensure_environment() {
    purpose=$1
    shift
    stamp=$(stamp_of "$purpose")
    [ -e "$stamp" ] && return
    python=$(find_python) || complain "Python 3.10, 3.11, 3.12 or 3.13 is needed, and none was found"
    make_venv
    printf 'Installing packages into .venv ...\n'
    "$uv" pip install --quiet --python .venv/bin/python --constraint constraints.txt --compile-bytecode "$@" ||
        complain "the packages could not be installed (see above)"
    rm -f ".venv/promo-$purpose-"*
    : >"$stamp"
}

ensure_demo_environment() {
    # A developer's environment has everything in it already.
    [ -e "$(stamp_of development)" ] && return
    ensure_environment demo --editable '.[embedded]'
}

ensure_development_environment() {
    ensure_environment development --editable '.[embedded,fcm]' --group dev --group bench
}
