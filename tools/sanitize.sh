#!/bin/sh
# Builds the kernels with address and undefined-behaviour sanitizers into build/sanitize and runs a command with them:
#   sh tools/sanitize.sh python -m pytest tests/matching
# Leak checking is off: the interpreter itself keeps memory until it exits.
set -eu
cd "$(dirname "$0")/.."
stage=build/sanitize/stage
rm -rf "$stage"
mkdir -p "$stage"
cp -R src/arborank "$stage/"
find "$stage" -name '*.so' -delete  # kernels of other builds must not stand in for the sanitized ones
cmake -S . -B build/sanitize -G Ninja -DARBORANK_SANITIZE=ON -DARBORANK_TESTS=ON -DARBORANK_LEVELS="${ARBORANK_LEVELS:-v3}" \
  -DPython_EXECUTABLE="$(command -v python)" -DCMAKE_INSTALL_PREFIX="$stage" >/dev/null
ninja -C build/sanitize install >/dev/null
preload="$("${CXX:-g++}" -print-file-name=libasan.so) $("${CXX:-g++}" -print-file-name=libubsan.so)"
export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
build/sanitize/native_tests
export ARBORANK_LEVEL="${ARBORANK_LEVELS:-v3}" PYTHONPATH="$PWD/$stage" PYTHONMALLOC=malloc
LD_PRELOAD="$preload" "$@"
