#!/usr/bin/env bash
# Real clients against the file server, on the loopback address: curl, wrk and ab. SECONDS_EACH says how long each load runs
# (default 5). It needs `cargo build --release --example file_server` first, and ends with a count.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-5}
passed=0 failed=0

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1"; }
check() { # WHAT EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1: expected '$2', got '$3'"; fi
}
at_most() { # WHAT LIMIT ACTUAL
    if [ "$3" -le "$2" ]; then ok "$1 ($3)"; else bad "$1: $3 is more than $2"; fi
}

top=$(mktemp -d)
mkdir "$top/site"
echo "secret" >"$top/secret"
printf 'hello, world\n' >"$top/site/hello.txt"
head -c 5000000 /dev/urandom >"$top/site/large.bin"
ln -s ../secret "$top/site/leaves"

./target/release/examples/file_server "$top/site" --addr 127.0.0.1:0 --workers 2 --header-timeout 2 >"$top/out" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$top"' EXIT
for _ in $(seq 100); do
    grep -q listening "$top/out" && break
    sleep 0.1
done
url=$(sed -n 's|^listening on \(http://.*\)/$|\1|p' "$top/out")
address=${url#http://}
descriptors() { find "/proc/$server/fd" -mindepth 1 | wc -l; }
resident() { awk '/^VmRSS/ {print $2}' "/proc/$server/status"; }
status() { curl -s -o /dev/null -w '%{http_code}' --path-as-is "$@"; }

echo "== curl"
check "a file" "hello, world" "$(curl -s "$url/hello.txt")"
check "HEAD" 200 "$(status -I "$url/hello.txt")"
check "a large file, whole" "$(sha256sum <"$top/site/large.bin")" "$(curl -s "$url/large.bin" | sha256sum)"
check "a part of it" "$(tail -c +1001 "$top/site/large.bin" | head -c 5000 | sha256sum)" \
    "$(curl -s -r 1000-5999 "$url/large.bin" | sha256sum)"
check "a listing" 200 "$(status "$url/")"
check "what is not there" 404 "$(status "$url/nothing")"
check "POST" 405 "$(status -X POST "$url/hello.txt")"
check "a large body" 413 "$(status -X POST --data-binary "@$top/site/large.bin" "$url/hello.txt")"
check "a large header" 431 "$(status -H "X: $(head -c 60000 /dev/zero | tr '\0' x)" "$url/hello.txt")"
for attack in /../secret /../../../../etc/passwd //etc/passwd /%2e%2e/secret /..%2fsecret /%2e%2e%2fsecret \
    /sub/../../secret /leaves /hello.txt%00.html '/..\secret' /./../secret /%2fetc%2fpasswd; do
    answer=$(status "$url$attack")
    case $answer in
        400 | 404) ok "$attack is answered $answer" ;;
        *) bad "$attack is answered $answer" ;;
    esac
done

echo "== a client that sends its header slowly"
exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
printf 'GET / HTTP/1.1\r\n' >&3
began=$(date +%s)
(for _ in $(seq 30); do printf 'X: y\r\n' >&3 && sleep 0.5 || exit 0; done) 2>/dev/null &
drip=$!
timeout 20 cat <&3 >"$top/slow" || true
kill "$drip" 2>/dev/null || true
exec 3<&-
check "is told so" "HTTP/1.1 408 Request Timeout" "$(head -1 "$top/slow" | tr -d '\r')"
at_most "and cut off in time (s)" 10 "$(($(date +%s) - began))"

echo "== loads of $seconds s"
# What the server keeps for good (stacks, buffers, threads) is there after a first load.
wrk -t 1 -c 1000 -d 2 "$url/hello.txt" >/dev/null
sleep 3
fds=$(descriptors)
memory=$(resident)
wrk -t 1 -c 1000 -d "$seconds" --timeout 20 "$url/hello.txt" >"$top/wrk"
grep -E 'Requests/sec' "$top/wrk"
check "wrk -c 1000 sees no error" "" "$(grep -E 'Socket errors|Non-2xx' "$top/wrk" || true)"
ab -q -t "$seconds" -n 10000000 -c 50 "$url/hello.txt" >"$top/ab" 2>&1
grep -E 'Requests per second' "$top/ab"
check "ab, a connection a request, sees no failure" "Failed requests: 0" "$(grep 'Failed requests' "$top/ab" | tr -s ' ')"
check "nor another status" "" "$(grep 'Non-2xx' "$top/ab" || true)"
sleep 3
at_most "descriptors left behind" 0 "$(($(descriptors) - fds))"
at_most "kibibytes more than before" 8192 "$(($(resident) - memory))"

echo "== the end"
curl -s --limit-rate 2M "$url/large.bin" -o "$top/copy" &
download=$!
sleep 0.5
kill -INT "$server"
wait "$download" && cmp -s "$top/copy" "$top/site/large.bin" && ok "a download under way is finished" ||
    bad "a download under way was cut"
if wait "$server"; then ok "the server ends well"; else bad "the server ended with $?"; fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
