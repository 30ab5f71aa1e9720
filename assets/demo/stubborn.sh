# A stubborn one: SIGINT, SIGTERM and SIGHUP do not end it. Only SIGKILL does.
trap 'printf "\033[33mSIGINT?\033[0m I am busy.\n"' INT
trap 'printf "\033[33mSIGTERM?\033[0m Not now.\n"' TERM
trap '' HUP
printf 'I do not end on SIGINT or SIGTERM.\n\n'
printf 'Press x, and watch my row: which stage,\n'
printf 'for how long, and who is waited for.\n'
printf 'x again: next stage now. X: kill me.\n'
while :; do
    sleep 1
done
