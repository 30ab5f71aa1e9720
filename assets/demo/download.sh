# A download: one line, written over, with percent, rate and time left.
total=240
got=0
while [ "$got" -le "$total" ]; do
    percent=$((got * 100 / total))
    left=$(((total - got) / 4))
    bar=''
    cells=$((percent / 4))
    while [ "${#bar}" -lt "$cells" ]; do bar="$bar="; done
    printf '\rdisk.img  %3d%% [%-25s] %4d MB  %d.%d MB/s  eta %d:%02d ' \
        "$percent" "$bar>" "$got" 4 $((got % 10)) $((left / 60)) $((left % 60))
    got=$((got + 1))
    sleep 0.25
done
printf '\nsaved disk.img\n'
