#!/usr/bin/env bash
# C1 with curl, openssl and jq alone: gets an access token by a hand-made assertion, and calls the API.
#
#   curl.sh token                             prints an access token
#   curl.sh call METHOD PATH [BODY]           calls the API, and prints the response
#   curl.sh access-request APP ENTITLEMENT USER
#                                             requests access, approves it, and waits until the task is closed
#
# CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET are what the tenant has given; CONDUCTORONE_SERVER_URL is for a
# server other than that of the client id. APPROVER_TOKEN is the token of who approves, if another. Instead of the
# credentials, CONDUCTORONE_ACCESS_TOKEN can be set.
#
# Other users of a machine can read the command lines of its processes, but not their environment, their standard input or
# files of mode 600. So no secret is an argument of a program here: curl reads headers (-K -) and bodies (--data @-) from
# its standard input, and openssl reads the key from a file. `printf` is part of the shell, not a program.
set -euo pipefail
umask 077

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

server() {
    local host="${CONDUCTORONE_CLIENT_ID#*@}"
    printf '%s' "${CONDUCTORONE_SERVER_URL:-https://${host%/*}}"
}

# base64url without padding, of standard input.
encode() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# The bytes of base64url without padding.
decode() {
    local text
    text="$(tr -- '-_' '+/')"
    while [ $((${#text} % 4)) != 0 ]; do text+="="; done
    printf '%s' "$text" | openssl base64 -d -A
}

# A JWT that proves the possession of the client secret, good for two minutes.
assertion() {
    local now host header claims
    # A secret is a private JWK behind a prefix. In DER, an Ed25519 key is 16 fixed bytes before those of `d`.
    {
        printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'
        printf '%s' "${CONDUCTORONE_CLIENT_SECRET##*:}" | decode | jq -r .d | tr -d '\n' | decode
    } > "$work/key.der"
    now="$(date +%s)"
    # The audience is the host without the port.
    host="${CONDUCTORONE_CLIENT_ID#*@}" && host="${host%/*}" && host="${host%:*}"
    header="$(jq -cn --arg nonce "$(openssl rand 16 | encode)" '{alg: "EdDSA", typ: "JWT", nonce: $nonce}' | tr -d '\n' | encode)"
    claims="$(jq -cn --arg id "$CONDUCTORONE_CLIENT_ID" --arg host "$host" --argjson now "$now" \
        '{iss: $id, sub: $id, aud: $host, iat: $now, nbf: ($now - 120), exp: ($now + 120)}' | tr -d '\n' | encode)"
    printf '%s.%s' "$header" "$claims" > "$work/signed"
    # openssl signs with Ed25519 what it can read as a whole, so from a file.
    openssl pkeyutl -sign -rawin -keyform DER -inkey "$work/key.der" -in "$work/signed" -out "$work/signature"
    printf '%s.%s' "$(cat "$work/signed")" "$(encode < "$work/signature")"
}

token() {
    if [ -n "${CONDUCTORONE_ACCESS_TOKEN:-}" ]; then
        printf '%s' "$CONDUCTORONE_ACCESS_TOKEN"
        return
    fi
    local id
    id="$(printf '%s' "$CONDUCTORONE_CLIENT_ID" | jq -sRr @uri)"
    printf 'grant_type=client_credentials&client_id=%s&client_assertion_type=%s&client_assertion=%s' "$id" \
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer" "$(assertion)" |
        curl --silent --show-error --fail-with-body --max-time 30 --data @- "$(server)/auth/v1/token" |
        jq -r .access_token | tr -d '\n'
}

# Calls with the token TOKEN: METHOD PATH [BODY].
call() {
    local arguments=(--silent --show-error --fail-with-body --max-time 60 --request "$1" --header "accept: application/json")
    if [ $# -gt 2 ]; then
        printf '%s' "$3" > "$work/body"
        arguments+=(--header "content-type: application/json" --data "@$work/body")
    fi
    printf 'header = "authorization: Bearer %s"\n' "$TOKEN" | curl "${arguments[@]}" -K - "$(server)$2"
}

access_request() {
    local created task step closed state i
    created="$(call POST /api/v1/task/grant "$(jq -cn --arg app "$1" --arg entitlement "$2" --arg user "$3" \
        '{appId: $app, appEntitlementId: $entitlement, identityUserId: $user}')")"
    task="$(jq -r .taskView.task.id <<< "$created")"
    step="$(jq -r .taskView.task.policy.current.id <<< "$created")"
    TOKEN="${APPROVER_TOKEN:-$TOKEN}" call POST "/api/v1/tasks/$task/action/approve" \
        "$(jq -cn --arg step "$step" '{policyStepId: $step, comment: "by curl"}')" > "$work/approved"
    # Provisioning takes its time.
    for i in 1 2 4 8 16 32; do
        closed="$(call GET "/api/v1/tasks/$task")"
        state="$(jq -r .taskView.task.state <<< "$closed")"
        [ "$state" != TASK_STATE_CLOSED ] || break
        sleep "$i"
    done
    jq -c '.taskView.task | {id, state, outcome: .type.grant.outcome}' <<< "$closed"
    [ "$state" = TASK_STATE_CLOSED ]
}

case "${1:-}" in
    token) token && echo ;;
    call) shift && TOKEN="$(token)" && call "$@" && echo ;;
    access-request) shift && TOKEN="$(token)" && access_request "$@" ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
