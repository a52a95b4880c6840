#!/bin/bash
# Which LimitNOFILE will the next start have? hamedic's answer against systemd's own loader, on generated trees, before
# and after our edit.
#   boot_limit.bash BOOT_ANSWER
# systemd-analyze verify names each value that it cannot read, in the order in which it reads: in a copy of the tree every
# good value is made unreadable by a mark in front, so that the last marked one it complains about is the one that wins.
set -u -o pipefail
answer=$1
trees=${TREES:-30}
unit=my-lb.service
dirs=(etc/systemd/system etc/systemd/system etc/systemd/system.control run/systemd/system usr/local/lib/systemd/system
      usr/lib/systemd/system usr/lib/systemd/system lib/systemd/system)
dropins=("$unit.d" "$unit.d" "$unit.d" my-.service.d service.d other-name.service.d not-ours.service.d)
names=(10-a.conf 50-limits.conf 50-limits.conf 99-hamedic.conf 99-zz.conf zz.conf B.conf .hidden.conf old.conf~)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0 compared=0

# No $(...) here: it would draw from another row of random numbers.
pick() { shift $((RANDOM % $#)); picked=$1; }

write() {
    local count=$((1 + RANDOM % 3)) i text="" end=$'\n'
    ((RANDOM % 6)) || end=$'\r\n'
    pick '' '' '# words' $'\xef\xbb\xbf'; text=$picked; [ "$picked" = '# words' ] && text+=$end
    pick '[Service]' '[Service]' '[Service]' '[Unit]' ' [Service] '; text+=$picked$end
    for ((i = 0; i < count; i++)); do
        pick $((1000 + RANDOM)) $((1000 + RANDOM)) $((1000 + RANDOM)):$((40000 + RANDOM)) infinity 64K '' 9:3 0x400 010 +77 \
            5: 1x 00 0b101 18446744073709551615 18446744073709551614 "$((1000 + RANDOM)) # no"
        pick "LimitNOFILE=$picked" "LimitNOFILE = $picked" " LimitNOFILE=$picked " "#LimitNOFILE=$picked" \
            "LimitNOFILE=\\$end$picked" "LimitNOFILE=\\$end# between$end $picked" "LimitNPROC=5" "limitnofile=5"
        text+=$picked$end
    done
    ((RANDOM % 3)) || text=${text%"$end"}
    rm -f "$1"
    printf %s "$text" > "$1"
}

make_tree() {
    local tree=$1 i path count
    mkdir -p "$tree"/{etc,run,usr/local/lib,usr/lib}/systemd/system
    if ((RANDOM % 2)); then ln -s usr/lib "$tree/lib"; else mkdir -p "$tree/lib/systemd/system"; fi
    write "$tree/usr/lib/systemd/system/$unit"
    ((RANDOM % 3)) || write "$tree/etc/systemd/system/$unit"
    ((RANDOM % 3)) || ln -s /usr/lib/systemd/system/$unit "$tree/etc/systemd/system/other-name.service"
    count=$((3 + RANDOM % 7))
    for ((i = 0; i < count; i++)); do
        pick "${dirs[@]}"; path=$tree/$picked
        pick "${dropins[@]}"; path+=/$picked
        mkdir -p "$path"
        pick "${names[@]}"; path+=/$picked
        case $((RANDOM % 8)) in
        0) ln -sfn /dev/null "$path" ;;
        1) rm -f "$path"; : > "$path" ;;
        *) write "$path" ;;
        esac
    done
    for path in "$tree/usr/lib/systemd/system/$unit" "$tree/etc/systemd/system/$unit"; do
        [ -f "$path" ] && printf '\n[Service]\nExecStart=/bin/true\n' >> "$path"
    done
}

# A value that systemd takes, as seen from outside: a number of C or infinity, or two with the first not above.
ask_systemd() {
    local copy=$work/copy
    rm -rf "$copy"
    cp -a "$1" "$copy"
    find "$copy" -type f -exec perl -0pi -e '
        sub good { my ($v) = @_; return 1e30 if $v eq "infinity"; $v =~ s/^\+//;
            return undef unless $v =~ /^(0x[0-9a-f]+|0b[01]+|0[0-7]*|[1-9][0-9]*)$/;
            return undef if length($v) > 19 && $v ge "18446744073709551615";
            return $v =~ /^0/ ? oct($v) : $v; }
        sub mark { my ($v) = @_; $v =~ s/\s+$//; my ($s, $h) = split /:/, $v, -1; my $a = good($s // "");
            return 0 unless defined $a; return 1 unless $v =~ /:/; my $b = good($h); return defined $b && $a <= $b; }
        s/^([ \t]*LimitNOFILE[ \t]*=(?:[ \t]*\\\r?\n(?:[ \t]*#[^\n]*\n)*)?[ \t]*)([^\n\\]*)/mark($2) ? "$1MARK$2" : "$1$2"/gme' {} +
    { systemd-analyze --root="$copy" --man=no verify "$2" 2>&1 || :; } | sed -n 's/.*ignoring: MARK//p' | tail -1
}

compare() {
    local said theirs
    said=$("$answer" "$1" limit $unit | sed -n 1p | cut -f1) || { echo "tree $seed: no answer"; exit 1; }
    theirs=$(ask_systemd "$1" $unit)
    compared=$((compared + 1))
    if [ "$said" != "${theirs:--}" ]; then
        echo "tree $seed, $2: systemd takes '${theirs:--}', hamedic says '$said'"
        "$answer" "$1" limit $unit
        (cd "$1" && find . -type l -ls && grep -rn Limit . | cat -A) | sed 's/^/    /'
        failed=1
    fi
}

set_count=0
for ((seed = 1; seed <= trees; seed++)); do
    RANDOM=$seed
    tree=$work/$seed
    make_tree "$tree"
    compare "$tree" "as made"
    if "$answer" "$tree" set-limit $unit 123456 > "$work/file" 2> "$work/why"; then
        set_count=$((set_count + 1))
        [ "$("$answer" "$tree" limit $unit | sed -n 1p | cut -f1)" = 123456 ] || { echo "tree $seed: not set in $(cat "$work/file")"; failed=1; }
        compare "$tree" "after setting it"
        "$answer" "$tree" set-limit $unit '' > /dev/null || failed=1
        compare "$tree" "after taking it back"
    else
        echo "tree $seed: $(cat "$work/why")"
        failed=1
    fi
done
echo "$compared answers compared over $trees trees, $set_count edits"
[ $failed = 0 ] && [ $compared -gt 0 ] && [ $set_count -gt 0 ]
