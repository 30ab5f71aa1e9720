# A pipeline in phases. Interrupted, it removes what it has written, and says so.
work=$(mktemp -d "${TMPDIR:-/tmp}/sundown-demo.XXXXXX") || exit 1
finish() {
    trap '' INT TERM
    printf '\n\033[33minterrupted:\033[0m removing %s\n' "$work"
    sleep 0.8
    rm -rf "$work"
    printf 'nothing is left of it\n'
    exit 130
}
trap finish INT TERM
trap 'rm -rf "$work"' EXIT
for phase in extract transform load; do
    n=0
    while [ "$n" -le 50 ]; do
        printf '\r%s: %3d%% (%d/50) ' "$phase" $((n * 2)) "$n"
        printf 'row %d\n' "$n" >>"$work/$phase"
        n=$((n + 1))
        sleep 0.4
    done
    printf 'done\n'
done
printf 'loaded 150 rows\n'
