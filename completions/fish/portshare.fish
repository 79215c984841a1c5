# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for portshare(1)

function __portshare_columns
    set -l token (commandline -ct | string replace -r '^(-o|--output=)' '')
    set -l before (string match -r '^\+?(?:.*,)?' -- $token)
    for column in (portshare -o help 2>/dev/null | awk '/^ / { seen = 1; print } !NF && seen { exit }' | string trim)
        echo $before(string replace -r '\s+' \t -- $column)
    end
end

function __portshare_states
    set -l token (commandline -ct | string replace -r '^(-s|--state=)' '')
    set -l before (string match -r '^(?:.*,)?' -- $token)
    printf "$before%s\n" listen bound estab syn-sent syn-recv fin-wait-1 fin-wait-2 close-wait \
        last-ack closing time-wait
end

function __portshare_units
    systemctl list-units --plain --no-legend --no-pager 2>/dev/null |
        string match -r '^\S+\.(?:service|scope|socket)'
end

function __portshare_checks
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = check
end

function __portshare_binds
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- "$words[2]" probe wait
end

function __portshare_probes
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = probe
end

function __portshare_waits
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = wait
end

function __portshare_reads
    not __fish_seen_subcommand_from explain
end

function __portshare_filters
    __portshare_reads; and not __portshare_binds
end

function __portshare_watches
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = watch
end

function __portshare_lists
    __portshare_reads; and not __portshare_checks; and not __portshare_binds; and not __portshare_watches
end

complete -c portshare -f
complete -c portshare -n __fish_is_first_arg -a list -d 'Sockets per port'
complete -c portshare -n __fish_is_first_arg -a check -d 'Ports shared by accident, stuck or blocked'
complete -c portshare -n __fish_is_first_arg -a explain -d 'What a finding means'
complete -c portshare -n __fish_is_first_arg -a watch -d 'A live view'
complete -c portshare -n __fish_is_first_arg -a wait -d 'Until a port can be bound'
complete -c portshare -n __fish_is_first_arg -a probe -d 'Could a port be bound, and if not, why'
complete -c portshare -n '__fish_seen_subcommand_from explain' -a 'udp-accidental-share udp-shadowed udp-hijackable reuseport-strangers reuseport-stale-member reuseport-stuck-member inherited-listener time-wait-blocks-bind restart-blocked-later port-taken-by-client bound-not-listening dual-stack-overlap ephemeral-exhaustion time-wait-overflow'
complete -c portshare -n '__fish_seen_subcommand_from explain' -l markdown -d 'All texts as Markdown'
complete -c portshare -n 'not __fish_seen_subcommand_from explain' -a 'tcp: udp:' -d Selector

complete -c portshare -n __portshare_reads -s t -l tcp -d 'TCP only'
complete -c portshare -n __portshare_reads -s u -l udp -d 'UDP only'
complete -c portshare -n __portshare_reads -s 4 -l ipv4 -d 'IPv4 sockets only'
complete -c portshare -n __portshare_reads -s 6 -l ipv6 -d 'IPv6 sockets only'
complete -c portshare -n __portshare_filters -s l -l listening -d 'Listening TCP and unconnected UDP sockets only'
complete -c portshare -n __portshare_filters -s s -l state -x -a '(__portshare_states)' -d 'These states only'
complete -c portshare -n __portshare_filters -l shared -d 'Ports that several sockets or processes serve'
complete -c portshare -n __portshare_filters -l pid -x -a '(__fish_complete_pids)' -d 'Sockets that this process holds'
complete -c portshare -n __portshare_filters -l process -x -a '(ps -e -o comm= | sort -u)' -d 'Sockets of this process name or script'
complete -c portshare -n __portshare_filters -l user -x -a '(__fish_complete_users)' -d 'Sockets of this user'
complete -c portshare -n __portshare_filters -l unit -x -a '(__portshare_units)' -d 'Sockets of this systemd unit'
complete -c portshare -n __portshare_lists -s a -l all -d 'A row for every socket'
complete -c portshare -n __portshare_reads -l netns -r -F -a '(ls /run/netns 2>/dev/null)' -d 'Another network namespace'
complete -c portshare -n __portshare_filters -s A -l all-netns -d 'Every network namespace'
complete -c portshare -n __portshare_reads -l from -r -F -d 'A snapshot written by --json'
complete -c portshare -n __portshare_reads -l no-bpf -d 'Load no BPF programs'
complete -c portshare -n __portshare_lists -s o -l output -x -a '(__portshare_columns)' -d 'These columns'
complete -c portshare -n __portshare_reads -s J -l json -d 'The whole snapshot as JSON'
complete -c portshare -n __portshare_lists -l json-lines -d 'One JSON object a line for each socket'
complete -c portshare -n __portshare_lists -l raw -d 'Fields separated by one blank'
complete -c portshare -n __portshare_lists -s H -l no-header -d 'No line of column names'
complete -c portshare -n __portshare_lists -s n -l numeric -d 'Numbers instead of user names'
complete -c portshare -l color -x -a 'auto always never' -d 'When to colour'
complete -c portshare -n __portshare_filters -s p -d 'Accepted: owners are always shown'
complete -c portshare -s h -l help -d 'Show a summary of the options'
complete -c portshare -s V -l version -d 'Show the version'

complete -c portshare -n __portshare_checks -l warning -x -a 'note warning critical never' -d 'From this level on exit 1'
complete -c portshare -n __portshare_checks -l critical -x -a 'note warning critical never' -d 'From this level on exit 2'
complete -c portshare -n __portshare_checks -l ignore -x -a 'udp-accidental-share udp-shadowed udp-hijackable reuseport-strangers reuseport-stale-member reuseport-stuck-member inherited-listener time-wait-blocks-bind restart-blocked-later port-taken-by-client bound-not-listening dual-stack-overlap ephemeral-exhaustion time-wait-overflow' -d 'Leave out a finding'
complete -c portshare -n __portshare_checks -l format -x -a 'text json prometheus plugin' -d 'How to write it'
complete -c portshare -n __portshare_checks -l output -r -F -d 'Write to a file'

complete -c portshare -n __portshare_binds -l reuseaddr -d 'With SO_REUSEADDR'
complete -c portshare -n __portshare_binds -l reuseport -d 'With SO_REUSEPORT'
complete -c portshare -n __portshare_binds -l v6only -d 'With IPV6_V6ONLY'
complete -c portshare -n __portshare_binds -l address -x -a '0.0.0.0 127.0.0.1 :: ::1' -d 'To this address'
complete -c portshare -n __portshare_binds -l device -x -a '(ls /sys/class/net 2>/dev/null)' -d 'Bound to this interface'
complete -c portshare -n __portshare_binds -l as -x -a '(__fish_complete_users)' -d 'By this user'
complete -c portshare -n __portshare_probes -l model -d 'Compute the answer only'
complete -c portshare -n __portshare_probes -l live -d 'Bind the port in every way'
complete -c portshare -n __portshare_waits -l timeout -x -a '10s 90s 5m' -d 'Give up after this time'
complete -c portshare -n __portshare_waits -l until -x -a 'free listening' -d 'What to wait for'
complete -c portshare -n __portshare_waits -s q -l quiet -d 'Say nothing while waiting'
complete -c portshare -n __portshare_watches -s n -l interval -x -a '500ms 1s 2s 5s' -d 'Read the sockets so often'
complete -c portshare -n __portshare_watches -l batch -d 'Print frames as text'
complete -c portshare -n __portshare_watches -s c -l count -x -d 'So many frames'
complete -c portshare -n __portshare_watches -l json-lines -d 'A summary a line'
