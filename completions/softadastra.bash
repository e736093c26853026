#!/bin/bash

__softadastra_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__softadastra_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__softadastra_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__softadastra_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_softadastra() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--verbose -v --version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    watch|invite|join|status|wait|folder|peers|node|store|sync|conflicts|versions|restore|fs|wal|discover|demo|config|help)
        # Offer subcommand argument completions
        "_softadastra_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'watch invite join status wait folder peers node store sync conflicts versions restore fs wal discover demo config help' -- "${cur}"))
        ;;
    esac
}

_softadastra_watch() {
    repeating_flags=()
    non_repeating_flags=(--no-discovery --full-scan --adopt --json --verbose -v --version -h --help)
    repeating_options=(--peer)
    non_repeating_options=(--name --join --mode --listen --discovery-port --home --log-level --color)
    __softadastra_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--name')
        return
        ;;
    '--join')
        return
        ;;
    '--mode')
        __softadastra_add_completions -W 'send-receive'$'\n''send-only'$'\n''receive-only'
        return
        ;;
    '--listen')
        return
        ;;
    '--peer')
        return
        ;;
    '--discovery-port')
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __softadastra_add_completions -d
        return
        ;;
    esac
}

_softadastra_invite() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--expires --uses --home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--expires')
        return
        ;;
    '--uses')
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_join() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_status() {
    repeating_flags=()
    non_repeating_flags=(--watch --json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -f
        return
        ;;
    esac
}

_softadastra_wait() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--timeout --peers --home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--peers')
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_folder() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    list|remove|revert|confirm-deletions)
        # Offer subcommand argument completions
        "_softadastra_folder_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'list remove revert confirm-deletions' -- "${cur}"))
        ;;
    esac
}

_softadastra_folder_list() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_folder_remove() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -d
        return
        ;;
    esac
}

_softadastra_folder_revert() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -d
        return
        ;;
    esac
}

_softadastra_folder_confirm-deletions() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -d
        return
        ;;
    esac
}

_softadastra_peers() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    list|add|remove)
        # Offer subcommand argument completions
        "_softadastra_peers_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'list add remove' -- "${cur}"))
        ;;
    esac
}

_softadastra_peers_list() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_peers_add() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_peers_remove() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_node() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    show|stop)
        # Offer subcommand argument completions
        "_softadastra_node_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'show stop' -- "${cur}"))
        ;;
    esac
}

_softadastra_node_show() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_node_stop() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    put|get|remove|list|watch|export|import)
        # Offer subcommand argument completions
        "_softadastra_store_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'put get remove list watch export import' -- "${cur}"))
        ;;
    esac
}

_softadastra_store_put() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--if-version --home --log-level --color)
    __softadastra_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '--if-version')
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store_get() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store_remove() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store_list() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store_watch() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store_export() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_store_import() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_sync() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    status|tick|retry)
        # Offer subcommand argument completions
        "_softadastra_sync_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'status tick retry' -- "${cur}"))
        ;;
    esac
}

_softadastra_sync_status() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_sync_tick() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_sync_retry() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -f
        return
        ;;
    esac
}

_softadastra_conflicts() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    list|resolve)
        # Offer subcommand argument completions
        "_softadastra_conflicts_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'list resolve' -- "${cur}"))
        ;;
    esac
}

_softadastra_conflicts_list() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_conflicts_resolve() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--keep --home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--keep')
        __softadastra_add_completions -W 'this'$'\n''other'$'\n''both'
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -f
        return
        ;;
    esac
}

_softadastra_versions() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -f
        return
        ;;
    esac
}

_softadastra_restore() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--at --home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--at')
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -f
        return
        ;;
    esac
}

_softadastra_fs() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    scan|watch)
        # Offer subcommand argument completions
        "_softadastra_fs_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'scan watch' -- "${cur}"))
        ;;
    esac
}

_softadastra_fs_scan() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -d
        return
        ;;
    esac
}

_softadastra_fs_watch() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __softadastra_add_completions -d
        return
        ;;
    esac
}

_softadastra_wal() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    inspect|verify|compact)
        # Offer subcommand argument completions
        "_softadastra_wal_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'inspect verify compact' -- "${cur}"))
        ;;
    esac
}

_softadastra_wal_inspect() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_wal_verify() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_wal_compact() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_discover() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--for --home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--for')
        return
        ;;
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_demo() {
    repeating_flags=()
    non_repeating_flags=(--verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_config() {
    repeating_flags=()
    non_repeating_flags=(--json --verbose -v --version -h --help)
    repeating_options=()
    non_repeating_options=(--home --log-level --color)
    __softadastra_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--home')
        __softadastra_add_completions -d
        return
        ;;
    '--log-level')
        __softadastra_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--color')
        __softadastra_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_softadastra_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __softadastra_offer_flags_options -1
}

complete -o filenames -F _softadastra softadastra
