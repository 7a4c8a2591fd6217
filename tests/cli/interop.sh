#!/bin/bash
# SPDX-License-Identifier: MIT
# Licenses of stock JWT libraries verify here and ours there: Debian's PyJWT, npm jose.
set -u
cd "$(dirname "$0")/../.." || exit 2
export PORTLIC_BUILD=${PORTLIC_BUILD:-build}
dir=$PORTLIC_BUILD/interop failed=0

skip() { echo "ok - $1 # SKIP $2"; }

if why=$(/usr/bin/python3 -c 'import jwt, cryptography' 2>&1); then
	/usr/bin/python3 tests/cli/interop_pyjwt.py || failed=1
else
	skip PyJWT "python3-jwt or python3-cryptography: ${why##*$'\n'}"
fi

# Installed once; --ignore-scripts: nothing of the package runs but what the test imports.
if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
	skip jose "node or npm is not installed"
elif [ ! -e "$dir/node_modules/jose/package.json" ] &&
	! why=$(timeout 90 npm install --prefix "$dir" --no-save --ignore-scripts --no-audit --no-fund \
		--fetch-retries=0 --fetch-timeout=20000 jose@6 2>&1); then
	skip jose "npm install jose@6 failed: $(grep -m1 'npm error' <<< "$why")"
else
	node tests/cli/interop.mjs "$dir" || failed=1
fi
exit $failed
