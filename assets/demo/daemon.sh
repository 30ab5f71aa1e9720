# A leaky one: ends well, and leaves a process behind that has left its parents and does not hear SIGHUP.
printf 'starting a daemon, as old servers do:\nfork, and fork again\n'
(
    (
        trap '' HUP
        while :; do sleep 1; done
    ) &
)
sleep 9
printf 'my work is done; what I leave behind\nis yours to find\n'
