# Tests: some pass, one fails, and so do they all.
n=0
while [ "$n" -lt 24 ]; do
    n=$((n + 1))
    sleep 0.6
    if [ "$n" -eq 19 ]; then
        printf 'test_orders.py::test_%02d \033[31mFAILED\033[0m   [%3d%%]\n' "$n" $((n * 100 / 24))
    else
        printf 'test_orders.py::test_%02d \033[32mPASSED\033[0m   [%3d%%]\n' "$n" $((n * 100 / 24))
    fi
done
printf '\n\033[31mtest_orders.py:42: AssertionError: 19 != 20\033[0m\n'
printf '1 failed, 23 passed\n'
exit 1
