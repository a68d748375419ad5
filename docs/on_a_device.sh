#!/usr/bin/env bash
# All that a machine with an accelerator is asked, in one command that ends by itself:
#
#   docs/on_a_device.sh FOLDER [SECONDS]
#
# FOLDER is made anew and holds seven files at most, each readable if this is killed at any instant.
# SECONDS (480 when not given) is the limit of everything together; each step has a share of it,
# and none keeps the next one from running. PYTHON names the interpreter, whose torch has the
# device's runtime. STAND_IN=1 rehearses all of it on a machine without a device.
set -uo pipefail
cd "$(dirname "$0")/.."

folder=${1:?usage: docs/on_a_device.sh FOLDER [SECONDS]}
in_all=${2:-480}
python=${PYTHON:-python3}
before=
quick=(--quick --trials "${TRIALS:-3}" --seed 1 --force)
if [ -n "${STAND_IN:-}" ]; then
    before=rehearsed_
    quick+=(--scenarios tests/accelerator/whole_stand_in.py)
fi
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

mkdir "$folder" || { echo "$folder: choose a folder that does not exist yet" >&2; exit 2; }
folder=$(cd "$folder" && pwd)
exec > >(tee "$folder/log.txt") 2>&1

# step NAME PERCENT COMMAND…: run it for its share of the time at most; an interrupt lets it end well.
step() {
    local name=$1 limit=$((in_all * $2 / 100)) began=$SECONDS status
    shift 2
    echo "== $name: at most $limit s"
    timeout --signal=INT --kill-after=10 "$limit" "$@"
    status=$?
    echo "== $name: $((SECONDS - began)) s, exit code $status, $SECONDS s since the start"
}

# run NAME PERCENT ARGUMENT…: one journal; its budget ends before the limit of the step does.
run() {
    local name=$1 percent=$2
    shift 2
    step "$name" "$percent" "$python" -m harness run "$@" "${quick[@]}" \
        --budget "$((in_all * percent / 100 - 15))s" -o "$folder/$name.jsonl"
}

machine() {
    uname -sr
    nproc
    nvidia-smi --query-gpu=name,driver_version,memory.total,pcie.link.gen.current,pcie.link.width.current --format=csv
    nvidia-smi topo --matrix
}
export -f machine

step machine 2 bash -c machine
step probe 7 "$python" docs/device_probe.py "$folder/probe.jsonl"
step tests 25 "$python" -m pytest -p no:cacheprovider -q -ra --junit-xml "$folder/tests.xml" \
    tests/accelerator/test_on_device.py
run transfers 38 ${before}host_to_device ${before}device_to_host --size 64KiB,1MiB,64MiB
run training 19 ${before}device_training
step doctor 6 "$python" -m harness doctor
echo "== done in $SECONDS s"
ls -l "$folder"
