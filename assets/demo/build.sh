# A build: counts what it has done, warns now and then, succeeds.
total=64
n=0
printf 'This is a demo: choose a command with\nj and k, stop it with x. ? helps.\n\n'
while [ "$n" -lt "$total" ]; do
    n=$((n + 1))
    printf '[%d/%d] Compiling src/part_%02d.c\n' "$n" "$total" "$n"
    if [ $((n % 17)) -eq 0 ]; then
        printf '\033[33mwarning:\033[0m src/part_%02d.c:%d: unused variable\n' "$n" $((n * 3))
    fi
    sleep 0.7
done
printf '\033[32mbuilt\033[0m demo in release mode\n'
