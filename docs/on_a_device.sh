#!/usr/bin/env bash
# All that a machine with an accelerator is asked, in one command that ends by itself:
#
#   docs/on_a_device.sh FOLDER [SECONDS]
#
# FOLDER is made anew and holds seven files, each readable if this is killed at any instant.
# SECONDS (480 when not given) is the limit of everything together; each step has a share of what is
# left, and none keeps the next one from running. PYTHON names the interpreter, whose torch has the
# device's runtime; TRIALS (3) is the number of processes that time each case, and SIZES are those
# of the transfers. STAND_IN=1 rehearses all of it on a machine without a device.
set -uo pipefail
cd "$(dirname "$0")/.."

folder=${1:?usage: docs/on_a_device.sh FOLDER [SECONDS]}
in_all=${2:-480}
python=${PYTHON:-python3}
sizes=${SIZES:-64KiB,1MiB,64MiB}
before=
options=(--quick --trials "${TRIALS:-3}" --seed 1 --force)
if [ -n "${STAND_IN:-}" ]; then
    before=rehearsed_
    options+=(--scenarios tests/accelerator/whole_stand_in.py)
fi
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

mkdir "$folder" || { echo "$folder: choose a folder that does not exist yet" >&2; exit 2; }
folder=$(cd "$folder" && pwd)
exec > >(tee "$folder/log.txt") 2>&1

# step NAME SHARE COMMAND…: run it for a share, in percent, of the time that is left; an interrupt
# lets it end well.
step() {
    local name=$1 limit=$(share_of_the_rest "$2") began=$SECONDS status
    shift 2
    echo "== $name: at most $limit s"
    timeout --signal=INT --kill-after=10 "$limit" "$@"
    status=$?
    echo "== $name: $((SECONDS - began)) s, exit code $status, $SECONDS s since the start"
}

share_of_the_rest() {
    local seconds=$(((in_all - SECONDS) * $1 / 100))
    echo $((seconds > 20 ? seconds : 20))
}

# run NAME SHARE ARGUMENT…: one journal; its budget ends before the limit of the step does.
run() {
    local name=$1 share=$2 limit
    limit=$(share_of_the_rest "$share")
    shift 2
    step "$name" "$share" "$python" -m harness run "$@" "${options[@]}" \
        --budget "$((limit - 15))s" -o "$folder/$name.jsonl"
}

machine() {
    uname -sr
    nproc
    nvidia-smi --query-gpu=name,driver_version,memory.total,pcie.link.gen.current,pcie.link.width.current --format=csv
    nvidia-smi topo --matrix
}
export -f machine

step machine 5 bash -c machine
step probe 10 "$python" docs/device_probe.py "$folder/probe.jsonl"
step tests 35 "$python" -m pytest -p no:cacheprovider -q -ra --junit-xml "$folder/tests.xml" \
    tests/accelerator/test_on_device.py
run training 30 "${before}device_training"
run elsewhere 30 "${before}preprocess/cast_on_device" "${before}array_from_loader/cpu_each" \
    "${before}array_from_loader/cat_on_device" "${before}array_from_loader/pinned_staging"
run transfers 90 "${before}host_to_device" "${before}device_to_host" --size "$sizes"
step doctor 100 "$python" -m harness doctor
echo "== done in $SECONDS s"
ls -l "$folder"
