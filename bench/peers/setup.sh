#!/usr/bin/env bash
# Makes the Python environment of the peers (1.5 GB) by pip, from whatever registry pip is set up with.
#
#   bash bench/peers/setup.sh [DIR]      DIR: default $PUSHFORWARD_VENV, or pushforward-peers in the user's cache
#
# PYTHON names the interpreter (python3.11 is what the versions were pinned with). On Linux it needs gcc and binutils:
# see standins.py for how torch comes without CUDA's libraries.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
venv="${1:-${PUSHFORWARD_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/pushforward-peers}}"
"${PYTHON:-python3.11}" -m venv "$venv"
"$venv/bin/pip" install -q -U pip
"$venv/bin/pip" install -q --no-deps -r "$here/requirements.txt"
if [ "$(uname)" = Linux ]; then
  "$venv/bin/python" "$here/standins.py" "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
fi
"$venv/bin/python" "$here/peers.py" torch --seconds 0.05 train/small
echo "made $venv"
