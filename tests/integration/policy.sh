#!/bin/sh
# The policy is asked when planning, verifying and applying; what it does not allow is refused before anything is written,
# and a policy that cannot be trusted or read is no policy.
set -eu
# shellcheck source=tests/integration/helpers/tree.sh
. "$HAMEDIC_SOURCE/tests/integration/helpers/tree.sh"

tree_make
# Copies of our own: a checkout may be writable by a group, and such a policy is refused.
policies=$work/policies
mkdir -m 755 "$policies"
install -m 644 "$HAMEDIC_SOURCE"/policies/*.conf "$policies"
rules=$tree/etc/hamedic/policy.d
mkdir "$rules"
somaxconn=sysctl.dropin:net.core.somaxconn
maxconn=haproxy.maxconn:global

# The host's policy is default.conf, edited by a sed script.
policy() { # SED-SCRIPT
    rm -f "$rules"/*
    sed "$1" "$policies/default.conf" >"$rules/site.conf"
    [ -z "$1" ] || ! cmp -s "$rules/site.conf" "$policies/default.conf" || fail "policy '$1' changes nothing"
}
# Every objection has its line.
not_planned() { # STATUS WORDS ADDRESS=VALUE
    before=$(fingerprint)
    done_with "$1" plan -o "$work/forbidden.plan" --set "$3"
    says err "$2"
    ! grep -qv '^hamedic: ' "$work/err" || wrong "says something that is no objection"
    [ "$before" = "$(fingerprint)" ] || wrong "wrote something"
    [ ! -e "$work/forbidden.plan" ] && [ ! -e "$work/forbidden.plan.minisig" ] || wrong "wrote a file"
    [ ! -s "$work/out" ] || wrong "shows a plan that is refused"
}

# ---- planning ----

policy ''
plan_make "$work/allowed.plan" $somaxconn=4096
policy '/^[a-z]* "sysctl.dropin[":]/,/^}/d'
not_planned 3 $somaxconn $somaxconn=4096
policy 's/"net.core.somaxconn", //'
not_planned 3 $somaxconn $somaxconn=4096
policy '/^kind "haproxy.maxconn" {/a\    deny = {"global"}'
not_planned 3 /etc/hamedic/policy.d/site.conf: $maxconn=4000
policy ''
not_planned 3 65535 $somaxconn=65536
not_planned 3 128 $somaxconn=127
policy 's/^max_risk = .*/max_risk = "low"/; /^kind "sysctl.dropin" {/,/^}/s/risk = "low"/risk = "medium"/'
not_planned 3 max_risk $somaxconn=4096
# One change that is forbidden forbids the plan, and each one is named.
policy '/^[a-z]* "sysctl.dropin[":]/,/^}/d; /^[a-z]* "systemd.limit[":]/,/^}/d'
done_with 3 plan -o "$work/forbidden.plan" --set $somaxconn=4096 --set systemd.limit:haproxy.service=200000 \
    --set $maxconn=4000
says err $somaxconn
says err systemd.limit:haproxy.service
! grep -q haproxy.maxconn "$work/err" || wrong "names what is allowed, too"
[ ! -e "$work/forbidden.plan" ] || wrong "wrote a file"

# ---- tightened after planning ----

policy ''
plan_make "$work/both.plan" $somaxconn=4096 $maxconn=4000
approve "$work/both.plan" ops-1
done_with 0 verify "$work/both.plan"
policy '/^bound "sysctl.dropin:net.core.somaxconn"/,/^}/s/max = .*/max = 4000/'
other='the plan was made under policy "default"'
refused 3 "$other" apply "$work/both.plan"
refused 3 "$other" apply --dry-run "$work/both.plan"
refused 3 "$other" verify "$work/both.plan"
says out "$somaxconn"
# One blank more is another policy.
policy 's/^max_risk = /max_risk =  /'
refused 3 "$other" apply "$work/both.plan"
policy ''
done_with 0 apply "$work/both.plan"
done_with 0 rollback

# ---- how many sign ----

cp "$policies/strict.conf" "$rules/site.conf"
plan_make "$work/strict.plan" $somaxconn=4096
says out "2 approvals"
refused 3 "0 of 2 operators' signatures are there" apply "$work/strict.plan"
approve "$work/strict.plan" ops-1
refused 3 "1 of 2 operators' signatures are there" apply "$work/strict.plan"
approve "$work/strict.plan" ops-2
done_with 0 apply "$work/strict.plan"
done_with 0 rollback

# ---- a policy that nobody can trust or read ----

# Refused by every command that asks it, with the place, and nothing is done.
unusable() { # STATUS WORDS
    not_planned "$1" "$2" $somaxconn=4096
    refused "$1" "$2" verify "$work/allowed.plan"
    refused "$1" "$2" apply "$work/allowed.plan"
    refused "$1" "$2" show "$work/allowed.plan"
}
policy ''
chmod g+w "$rules/site.conf"
unusable 3 /etc/hamedic/policy.d/site.conf
chmod 0646 "$rules/site.conf"
unusable 3 /etc/hamedic/policy.d/site.conf
chmod 0644 "$rules/site.conf"
chown 12345 "$rules/site.conf"
unusable 3 /etc/hamedic/policy.d/site.conf
chown 0 "$rules/site.conf"
chmod g+w "$rules"
unusable 3 /etc/hamedic/policy.d
chmod 0755 "$rules"
mv "$rules/site.conf" "$work/elsewhere.conf"
ln -s "$work/elsewhere.conf" "$rules/site.conf"
unusable 1 /etc/hamedic/policy.d/site.conf

# The text is added behind all that was there before.
end=$(($(wc -l <"$policies/default.conf") + 1))
wrong_at() { # LINE WORDS TEXT
    policy ''
    printf '%b' "$3" >>"$rules/site.conf"
    unusable 1 "/etc/hamedic/policy.d/site.conf:$1: "
    says err "$2"
}
# shellcheck disable=SC2016 # the policy's own ${
wrong_at "$((end + 1))" '${' 'desire "sysctl.dropin:net.core.somaxconn" {\n    value = "${HOME}"\n}\n'
wrong_at "$end" max_rsk 'max_rsk = "low"\n'
wrong_at "$((end + 1))" reason 'kind "sysctl.other" {\n    reason = "none"\n}\n'
wrong_at "$((end + 1))" "min 10 is above max 5" 'bound "sysctl.dropin:net.x" {\n    min = 10\n    max = 5\n}\n'
wrong_at "$end" max_risk 'max_risk = "high"\n'
wrong_at "$end" sysctl.dropin 'kind "sysctl.dropin" {\n    allow = {"**"}\n    risk = "low"\n}\n'
wrong_at "$((end + 1))" min 'bound "sysctl.dropin:net.x" {\n    min = many\n}\n'
# Several files are one policy: what stands twice is named with both places.
policy ''
echo 'max_risk = "low"' >"$rules/z.conf"
unusable 1 "/etc/hamedic/policy.d/z.conf:1: max_risk stands twice: first in /etc/hamedic/policy.d/site.conf:"

# ---- what the policy itself wishes ----

policy ''
cat >>"$rules/site.conf" <<'END'
desire "sysctl.dropin:net.core.somaxconn" {
    value = "2048"
    because = "the fleet's standard"
}
desire "haproxy.maxconn:global" {
    value = "3000"
}
END
done_with 2 plan --detailed-exitcode -o "$work/desired.plan"
says out "the fleet's standard"
says out "512 -> 2048"
says out "2000 -> 3000"
done_with 2 plan --detailed-exitcode --only haproxy.maxconn
says out "2000 -> 3000"
! grep -q somaxconn "$work/out" || wrong "plans more than --only asks for"
done_with 2 plan --detailed-exitcode --only policy
says out somaxconn
done_with 0 plan --detailed-exitcode --only selinux.port
approve "$work/desired.plan" ops-1
done_with 0 apply "$work/desired.plan"
done_with 0 plan --detailed-exitcode
# The wish of the policy must keep to the policy, too.
sed -i 's/^    value = "2048"/    value = "99999"/' "$rules/site.conf"
unusable 1 /etc/hamedic/policy.d/site.conf:

# ---- away from the host, as in a pipeline ----

rm -r "$rules"
keys=$work/keys
mkdir "$keys" "$keys/operators"
cp "$tree/etc/hamedic/agent.pub" "$keys/"
cp "$work/ops-1.pub" "$keys/operators/"
done_with 0 plan -o "$work/ci.plan" --policy "$policies/ci.conf" --set $somaxconn=6000
gate() { # STATUS POLICY
    ran="hamedic verify --policy $2"
    status=0
    "$hamedic" verify "$work/ci.plan" --keys "$keys" --policy "$policies/$2" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" -eq "$1" ] || wrong "exit status $status instead of $1"
}
gate 3 ci.conf
one_line_names "0 of 1 operators' signatures are there"
"$hamedic" approve "$work/ci.plan" --keys "$keys" --policy "$policies/ci.conf" -k "$work/ops-1.key" >/dev/null
gate 0 ci.conf
says out "not checked: that this is host lb-1"
gate 3 default.conf
one_line_names policy
gate 3 strict.conf
one_line_names policy
echo "policies hold"
