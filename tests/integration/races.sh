#!/bin/sh
# Somebody else writes to a file while it is replaced and taken back: nothing that anybody wrote is lost. The long
# version, of 100,000 attempts, is in tests/crash/run.
set -eu
"${HAMEDIC_TEST_PROGRAMS:?}/race" -n 5000
