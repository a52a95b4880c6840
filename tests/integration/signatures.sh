#!/bin/sh
# What is applied is what was signed, on this host, once: every other plan is refused before anything is written, and
# one line says why.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

tree_make
wish=sysctl.dropin:net.core.somaxconn=4096
plan=$work/fix.plan
plan_make "$plan" "$wish"
approve "$plan" ops-1
done_with 0 verify "$plan"

# A folder of its own for each variant of the plan, since all signatures beside a plan are read.
variant() { # NAME, sets $copy
    mkdir "$work/$1"
    copy=$work/$1/fix.plan
    cp "$plan" "$plan.minisig" "$plan.ops-1.minisig" "$work/$1/"
}

# ---- the stock tool says the same ----

ran="minisign -V"
minisign -Vm "$plan" -p "$tree/etc/hamedic/agent.pub" >/dev/null || fail "minisign refuses the agent's signature"
minisign -Vm "$plan" -x "$plan.ops-1.minisig" -p "$work/ops-1.pub" >/dev/null ||
    fail "minisign refuses the operator's signature"

variant stock
rm "$copy".*minisig
sign_again "$copy"
minisign -S -W -s "$work/ops-2.key" -m "$copy" -x "$copy.anybody.minisig" >/dev/null </dev/null
done_with 0 verify "$copy"
says out "approved by ops-2"

# ---- one bit ----

before=$(fingerprint)
# The first line of a minisign signature is a comment that nobody signed.
comment=$(head -n 1 "$plan.minisig" | wc -c)
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
python3 "$helpers/flip.py" "$plan" sampled 0 "$hamedic" --root "$tree" apply "$plan"
python3 "$helpers/flip.py" "$plan.minisig" all "$comment" "$hamedic" --root "$tree" apply "$plan"
[ "$before" = "$(fingerprint)" ] || fail "a plan with one bit flipped was refused, but something was written"
done_with 0 verify "$plan"

# ---- signatures that are missing, another's, or not enough ----

variant unsigned
rm "$copy.minisig"
refused 3 "'fix.plan' bears no signature of this host's agent" apply "$copy"
refused 3 "'fix.plan' bears no signature of this host's agent" verify "$copy"
refused 3 "'fix.plan' bears no signature of this host's agent" approve "$copy" -k "$work/ops-2.key"

variant unapproved
rm "$copy.ops-1.minisig"
refused 3 "0 of 1 operators' signatures are there" apply "$copy"
refused 3 "0 of 1 operators' signatures are there" verify "$copy"

plan_make "$work/other.plan" sysctl.dropin:net.core.somaxconn=8192
approve "$work/other.plan" ops-1
variant strangers
cp "$work/other.plan.ops-1.minisig" "$copy.ops-1.minisig"
refused 3 "fix.plan.ops-1.minisig" apply "$copy"
variant swapped
cp "$work/other.plan.minisig" "$copy.minisig"
refused 3 "fix.plan.minisig" apply "$copy"

# A key that nobody put among the operators.
"$hamedic" keygen -W -q -o "$work/stranger" </dev/null
variant unknown
rm "$copy.ops-1.minisig"
minisign -S -W -s "$work/stranger.key" -m "$copy" -x "$copy.ops-1.minisig" >/dev/null </dev/null
refused 3 "0 of 1 operators' signatures are there" apply "$copy"

# The agent's key is no operator, not even under an operator's name.
variant agent
rm "$copy.ops-1.minisig"
refused 3 "agent's own key" approve "$copy" -k "$tree/etc/hamedic/agent.key"
cp "$tree/etc/hamedic/agent.pub" "$tree/etc/hamedic/operators/me.pub"
cp "$copy.minisig" "$copy.me.minisig"
refused 3 "0 of 1 operators' signatures are there" apply "$copy"
# Nor under another id.
python3 "$helpers/other_id.py" "$tree/etc/hamedic/agent.pub" "$tree/etc/hamedic/operators/me.pub"
python3 "$helpers/other_id.py" "$copy.minisig" "$copy.me.minisig"
refused 3 "0 of 1 operators' signatures are there" apply "$copy"
rm "$tree/etc/hamedic/operators/me.pub"

# One key under two names is one signature, where two are asked for.
strict=$HAMEDIC_SOURCE/policies/strict.conf
mkdir -p "$tree/etc/hamedic/policy.d"
install -m 644 "$strict" "$tree/etc/hamedic/policy.d/strict.conf"
cp "$work/ops-1.pub" "$tree/etc/hamedic/operators/alias.pub"
plan_make "$work/strict.plan" "$wish"
approve "$work/strict.plan" ops-1
minisign -S -W -s "$work/ops-1.key" -m "$work/strict.plan" -x "$work/strict.plan.alias.minisig" >/dev/null </dev/null
refused 3 "1 of 2 operators' signatures are there" apply "$work/strict.plan"
refused 3 "1 of 2 operators' signatures are there" verify "$work/strict.plan"
# Nor is it two where the same key has two ids.
python3 "$helpers/other_id.py" "$work/ops-1.pub" "$tree/etc/hamedic/operators/alias.pub"
python3 "$helpers/other_id.py" "$work/strict.plan.ops-1.minisig" "$work/strict.plan.alias.minisig"
refused 3 "1 of 2 operators' signatures are there" apply "$work/strict.plan"
approve "$work/strict.plan" ops-2
done_with 0 verify "$work/strict.plan"
rm -r "$tree/etc/hamedic/policy.d" "$tree/etc/hamedic/operators/alias.pub"

# ---- signed by the agent's key, but not what an agent writes ----

# The plan edited by a sed script, signed again by both.
edited() { # NAME SED-SCRIPT
    variant "$1"
    sed -i "$2" "$copy"
    cmp -s "$copy" "$plan" && fail "$1: the edit changed nothing"
    sign_again "$copy"
    minisign -S -W -s "$work/ops-1.key" -m "$copy" -x "$copy.ops-1.minisig" >/dev/null </dev/null
}
malformed() { # NAME WORDS SED-SCRIPT
    edited "$1" "$3"
    refused 1 "$2" apply "$copy"
    refused 1 "$2" verify "$copy"
    refused 1 "$2" show "$copy"
}
long=$(head -c 5000 /dev/zero | tr '\0' a)
deep=$(head -c 200 /dev/zero | tr '\0' '[')$(head -c 200 /dev/zero | tr '\0' ']')
malformed twice "draft" 's/^  "draft": false,$/&\n&/'
malformed twice-inside "kind" 's/^      "kind": .*$/&\n&/'
malformed unknown-key "surprise:" 's/^  "draft": false,$/&\n  "surprise": 1,/'
malformed unknown-inside "changes[0]" 's/^      "kind": .*$/&\n      "surprise": 1,/'
malformed missing-key "risk:" '/^  "risk": /d'
malformed wrong-type "approvals:" 's/^  "approvals": 1,$/  "approvals": "1",/'
malformed wrong-type-inside "changes[0].why:" 's/^      "exposure": .*$/&/; /^      "why": \[$/,/^      \],$/c\      "why": "wish",'
malformed number "approvals:" 's/^  "approvals": 1,$/  "approvals": 1e3,/'
malformed negative "approvals:" 's/^  "approvals": 1,$/  "approvals": -1,/'
malformed long "agent:" "s/^  \"agent\": .*\$/  \"agent\": \"$long\",/"
malformed nested "nested too deep" "s/^  \"advice\": .*\$/  \"advice\": $deep,/"
malformed schema "hamedic/plan/2" 's#hamedic/plan/1#hamedic/plan/2#'
malformed raw-byte "printable" 's/^  "agent": "/&\xc3\xa9/'
malformed tail "end of file expected" '$s/$/ {}/'

# ---- another host, another time ----

cp -a "$tree" "$work/twin"
other_host() { # WORDS
    refused 3 "$1" apply "$plan"
    refused 3 "$1" verify "$plan"
}
echo fedcba9876543210fedcba9876543210 >"$tree/etc/machine-id"
other_host "another host"
cp -p "$work/twin/etc/machine-id" "$tree/etc/machine-id"
tr 0-9a-f 1-9a-f0 <"$work/twin/var/lib/hamedic/lineage" >"$tree/var/lib/hamedic/lineage"
other_host "another lineage"
rm "$tree/var/lib/hamedic/lineage"
other_host "another lineage"
cp -p "$work/twin/var/lib/hamedic/lineage" "$tree/var/lib/hamedic/lineage"
done_with 0 verify "$plan"

edited expired 's/^  "created": .*/  "created": "2024-01-01T00:00:00Z",/; s/^  "expires": .*/  "expires": "2024-01-02T00:00:00Z",/'
refused 3 "expired at 2024-01-02T00:00:00Z" apply "$copy"
refused 3 "expired at 2024-01-02T00:00:00Z" verify "$copy"
edited tomorrow 's/^  "created": .*/  "created": "2124-01-01T00:00:00Z",/; s/^  "expires": .*/  "expires": "2124-01-02T00:00:00Z",/'
refused 3 "still to come" apply "$copy"

# A tree's plan is no live host's, and the other way round.
edited live 's/^  "tree": true,$/  "tree": false,/'
refused 3 "for a live host, not for a tree" apply "$copy"
status=0
sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$work" -v "$(dirname -- "$hamedic")" sh -c '
    set -eu
    tree=$2
    rm -rf /etc/hamedic /var/lib/hamedic
    mkdir -p /var/lib/hamedic
    cp -a "$tree/etc/hamedic" /etc/hamedic
    cp -a "$tree/var/lib/hamedic/lineage" /var/lib/hamedic/lineage
    cat "$tree/etc/machine-id" >/etc/machine-id
    exec "$1" apply "$3"' sh "$hamedic" "$tree" "$plan" >"$work/out" 2>"$work/err" </dev/null || status=$?
ran="apply of a tree's plan on a live host"
[ "$status" -eq 3 ] || wrong "exit status $status instead of 3"
one_line_names "for a tree (--root), not for a live host"

# ---- the host is not as planned ----

# The edit of a file is named; the file put back, the plan may be applied.
moved() { # WORDS FILE SED-SCRIPT
    cp -p "$tree$2" "$work/kept" 2>/dev/null || : >"$work/none"
    mkdir -p "$(dirname -- "$tree$2")"
    if [ -e "$tree$2" ]; then sed -i "$3" "$tree$2"; else printf '%b' "$3" >"$tree$2"; fi
    refused 3 "$1" apply "$work/all.plan"
    refused 3 "$1" apply --dry-run "$work/all.plan"
    if [ -e "$work/none" ]; then rm "$tree$2" "$work/none"; else mv "$work/kept" "$tree$2"; fi
}
plan_make "$work/all.plan" "$wish" systemd.limit:haproxy.service=200000 haproxy.maxconn:global=4000
approve "$work/all.plan" ops-1
done_with 0 apply --dry-run "$work/all.plan"
moved /etc/sysctl.d/50-site.conf /etc/sysctl.d/50-site.conf 's/^# ours/# Ours/'
moved net.core.somaxconn /etc/sysctl.d/50-site.conf 's/512/513/'
moved net.core.somaxconn /etc/sysctl.d/60-more.conf 'net.core.somaxconn=600\n'
moved /etc/haproxy/haproxy.cfg /etc/haproxy/haproxy.cfg 's/by hand/by Hand/'
moved haproxy.maxconn:global /etc/haproxy/haproxy.cfg 's/maxconn 2000/maxconn 2001/'
moved systemd.limit:haproxy.service /etc/systemd/system/haproxy.service.d/10-site.conf '[Service]\nLimitNOFILE=9000\n'
moved /usr/lib/systemd/system/haproxy.service /usr/lib/systemd/system/haproxy.service 's/Load Balancer/load balancer/'
rmdir "$tree/etc/systemd/system/haproxy.service.d" "$tree/etc/systemd/system" "$tree/etc/systemd"

# ---- once ----

done_with 0 apply "$plan"
refused 3 "was used already" apply "$plan"
done_with 0 rollback
refused 3 "was used already" apply "$plan"

# ---- the clock was set back ----

# The same as a clock that stands before this host's newest record: the record says tomorrow.
plan_make "$work/new.plan" "$wish"
approve "$work/new.plan" ops-1
done_with 0 apply --dry-run "$work/new.plan"
python3 "$helpers/journal_times.py" "$tree/var/lib/hamedic/tx/"* 86400
refused 3 "the clock stands at" apply "$work/new.plan"
echo "signatures hold"
