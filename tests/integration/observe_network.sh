#!/bin/sh
# What is read of a network: rules that nft and iptables make, addresses, routes and neighbours. In namespaces of its own.
set -eu
if [ "${1-}" != inside ]; then
    exec unshare --net --mount --propagation private sh "$0" inside
fi
answers=$HAMEDIC_TEST_PROGRAMS/observe_answer
PATH=$PATH:/usr/sbin:/sbin
mount -t sysfs sysfs /sys 2>/dev/null || :
ip link set lo up

fail() {
    echo "FAILED: $*" >&2
    nft -a list ruleset >&2
    exit 1
}
firewall() { # WAY ADDRESS PORT EXPECTED
    said=$("$answers" firewall "$1" "$2" "$3") || fail "$1 $2 $3: $said"
    # shellcheck disable=SC2254 # a pattern
    case $said in
    $4) ;;
    *) fail "$1 $2 $3: '$said', expected '$4'" ;;
    esac
}

# ---- nft: matches, sets, maps, chains
firewall in 0.0.0.0 80 passes
nft -f - <<END
table inet filter {
    set admins { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
    set closed { type inet_service; flags interval; elements = { 3000-3010, 3020 } }
    chain services {
        tcp dport { 80, 443, 8000-8100 } accept
        tcp dport 81 counter reject
    }
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state vmap { established : accept, related : accept, invalid : drop }
        ip protocol icmp accept
        ip saddr @admins tcp dport 22 accept
        ip saddr @admins tcp dport 82 accept
        tcp dport 82 reject with tcp reset
        tcp dport @closed drop
        tcp dport 83 limit rate over 5/second drop
        tcp dport 83 accept
        ip daddr 10.1.1.1 tcp dport 84 accept
        tcp dport vmap { 85 : accept, 86 : drop, 90-95 : jump services }
        jump services
    }
    chain output {
        type filter hook output priority 0; policy accept;
        oifname "lo" accept
        ip daddr 198.51.100.0/24 tcp dport 9000 reject with icmp admin-prohibited
        ip6 daddr 2001:db8::/64 tcp dport != { 443 } drop
    }
}
END
firewall in 0.0.0.0 80 passes
firewall in :: 8050 passes
firewall in 0.0.0.0 8101 'drops by policy of chain inet filter input'
firewall in 127.0.0.1 8101 passes
firewall in 0.0.0.0 81 'rejects names-port by chain inet filter services, rule with handle * packets 0'
firewall in 0.0.0.0 22 'untold: it depends on chain inet filter input, rule with handle *'
firewall in 0.0.0.0 82 'untold: *'
firewall in 0.0.0.0 83 'untold: *'
firewall in 0.0.0.0 3005 'drops names-port by chain inet filter input, *'
firewall in 0.0.0.0 3011 'drops by policy *'
firewall in 0.0.0.0 3020 'drops names-port *'
firewall in 10.1.1.1 84 passes
firewall in 10.1.1.2 84 'drops by policy *'
firewall in 0.0.0.0 84 'untold: *'
firewall in 0.0.0.0 85 passes
firewall in 0.0.0.0 86 'drops names-port *'
firewall in 0.0.0.0 92 'drops by policy *'
firewall out 198.51.100.7 9000 'rejects names-port by chain inet filter output, *'
firewall out 198.51.101.7 9000 passes
firewall out 2001:db8::1 80 'drops *'
firewall out 2001:db8::1 443 passes
firewall out 2001:db9::1 80 passes
nft add table netdev early
nft 'add chain netdev early in { type filter hook ingress device "lo" priority 0; }'
firewall in 0.0.0.0 80 'untold: a network device *'
nft flush ruleset

# ---- what iptables makes of them
iptables-nft -A INPUT -i lo -j ACCEPT
iptables-nft -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables-nft -A INPUT -p udp --dport 80 -j DROP
iptables-nft -A INPUT -p tcp --dport 80 -m comment --comment web -j ACCEPT
iptables-nft -A INPUT -p tcp -m multiport --dports 81,90:95 -j REJECT
iptables-nft -A INPUT -p tcp --dport 96 --syn -j DROP
iptables-nft -A INPUT -p tcp --dport 97 -m recent --name x --update --seconds 5 -j DROP
iptables-nft -A INPUT -s 192.0.2.0/24 -j ACCEPT
firewall in 0.0.0.0 80 passes
firewall in 0.0.0.0 93 'rejects names-port by chain ip filter INPUT, *'
firewall in 0.0.0.0 96 'drops names-port *'
firewall in 0.0.0.0 97 'untold: *'
firewall in 0.0.0.0 98 passes
firewall in :: 93 passes
iptables-nft -P INPUT DROP
firewall in 0.0.0.0 98 'untold: *'
iptables-nft -D INPUT -s 192.0.2.0/24 -j ACCEPT
firewall in 0.0.0.0 98 'drops by policy of chain ip filter INPUT*'
iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080
firewall in 0.0.0.0 80 'untold: *'
nft flush ruleset

# ---- another's rules need a right of their own
said=$(setpriv --bounding-set -net_admin,-sys_admin --inh-caps -net_admin,-sys_admin "$answers" firewall in 0.0.0.0 80) &&
    fail "rules were read without the right to"
case $said in
*CAP_NET_ADMIN*) ;;
*) fail "it does not say why: $said" ;;
esac

# ---- addresses, routes, neighbours
ip link add wire type veth peer name far
ip link set far up
ip address add 10.9.0.1/24 dev wire
ip link set wire up
ip link add pair type veth peer name other
ip address add 10.8.0.1/24 dev pair
ip link set pair up
ip link set other up
ip route add unreachable 10.7.0.0/24
ip route add prohibit 10.6.0.0/24
ip route add 10.5.0.0/24 via 10.8.0.2
ip neigh add 10.8.0.3 lladdr 02:00:00:00:00:03 dev pair nud permanent
socat -u TCP:10.8.0.2:80,connect-timeout=0.2 - 2>/dev/null || :
said=$("$answers" links 10.9.0.1 10.8.0.3 10.5.0.1 10.7.0.1 10.6.0.1 192.0.2.1 127.0.0.9 name) || fail links
for line in 'address 10.9.0.1 wire' 'path 10.9.0.1 local - none unknown' 'path 10.8.0.3 routed pair 10.8.0.3 seen' \
    'path 10.7.0.1 forbidden - none unknown' 'path 10.6.0.1 forbidden - none unknown' \
    'path 192.0.2.1 none - none unknown' 'path 127.0.0.9 local - none unknown' 'path name unknown - none unknown' \
    'path 10.5.0.1 routed pair 10.8.0.2 silent'; do
    echo "$said" | grep -qxF "$line" || fail "expected '$line' of: $said"
done
