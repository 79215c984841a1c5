#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The options of --help are those of the manual, and those that each shell offers.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

portshare=${PORTSHARE:-./portshare}
source_dir=$(cd "${top_srcdir:-.}" && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# The shells ask the program for the names of columns.
PATH=$(cd "$(dirname "$portshare")" && pwd):$PATH
HOME=$scratch
export PATH HOME

# options_of COMMAND: heads of the lines of --help: -t, --tcp, and what they take.
options_of() {
	"$portshare" "$1" --help | sed -nE 's/^ {2,6}(-[^ ,]*(, +--[^ ]*)?).*/\1/p' | tr -d ',' >"$scratch/help.$1"
	sed -E 's/=[A-Z]+//' "$scratch/help.$1" | tr -s ' ' '\n' | sort >"$scratch/expected.$1"
}

# Options of the manual: the heads of its lists, .It Fl s , Fl -state Ar list. What asks for a bind has
# all of its own.
manual_options() {
	case $1 in
	probe | wait) set -- "$1" ;;
	*) set -- "$1" "$source_dir/man/portshare.1" ;;
	esac
	sed -nE 's/^\.It (Fl .*)/\1/p' "$source_dir/man/portshare-$1.1" ${2+"$2"}
}

for command in list check probe wait watch; do
	options_of "$command"
	ok "$command --help shows options" test -s "$scratch/expected.$command"
	manual_options "$command" | tr ' ' '\n' | awk 'after { print "-" $0 } { after = ($0 == "Fl") }' |
		sort >"$scratch/manual"
	is "$command: the manual describes each option once, and no other" "$(cat "$scratch/manual")" \
		"$(cat "$scratch/expected.$command")"

	# Those that take something do so in both.
	grep '=' "$scratch/help.$command" | sed -E 's/.*(--[a-z-]+)=.*/\1/' | sort >"$scratch/arguments"
	is "$command: help and manual agree on which take an argument" \
		"$(manual_options "$command" | sed -nE 's/.*Fl (-[a-z-]+) Ar .*/-\1/p' | sort)" \
		"$(cat "$scratch/arguments")"
done
# Where a command takes none of what the others take.
"$portshare" wait --help | sed -nE 's/.* (--[a-z-]+).* refused: .*/\1/p' >"$scratch/refused"
is "wait: help and manual agree on what is refused" "$(cat "$scratch/refused")" \
	"$(grep -B 1 '^Refused' "$source_dir/man/portshare-wait.1" | sed -nE 's/^\.It .*Fl (-[a-z-]+).*/-\1/p')"
cp "$scratch/expected.list" "$scratch/expected"
findings=$(sed -n '/^\.Sh FINDINGS/,/^\.Sh EXIT/p' "$source_dir/man/portshare-check.1" | sed -n 's/^\.It Li //p' | sort)
is "the manual of check has every finding" "$findings" \
	"$("$portshare" check --format=prometheus --from /dev/stdin <"$source_dir/tests/findings/udp-plain.json" |
		sed -n 's/^portshare_findings{finding="\([a-z-]*\)".*/\1/p' | sort -u)"

# -o help, and the columns of the manual.
"$portshare" -o help | awk '/^ / { seen = 1; print $1 } !NF && seen { exit }' | sort >"$scratch/columns"
ok '-o help shows columns' test -s "$scratch/columns"

states='bound
close-wait
closing
estab
fin-wait-1
fin-wait-2
last-ack
listen
syn-recv
syn-sent
time-wait'

# ---- the shells -------------------------------------------------------------------------------

# ask_SHELL LINE: the candidates for the last word of a command line, one a line.
ask_bash() {
	bash --norc --noprofile -c '
		. "$1" || exit 1
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMP_LINE="$*"
		COMP_POINT=${#COMP_LINE}
		complete_with=$(complete -p portshare) || exit 1
		complete_with=${complete_with##*-F }
		"${complete_with%% *}" portshare "${COMP_WORDS[COMP_CWORD]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$source_dir/completions/bash/portshare" "$@" \
		2>"$scratch/bash.err"
	cat "$scratch/bash.err" >&2
}

# An interactive zsh on a terminal of its own, in which a widget completes and writes down what
# was added.
ask_zsh() {
	: >"$scratch/zsh.out"
	cat >"$scratch/zsh.rc" <<'END'
fpath=($COMPLETIONS $fpath)
autoload -U compinit
compinit -u -D
zstyle ':completion:*' menu no
LISTMAX=0
compadd() {
	local argument
	for argument; do
		case $argument in
		-|--) break ;;
		-[OAD]) builtin compadd "$@"; return ;;
		-*[OAD]) [[ $argument == -[a-zA-Z12]#[OAD] ]] && { builtin compadd "$@"; return } ;;
		esac
	done
	local -a added
	builtin compadd -O added "$@"
	(( $#added )) && print -rl -- $IPREFIX$^added >>$CANDIDATES
	builtin compadd "$@"
}
write_down() {
	_main_complete
	print -r -- DONE >>$CANDIDATES
	compstate[insert]= compstate[list]=
}
zle -C write-down complete-word write_down
bindkey '^X^A' write-down
setopt extendedglob
END
	COMPLETIONS=$source_dir/completions/zsh CANDIDATES=$scratch/zsh.out \
		LINE=$1 RC=$scratch/zsh.rc zsh -f -c '
		zmodload zsh/zpty || exit 1
		zpty asked "TERM=xterm zsh -f -i"
		zpty -w asked "PS1=; source $RC; print READY-$((6 * 7))"
		zpty -r -m asked seen "*READY-42*" || exit 1
		zpty -n -w asked "$LINE"$'\''\x18\x01'\''
		integer waited
		while (( waited++ < 200 )) && ! grep -q "^DONE\$" $CANDIDATES; do
			sleep 0.05
			zpty -r -t asked seen
		done
		zpty -d asked' </dev/null >"$scratch/zsh.log" 2>&1
	grep -v '^DONE$' "$scratch/zsh.out" | sed 's/ *$//' | sort -u
}

ask_fish() {
	# shellcheck disable=SC2016 # fish expands it
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' \
		"$source_dir/completions/fish/portshare.fish" "$1" </dev/null | cut -f 1
}

sorted() {
	grep . | sort -u
}

if command -v bash >/dev/null 2>&1; then
	is 'bash offers the options of --help' "$(ask_bash portshare list - | sorted)" \
		"$(cat "$scratch/expected")"
	is 'bash offers options by their beginning' "$(ask_bash portshare --js | sorted)" \
		'--json
--json-lines'
	is 'bash offers states' "$(ask_bash portshare -s '' | sorted)" "$states"
	is 'bash goes on in a list of states' \
		"$(ask_bash portshare --state = listen,time)" 'listen,time-wait'
	is 'bash offers colour modes' "$(ask_bash portshare --color = | sorted)" \
		'always
auto
never'
	is 'bash offers columns' "$(ask_bash portshare -o '' | sorted)" "$(cat "$scratch/columns")"
	is 'bash goes on after a plus' "$(ask_bash portshare --output = +ino)" '+inode'
	like 'bash offers users' "$(ask_bash portshare --user '')" '^root$'
	is 'bash offers the command' "$(ask_bash portshare l)" 'list'
	is 'bash offers the protocols of a selector' "$(ask_bash portshare -n u)" 'udp:'
	is 'bash offers the options of check' "$(ask_bash portshare check - | sorted)" "$(cat "$scratch/expected.check")"
	is 'bash offers the options of probe' "$(ask_bash portshare probe - | sorted)" "$(cat "$scratch/expected.probe")"
	is 'bash offers the options of watch' "$(ask_bash portshare watch - | sorted)" "$(cat "$scratch/expected.watch")"
	is 'bash offers the options of wait' "$(ask_bash portshare wait - | sorted)" "$(cat "$scratch/expected.wait")"
	is 'bash offers what to wait for' "$(ask_bash portshare wait --until '' | sorted)" 'free
listening'
	like 'bash offers commands to run' "$(ask_bash portshare wait tcp:80 -- prin)" '^printf$'
	is 'bash offers findings' "$(ask_bash portshare check --ignore '' | sorted)" "$findings"
	is 'bash offers findings to explain' "$(ask_bash portshare explain '' | sorted)" "$findings"
	is 'bash offers levels' "$(ask_bash portshare check --warning n | sorted)" 'never
note'
	touch "$scratch/saved.json"
	is 'bash offers files' "$(ask_bash portshare --from "$scratch/sav")" "$scratch/saved.json"
else
	skip 'bash' 'no bash'
fi

if command -v zsh >/dev/null 2>&1 && zsh -f -c 'zmodload zsh/zpty' 2>/dev/null; then
	is 'zsh offers the options of --help' \
		"$(ask_zsh 'portshare list -' | sed 's/=$//' | sorted)" "$(cat "$scratch/expected")"
	is 'zsh offers the options of check' \
		"$(ask_zsh 'portshare check -' | sed 's/=$//' | sorted)" "$(cat "$scratch/expected.check")"
	is 'zsh offers the options of probe' \
		"$(ask_zsh 'portshare probe -' | sed 's/=$//' | sorted)" "$(cat "$scratch/expected.probe")"
	is 'zsh offers the options of watch' \
		"$(ask_zsh 'portshare watch -' | sed 's/=$//' | sorted)" "$(cat "$scratch/expected.watch")"
	is 'zsh offers the options of wait' \
		"$(ask_zsh 'portshare wait -' | sed 's/=$//' | sorted)" "$(cat "$scratch/expected.wait")"
	like 'zsh offers a bind' "$(ask_zsh 'portshare probe u')" '^udp:$'
	is 'zsh offers findings' "$(ask_zsh 'portshare check --ignore=' | sed 's/.*=//' | sorted)" "$findings"
	is 'zsh offers findings to explain' "$(ask_zsh 'portshare explain ' | sorted)" "$findings"
	is 'zsh offers states' "$(ask_zsh 'portshare -s ' | sorted)" "$states"
	is 'zsh offers colour modes' "$(ask_zsh 'portshare --color=' | sed 's/.*=//' | sorted)" \
		'always
auto
never'
	is 'zsh offers columns' "$(ask_zsh 'portshare -o ' | sorted)" "$(cat "$scratch/columns")"
	like 'zsh offers the command' "$(ask_zsh 'portshare l')" '^list$'
	like 'zsh offers the protocols of a selector' "$(ask_zsh 'portshare -n u')" '^udp:$'
else
	skip 'zsh' 'no zsh with its zpty module'
fi

if command -v fish >/dev/null 2>&1; then
	is 'fish offers the options of --help' \
		"$({ ask_fish 'portshare -'; ask_fish 'portshare --'; } | sed 's/=$//' | sorted)" \
		"$(cat "$scratch/expected")"
	is 'fish offers the options of explain' \
		"$({ ask_fish 'portshare explain -'; ask_fish 'portshare explain --'; } | sed 's/=$//' | sorted)" \
		"$(options_of explain; cat "$scratch/expected.explain")"
	is 'fish offers the options of check' \
		"$({ ask_fish 'portshare check -'; ask_fish 'portshare check --'; } | sed 's/=$//' | sorted)" \
		"$(cat "$scratch/expected.check")"
	is 'fish offers the options of probe' \
		"$({ ask_fish 'portshare probe -'; ask_fish 'portshare probe --'; } | sed 's/=$//' | sorted)" \
		"$(cat "$scratch/expected.probe")"
	is 'fish offers the options of watch' \
		"$({ ask_fish 'portshare watch -'; ask_fish 'portshare watch --'; } | sed 's/=$//' | sorted)" \
		"$(cat "$scratch/expected.watch")"
	is 'fish offers the options of wait' \
		"$({ ask_fish 'portshare wait -'; ask_fish 'portshare wait --'; } | sed 's/=$//' | sorted)" \
		"$(cat "$scratch/expected.wait")"
	is 'fish takes no option for an operator of its own' "$({ ask_fish 'portshare -n '; ask_fish 'portshare -n -'; } 2>&1 | grep -c 'test:')" 0
	is 'fish offers findings' "$(ask_fish 'portshare check --ignore ' | sorted)" "$findings"
	is 'fish offers findings to explain' "$(ask_fish 'portshare explain ' | sorted)" "$findings"
	is 'fish offers states' "$(ask_fish 'portshare -s ' | sorted)" "$states"
	is 'fish goes on in a list of states' "$(ask_fish 'portshare --state listen,time')" \
		'listen,time-wait'
	is 'fish offers colour modes' "$(ask_fish 'portshare --color ' | sorted)" \
		'always
auto
never'
	is 'fish offers columns' "$(ask_fish 'portshare -o ' | sorted)" "$(cat "$scratch/columns")"
	is 'fish goes on after a plus' "$(ask_fish 'portshare --output +ino')" '+inode'
	like 'fish offers the command' "$(ask_fish 'portshare l')" '^list$'
	like 'fish offers the protocols of a selector' "$(ask_fish 'portshare -n u')" '^udp:$'
else
	skip 'fish' 'no fish'
fi

done_testing
