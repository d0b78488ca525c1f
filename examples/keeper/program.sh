#!/bin/sh
# Calls an API with a token from the keeper's vault.
set -eu

token() {
    hallpass-keeper --config "$KEEPER_CONFIG" token "$CONNECTION" "$@" || no_token $?
}

# Ends with the exit code of `hallpass-keeper token`, which has said the cause.
no_token() {
    case $1 in
        3) echo "the user must connect $CONNECTION again" ;;
        4) echo "$CONNECTION is not connected" ;;
        75) echo "no token now: ask again later" ;;
        *) echo "no token: whoever runs the keeper must act" ;;
    esac >&2
    exit "$1"
}

call() {
    # curl reads the header from standard input: everybody on the machine can read arguments.
    printf 'Authorization: Bearer %s' "$1" |
        curl --silent --show-error --output "$answer" --write-out '%{http_code}' --header @- "$API_URL"
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
[ "$status" = 200 ] || { echo "the API answers $status" >&2; exit 1; }
