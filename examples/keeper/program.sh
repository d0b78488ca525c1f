#!/bin/sh
# Calls an API with a token from the keeper's vault. Exit codes of `hallpass-keeper token`: 3 connect again, 75 later.
set -eu

token() {
    hallpass-keeper --config "$KEEPER_CONFIG" token "$CONNECTION" "$@"
}

call() {
    # curl reads the header from standard input: everybody on the machine can read arguments.
    printf 'Authorization: Bearer %s' "$1" | curl --silent --output "$answer" --write-out '%{http_code}' --header @- "$API_URL"
}

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

access=$(token)
status=$(call "$access")
if [ "$status" = 401 ]; then
    access=$(token --refused="$(printf %s "$access" | tail -c 8)")
    status=$(call "$access")
fi
cat "$answer"
[ "$status" = 200 ]
