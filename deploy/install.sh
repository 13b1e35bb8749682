#!/usr/bin/env bash
# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
# Install tenacious_rover on a rover's computer: Ubuntu 24.04 or 26.04 on a Pi 5, a Jetson or a PC.
#   sudo deploy/install.sh                 install or update to this checkout
#   sudo deploy/install.sh --rollback      go back to the version before
#   sudo deploy/install.sh --dry-run       say what would be done
# Versions live side by side in /opt/tenacious_rover/<version>; `current` points to the one that runs.
# ROVER_SYSTEM=/some/folder stands in for / (an image that is being made, a test).
set -euo pipefail

SYSTEM=${ROVER_SYSTEM:-}
ROOT=$SYSTEM/opt/tenacious_rover
ETC=$SYSTEM/etc/tenacious_rover
STATE=$SYSTEM/var/lib/tenacious_rover
ACCOUNT=rover
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DRY=

say() { printf 'install: %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 3; }
run() { if [ -n "$DRY" ]; then printf '  would run: %s\n' "$*"; else "$@"; fi; }

distribution() {
  # shellcheck source=/dev/null
  . "$SYSTEM/etc/os-release"
  case "$ID $VERSION_ID" in
    "ubuntu 24.04") echo jazzy ;;
    "ubuntu 26.04") echo lyrical ;;
    *) fail "this is $PRETTY_NAME; ROS 2 has packages for Ubuntu 24.04 (Jazzy) and 26.04 (Lyrical)" ;;
  esac
}

packages() {
  local ros=$1
  local listed=("ros-$ros-ros-base" "ros-$ros-rmw-fastrtps-cpp" "ros-$ros-robot-state-publisher"
    "ros-$ros-xacro" python3-colcon-common-extensions python3-venv python3-dev build-essential cmake
    python3-lgpio i2c-tools v4l-utils)
  if ! apt-cache show "ros-$ros-ros-base" > /dev/null 2>&1; then
    fail "no ROS 2 packages known here: add packages.ros.org as docs.ros.org says, then run this again"
  fi
  say "packages of ROS 2 $ros"
  run apt-get install -y --no-install-recommends "${listed[@]}"
}

account() {
  if ! id -u "$ACCOUNT" > /dev/null 2>&1; then
    say "account $ACCOUNT"
    run useradd --system --create-home --home-dir "$STATE" --shell /usr/sbin/nologin "$ACCOUNT"
  fi
  for group in dialout i2c gpio video; do
    if getent group "$group" > /dev/null; then run usermod -aG "$group" "$ACCOUNT"; fi
  done
  run install -d -o "$ACCOUNT" -g "$ACCOUNT" -m 0750 "$STATE"
  run install -d -o root -g "$ACCOUNT" -m 0750 "$ETC"
  if [ ! -e "$ETC/rover.yaml" ]; then
    run install -o root -g "$ACCOUNT" -m 0640 "$SOURCE/config/hardware.yaml" "$ETC/rover.yaml"
  fi
  if [ ! -e "$ETC/environment" ]; then
    run install -o root -g "$ACCOUNT" -m 0640 "$SOURCE/deploy/systemd/environment" "$ETC/environment"
  fi
}

version() {
  local number commit
  number=$(sed -n 's/^ *version="\(.*\)",/\1/p' "$SOURCE/setup.py")
  # The checkout belongs to whoever called sudo; git asks to be told that this is all right.
  commit=$(git -c safe.directory='*' -C "$SOURCE" rev-parse --short HEAD 2> /dev/null || true)
  if [ -z "$commit" ] ||
    [ -n "$(git -c safe.directory='*' -C "$SOURCE" status --porcelain 2> /dev/null)" ]; then
    # Not what the commit says: a version of its own.
    commit=${commit:-local}-$(date -u +%Y%m%dT%H%M%S)
  fi
  echo "$number-$commit"
}

place() {
  local name target
  name=$(version)
  target=$ROOT/$name
  if [ -e "$target/.complete" ]; then
    say "$name is here already"
  else
    say "building $name in $target"
    run rm -rf "$target"
    run install -d "$target"
    run cp -a "$SOURCE/." "$target/"
    run rm -rf "$target/.venv" "$target/build" "$target/runs"
    run python3 "$target/deploy/setup_environment.py" --runtime-only
    run touch "$target/.complete"
  fi
  activate "$target"
}

activate() {
  local target=$1 before
  before=$(readlink -e "$ROOT/current" || true)
  if [ -n "$before" ] && [ "$before" != "$target" ]; then
    run ln -sfn "$before" "$ROOT/previous"
  fi
  run ln -sfn "$target" "$ROOT/current.new"
  run mv -T "$ROOT/current.new" "$ROOT/current"
}

# Cards are small: only the version that runs and the one before stay.
prune() {
  local kept folder
  kept=" $(readlink -e "$ROOT/current" || true) $(readlink -e "$ROOT/previous" || true) "
  for folder in "$ROOT"/*/; do
    folder=$(readlink -e "$folder" || true)
    if [ -n "$folder" ] && [[ $kept != *" $folder "* ]]; then
      say "removing $(basename "$folder")"
      run rm -rf "$folder"
    fi
  done
}

services() {
  say "services and device names"
  run install -m 0644 "$SOURCE"/deploy/udev/99-tenacious-rover.rules "$SYSTEM/etc/udev/rules.d/"
  run install -m 0644 "$SOURCE"/deploy/systemd/tenacious-rover.service "$SYSTEM/etc/systemd/system/"
  run install -m 0644 "$SOURCE"/deploy/systemd/journald-tenacious.conf \
    "$SYSTEM/etc/systemd/journald@tenacious.conf"
  run udevadm control --reload
  run udevadm trigger
  run systemctl daemon-reload
  run systemctl enable tenacious-rover.service
  run systemctl restart tenacious-rover.service
}

rollback() {
  local target
  target=$(readlink -e "$ROOT/previous" || true)
  if [ -z "$target" ] || [ ! -e "$target/.complete" ]; then
    fail "no earlier version in $ROOT/previous"
  fi
  say "back to $(basename "$target")"
  activate "$target"
  run systemctl restart tenacious-rover.service
}

MODE=install
for word in "$@"; do
  case "$word" in
    --dry-run) DRY=1 ;;
    --rollback) MODE=rollback ;;
    -h | --help) sed -n '4,9s/^# //p' "$0"; exit 0 ;;
    *) printf 'install: %s is not one of --rollback, --dry-run, --help\n' "$word" >&2; exit 2 ;;
  esac
done
[ -n "$DRY" ] || [ "$(id -u)" = 0 ] || fail "run it with sudo"
if [ "$MODE" = rollback ]; then rollback; exit; fi
ros=$(distribution)
packages "$ros"
account
place
services
prune
say "done: systemctl status tenacious-rover; edit $ETC/rover.yaml, then
  sudo -u $ACCOUNT $ROOT/current/.venv/bin/tenacious hardware check --config $ETC/rover.yaml"
