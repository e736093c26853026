function __softadastra_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __softadastra_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __softadastra_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __softadastra_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __softadastra_parse_tokens -S
    set -l unparsed_tokens (__softadastra_tokens -pc)
    switch $unparsed_tokens[1]
    case 'softadastra'
        __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'watch'
            __softadastra_parse_subcommand -r 1 'name=' 'join=' 'mode=' 'listen=' 'peer=+' 'no-discovery' 'discovery-port=' 'full-scan' 'adopt' 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'invite'
            __softadastra_parse_subcommand 0 'expires=' 'uses=' 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'join'
            __softadastra_parse_subcommand 1 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'status'
            __softadastra_parse_subcommand 1 'watch' 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'wait'
            __softadastra_parse_subcommand 0 'timeout=' 'peers=' 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'peers'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'list'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'add'
                __softadastra_parse_subcommand 1 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'remove'
                __softadastra_parse_subcommand 1 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            end
        case 'node'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'show'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'stop'
                __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            end
        case 'store'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'put'
                __softadastra_parse_subcommand 2 'if-version=' 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'get'
                __softadastra_parse_subcommand 1 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'remove'
                __softadastra_parse_subcommand 1 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'list'
                __softadastra_parse_subcommand 1 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'watch'
                __softadastra_parse_subcommand 1 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'export'
                __softadastra_parse_subcommand 1 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'import'
                __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            end
        case 'sync'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'status'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'tick'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'retry'
                __softadastra_parse_subcommand 1 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            end
        case 'fs'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'scan'
                __softadastra_parse_subcommand 1 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'watch'
                __softadastra_parse_subcommand 1 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            end
        case 'wal'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'inspect'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'verify'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            case 'compact'
                __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
            end
        case 'discover'
            __softadastra_parse_subcommand 0 'for=' 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'demo'
            __softadastra_parse_subcommand 0 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'config'
            __softadastra_parse_subcommand 0 'json' 'home=' 'v/verbose' 'log-level=' 'color=' 'version' 'h/help'
        case 'help'
            __softadastra_parse_subcommand -r 1 'version'
        end
    end
end

function __softadastra_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __softadastra_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __softadastra_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __softadastra_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__softadastra_tokens -p)
    if test -z "$(__softadastra_tokens -t)"
        set -l index (count (__softadastra_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'softadastra' -f
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'watch' -d 'Mirror folders with the other machines of the group.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'invite' -d 'Print an invite for another machine.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'join' -d 'Join the group of an invite, without watching a folder yet.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'status' -d 'Show the node, its folders and peers, and what is not in sync yet.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'wait' -d 'Wait until everything is in sync here and at all connected peers.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'peers' -d 'Show and change the nodes this one talks to.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'node' -d 'Show this node\'s metadata and capabilities, or stop it.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'store' -d 'Keep values under keys, replicated to all members of the group.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'sync' -d 'Look into the synchronisation, and push it.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'fs' -d 'See a directory as the node sees it, without a node.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'wal' -d 'Look into the node\'s log, check it, and make it smaller.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'discover' -d 'Listen for announcements of the group\'s nodes for a few seconds.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'demo' -d 'Prove on this machine that it works: two nodes, two folders, real connections.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'config' -d 'Print each effective setting and where it came from.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra watch" -ge 1' -fa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" name' -l 'name' -d 'The folder\'s name in the group; the directory\'s own by default.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" join' -l 'join' -d 'Join the group of this invite first.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" mode' -l 'mode' -d 'Which way changes go.' -rfka 'send-receive send-only receive-only'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" listen' -l 'listen' -d 'Where to listen; port 0 takes any. By default [::]:22420.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch"' -l 'peer' -d 'An address where a peer may be found; may be repeated.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" no-discovery' -l 'no-discovery' -d 'Neither announce this node nor listen for others.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" discovery-port' -l 'discovery-port' -d 'The UDP port of discovery. By default 22421.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" full-scan' -l 'full-scan' -d 'Read every file again at the start, whatever its times say.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" adopt' -l 'adopt' -d 'Take over a folder that is marked for another group.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra watch" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" expires' -l 'expires' -d 'How long it is valid: 30m, 24h, 7d.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" uses' -l 'uses' -d 'How many nodes may use it.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra invite" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra join" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra join" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra join" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra join" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra join" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra join" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra status" -eq 1' -F
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" watch' -l 'watch' -d 'Show it again every second, until interrupted.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" timeout' -l 'timeout' -d 'How long to wait at most.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" peers' -l 'peers' -d 'Also wait until so many peers are connected.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wait" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra peers" -eq 1' -fa 'list' -d 'Show discovered and connected peers. This is what \'peers\' alone does.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra peers" -eq 1' -fa 'add' -d 'Add an address where a member of the group may be found.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra peers" -eq 1' -fa 'remove' -d 'Remove a peer, or an address that was added.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers add" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers add" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers add" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers add" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers add" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers add" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers remove" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers remove" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers remove" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers remove" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers remove" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra peers remove" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra node" -eq 1' -fa 'show' -d 'Show identity, system, version and group. This is what \'node\' alone does.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra node" -eq 1' -fa 'stop' -d 'Stop the running node; returns when it has ended.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node stop" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node stop" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node stop" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node stop" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node stop" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra node stop" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'put' -d 'Put a value; it is on disk when the command returns.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'get' -d 'Print a value: its bytes and nothing else.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'remove' -d 'Remove a value.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'list' -d 'List keys in order, with size and version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'watch' -d 'Print each key that changes from now on, one a line, until interrupted.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'export' -d 'Print all keys and values as JSON lines, as \'store import\' reads them.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra store" -eq 1' -fa 'import' -d 'Put all values of JSON lines from stdin.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" if-version' -l 'if-version' -d 'Put only if the current version is this one; \'absent\' for a key that must not exist. Else exit with 75.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store put" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store get" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store remove" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store remove" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store remove" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store remove" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store remove" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store remove" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store watch" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store export" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store export" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store export" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store export" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store export" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store export" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store import" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store import" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store import" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store import" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store import" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra store import" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra sync" -eq 1' -fa 'status' -d 'Show the outbox: what is queued, in flight, acknowledged, failed.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra sync" -eq 1' -fa 'tick' -d 'Let the engine look now for what to retry and what to send.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra sync" -eq 1' -fa 'retry' -d 'Try a blocked path again now.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync tick" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra sync retry" -eq 1' -F
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync retry" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync retry" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync retry" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync retry" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync retry" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra sync retry" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra fs" -eq 1' -fa 'scan' -d 'Print everything below a directory, with what is compared between machines.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra fs" -eq 1' -fa 'watch' -d 'Print what changes in a directory, one line each, until interrupted.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra fs scan" -eq 1' -fa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs scan" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra fs watch" -eq 1' -fa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra fs watch" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra wal" -eq 1' -fa 'inspect' -d 'Show the log\'s segments and what they hold.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra wal" -eq 1' -fa 'verify' -d 'Read the whole log and check every record.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_positional "softadastra wal" -eq 1' -fa 'compact' -d 'Drop records that newer ones replaced; works while the node runs.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal inspect" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal verify" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra wal compact" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" for' -l 'for' -d 'How long to listen.' -rfka ''
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra discover" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra demo" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra demo" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra demo" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra demo" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra demo" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra demo" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" json' -l 'json' -d 'Print JSON; its fields are described in softadastra-json(7).'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" home' -l 'home' -d 'The node\'s state directory.' -rfa '(__softadastra_complete_directories)'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" v verbose' -l 'verbose' -s 'v' -d 'Log what the node does, to stderr.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" log-level' -l 'log-level' -d 'Log from this level on: trace, debug, info, notice, warning, error or critical.' -rfka 'trace debug info notice warning error critical'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" color' -l 'color' -d 'When to use colour: auto, always or never.' -rfka 'auto always never'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" version' -l 'version' -d 'Show the version.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra config" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'softadastra' -n '__softadastra_should_offer_completions_for_flags_or_options "softadastra help" version' -l 'version' -d 'Show the version.'
