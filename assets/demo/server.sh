# A server: logs requests for ever, closes its connections when it is asked to end.
finish() {
    trap '' INT TERM
    printf '\033[33mclosing\033[0m 3 connections\n'
    sleep 0.6
    printf 'closed\n'
    exit 0
}
trap finish INT TERM
printf 'listening on 127.0.0.1:8080 (not really)\n'
n=0
while :; do
    n=$((n + 1))
    case $((n % 7)) in
        3) printf '\033[31m500\033[0m GET /api/report/%d 812 ms\n' "$n" ;;
        5) printf '\033[33m404\033[0m GET /favicon.ico 1 ms\n' ;;
        *) printf '\033[32m200\033[0m GET /api/item/%d %d ms\n' "$n" $((n * 13 % 40 + 2)) ;;
    esac
    sleep 0.5
done
