"""The command `completion`: prints what makes a shell complete this command, and answers the shell."""

import shlex
import sys

from engine.settings.completion import SHELLS, complete
from engine.settings.config_names import CONFIGS
from engine.settings.overview import typed_command

ASKED = "--words"  # how a shell asks: what follows is the command line as far as it is typed
CLI = CONFIGS.with_name("cli.py")
DESCRIPTION = """\
Prints what makes a shell complete this command: subcommands, configs, settings with their values, and runs. Its first
lines say where it belongs.
"""

# Each asks whatever command is typed, but `python cli.py` only where this file is meant: others may have the name.
BASH = r"""# Completion of Primer in bash; for every shell, this line in ~/.bashrc:
#   eval "$({command} completion bash)"
_primer() {{
    local cli={cli} words=("${{COMP_WORDS[@]:0:COMP_CWORD+1}}") count=1 answer
    COMPREPLY=()
    if [[ ${{words[0]##*/}} == python* ]]; then
        count=2
        (( COMP_CWORD > 1 )) && [[ ${{words[1]/#\~/$HOME}} -ef $cli ]] || return
        words[1]=$cli
    fi
    words[0]=${{words[0]/#\~/$HOME}}
    while IFS= read -r answer; do
        answer=${{answer%%$'\t'*}}
        if [[ $answer == *[^[:alnum:]_./=:,+@%-]* ]]; then printf -v answer %q "$answer"; fi
        COMPREPLY+=("$answer")
    done < <("${{words[@]:0:count}}" completion {asked} bash "${{words[@]:count}}" 2>/dev/null)
    if (( ${{#COMPREPLY[@]}} == 1 )) && [[ $COMPREPLY == *[.=] ]]; then compopt -o nospace 2>/dev/null; fi
}}
complete -o default -F _primer primer
for name in python python3; do
    complete -p $name &>/dev/null || complete -o default -F _primer $name
done
unset name
"""

ZSH = r"""# Completion of Primer in zsh; for every shell, this line in ~/.zshrc, below compinit:
#   eval "$({command} completion zsh)"
_primer() {{
    local cli={cli} count=1 answer word
    local -a typed=("${{(@)words[1,CURRENT]}}") found shown groups
    if [[ ${{typed[1]:t}} == python* ]]; then
        count=2
        if [[ CURRENT -le 2 || ! ${{typed[2]/#\~/$HOME}} -ef $cli ]]; then
            if (( ${{+functions[_python]}} )); then _python; else _files; fi
            return
        fi
        typed[2]=$cli
    fi
    typed[1]=${{typed[1]/#\~/$HOME}}
    local -a ask=("${{(@)typed[1,count]}}" completion {asked} zsh "${{(@)typed[count+1,-1]}}")
    for answer in "${{(@f)$("${{(@)ask}}" 2>/dev/null)}}"; do
        word=${{answer%%$'\t'*}}
        if [[ -z $word ]]; then continue; fi
        if [[ $word == *. ]]; then groups+=("$word"); continue; fi
        found+=("${{word//:/\\:}}:${{answer#*$'\t'}}")
    done
    if (( ! ${{#found}} && ! ${{#groups}} )); then _files; return; fi
    (( ${{#groups}} )) && compadd -S '' -a groups
    (( ${{#found}} )) && _describe -V primer found
    return 0
}}
compdef _primer primer
for name in python python3; do
    (( ${{+_comps[$name]}} )) || compdef _primer $name
done
unset name
"""

FISH = r"""# Completion of Primer in fish; for every shell, this line in ~/.config/fish/config.fish:
#   {command} completion fish | source
function __primer
    set -l words (commandline -opc) (commandline -ct)
    set -l count 1
    if string match -qr 'python[0-9.]*$' -- $words[1]
        set count 2
    end
    set -l found ($words[1..$count] completion {asked} fish $words[(math $count + 1)..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
function __primer_is_meant
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test (realpath -- $words[2] 2>/dev/null) = {cli}
end
complete -c primer -f -a '(__primer)'
complete -c python -f -n __primer_is_meant -a '(__primer)'
complete -c python3 -f -n __primer_is_meant -a '(__primer)'
"""

SCRIPTS = dict(zip(SHELLS, (BASH, ZSH, FISH), strict=True))


def completion(argv: list[str]) -> int:
    """Runs the command.

    Args:
        argv: What follows `completion`: a shell; or, from its script, `--words`, the shell and a command line.

    Returns:
        Exit code 0.

    Raises:
        InputError: There is none for this shell.
    """
    if argv[:1] == [ASKED]:
        words, kept = joined(argv[2:]) if argv[1:2] == ["bash"] else (argv[2:], "")
        sys.stdout.reconfigure(errors="surrogateescape")  # a name that is no UTF-8 is written in its own bytes
        sys.stdout.write("".join(f"{word.removeprefix(kept)}\t{text}\n" for word, text in complete(words).items()))
        return 0
    from core.terminal.one_line_parser import OneLineParser  # for which an answer does not wait

    parser = OneLineParser(f"{typed_command()} completion", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("shell", choices=SHELLS, metavar="|".join(SHELLS), help="the shell")
    shell = parser.parse_args(argv).shell
    sys.stdout.write(SCRIPTS[shell].format(command=typed_command(), cli=shlex.quote(str(CLI)), asked=ASKED))
    return 0


def joined(words: list[str]) -> tuple[list[str], str]:
    """Returns words as they were typed, where bash has cut them before and behind `=`.

    Args:
        words: The words; the last is being typed.

    Returns:
        The words, and the beginning of the last one that bash completes without.
    """
    whole: list[str] = []
    kept = ""
    for word in words:
        if whole and (word == "=" or whole[-1].endswith("=")):
            kept = whole[-1] + "=" if word == "=" else whole[-1]
            whole[-1] += word
        else:
            whole.append(word)
            kept = ""
    return whole, kept
