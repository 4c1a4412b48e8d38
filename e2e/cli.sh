# What the scripts that run the aws CLI share.

fail() { echo "FAIL: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }
# refused COMMAND... : the command must fail; what it said comes out.
refused() { local out; if out=$("$@" 2>&1); then fail "$* succeeded: $out"; fi; printf '%s' "$out"; }
has() { case $1 in *"$2"*) ;; *) fail "'$1' does not say '$2'" ;; esac; }

# mint SUB [CLAIMS] prints a token that ISSUER made for that person.
mint() { node --input-type=module -e "console.log((await (await fetch('$ISSUER/mint?client=web&sub=$1&claims=' + encodeURIComponent('${2:-{\}}'))).json()).id_token)"; }

# aws runs the CLI that warm.py serves on port $WARM, or the one on the PATH. The
# endpoint is named each time, because older versions know nothing of
# AWS_ENDPOINT_URL. What came of each operation of Cognito Identity is noted in
# the file $CALLS, if there is one.
aws() {
	local code=0 op=" $* " what=answered
	op=${op#* cognito-identity }
	run --endpoint-url "$ENDPOINT" "$@" || { code=$? what=refused; }
	[ -z "${CALLS:-}" ] || echo "${op%% *} $what" >>"$CALLS"
	return $code
}

run() {
	[ -n "${WARM:-}" ] || { command aws "$@"; return; }
	local name code env=()
	for name in "${!AWS_@}"; do env+=("$name=${!name}"); done
	exec 9<>"/dev/tcp/127.0.0.1/$WARM"
	printf '%s\0' "${#env[@]}" "${env[@]}" "$#" "$@" >&9
	read -r code <&9 || fail "no answer to aws $*"
	if [ "$code" = 0 ]; then cat <&9; else cat <&9 >&2; fi
	return "$code"
}
