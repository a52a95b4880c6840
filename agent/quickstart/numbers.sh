# Clients of the quickstart's services, and how they fare.
# shellcheck shell=sh disable=SC2154 # cfg and ports are those of host.sh

services="shop api legacy"

load_start() {
    traffic -a 127.0.0.1:8001 -n 44 -p 100 -w 2 >/run/shop.load &
    traffic -a 127.0.0.1:8002 -n 340 -p 500 -w 2 >/run/api.load &
    traffic -a 127.0.0.1:8003 -n 20 -p 500 -w 2 >/run/legacy.load &
}

lines_of() {
    wc -l <"/run/$1.load"
}
has_lines() { # SERVICE COUNT
    [ "$(lines_of "$1")" -ge "$2" ]
}
field() { # SERVICE NAME: of the last measurement
    sed -n "s/.*\\b$2=\\([0-9]*\\).*/\\1/p" "/run/$1.numbers"
}

# Measures each service for two whole seconds that begin from now on, and prints a table.
numbers() {
    for service in $services; do
        lines_of "$service" >"/run/$service.seen"
    done
    printf '\n%-8s %11s %9s %6s %6s %13s %13s\n' service requests/s answered 503 other "half within" "95 % within"
    for service in $services; do
        seen=$(cat "/run/$service.seen")
        wait_for 20 "numbers of $service" has_lines "$service" $((seen + 2))
        sed -n "$((seen + 2))p" "/run/$service.load" >"/run/$service.numbers"
        other=$(($(field "$service" other) + $(field "$service" refused) + $(field "$service" hung)))
        printf '%-8s %11s %9s %6s %6s %10s ms %10s ms\n' "$service" "$(field "$service" rate)" \
            "$(field "$service" ok)" "$(field "$service" 503)" "$other" \
            "$(field "$service" p50)" "$(field "$service" p95)"
    done
}

# What stands behind the numbers.
state_print() {
    limit=$(stat_of shop shop1 slim)
    echo
    echo "shop1:   $(stat_of shop shop1 scur) requests of at most ${limit:-unlimited} at work, $(stat_of shop BACKEND qcur) wait in the queue"
    echo "api1:    $(ss -tan dst 127.0.0.21:9002 | sed 1d | wc -l) connections from HAProxy; local ports $(tr '\t' '-' <"$ports")"
    echo "legacy1: $(stat_of legacy legacy1 status), $(stat_of legacy legacy1 last_chk)"
    echo "maxconn: $(sed -n 's/^ *maxconn \([0-9]*\).*/\1/p' "$cfg" | head -n 1) in the file, $(running_maxconn) in the running process; failed reloads: $(failed_reloads)"
}
