# A leaky one: ends well, and leaves a process behind that has left its parents and does not hear SIGHUP.
printf 'starting a daemon, as old servers do: fork, and fork again\n'
(
    (
        trap '' HUP
        while :; do sleep 1; done
    ) &
)
sleep 9
printf 'my work is done; what I have left behind is yours to find\n'
