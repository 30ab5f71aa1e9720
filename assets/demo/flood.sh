# A flood: more lines than anybody can read.
n=0
while :; do
    batch=0
    while [ "$batch" -lt 400 ]; do
        batch=$((batch + 1))
        n=$((n + 1))
        printf '%09d debug: cache miss, reading block %d from disk again\n' "$n" $((n * 7919 % 65536))
    done
    sleep 0.05
done
