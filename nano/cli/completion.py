# -*- test-case-name: tests.cli.test_completion -*-
"""
Scripts for shells that complete what `nano` takes; made of the parser itself.

All three ask the same three questions: which commands there are, which options a command has, and what an option or
argument takes, which is one of a few words, a file, a folder, or nothing that could be guessed.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["script_for"]

#: What the words that stand for values mean, where the parser knows no choices.
_FILES = frozenset(("FILE", "PATH", "SCRIPT"))
_FOLDERS = frozenset(("DIR",))
_WORDS: Mapping[str, tuple[str, ...]] = {"FORMAT": ("json", "text", "apache")}


class _Value(NamedTuple):
    """What may be typed in a place: some words, or files, or folders, or anything."""

    words: tuple[str, ...] = ()
    files: bool = False
    folders: bool = False
    name: str = ""


class _Option(NamedTuple):
    """An option under all its names; without a value where it is a flag."""

    names: tuple[str, ...]
    help: str
    value: _Value | None


class _Command(NamedTuple):
    """A command, its options, and what its arguments are."""

    name: str
    help: str
    options: tuple[_Option, ...]
    arguments: tuple[_Value, ...]


def script_for(shell: str, parser: argparse.ArgumentParser) -> str:
    """
    The completion script of a shell.

    Args:
        shell: bash, zsh or fish.
        parser: of the whole command.
    """
    top = _Command("", "", _options(parser), ())
    return _SHELLS[shell](top, _commands(parser))


def _commands(parser: argparse.ArgumentParser) -> list[_Command]:
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {each.dest: each.help or "" for each in action._choices_actions}
            for name, below in action.choices.items():
                values = tuple(_value(each) for each in below._actions if not each.option_strings)
                found.append(_Command(name, helps.get(name, ""), _options(below), values))
    return found


def _options(parser: argparse.ArgumentParser) -> tuple[_Option, ...]:
    return tuple(
        _Option(tuple(action.option_strings), action.help or "", None if action.nargs == 0 else _value(action))
        for action in parser._actions
        if action.option_strings
    )


def _value(action: argparse.Action) -> _Value:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    words = tuple(map(str, action.choices)) if action.choices is not None else _WORDS.get(name, ())
    return _Value(words, name in _FILES, name in _FOLDERS, name)


# --- bash --------------------------------------------------------------------------------------


def _bash(top: _Command, commands: Sequence[_Command]) -> str:
    cases = "".join(_bash_case(command) for command in commands)
    names = " ".join([*(command.name for command in commands), *_names(top)])
    return f"""\
# bash completion for nano; made by: nano completion bash
_nano() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
    local options="" values="" files="" after=""
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=($(compgen -W "{names}" -- "$cur"))
        return
    fi
    case "${{COMP_WORDS[1]}} $prev" in
{cases}    esac
    if [[ $cur == -* && -z $after ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$cur"))
    elif [[ $files == folders ]]; then
        compopt -o filenames 2> /dev/null
        local IFS=$'\\n'
        COMPREPLY=($(compgen -d -- "$cur"))
    elif [[ $files == files ]]; then
        compopt -o filenames 2> /dev/null
        local IFS=$'\\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}}
complete -F _nano nano
"""


def _bash_case(command: _Command) -> str:
    lines = []
    for option in command.options:
        if option.value is not None:
            patterns = " | ".join(f'"{command.name} {name}"' for name in option.names)
            lines.append(f"        {patterns}) after=option; {_bash_value(option.value)} ;;\n")
    argument = command.arguments[0] if command.arguments else _Value()
    options = " ".join(_names(command))
    lines.append(f'        "{command.name} "*) options="{options}"; {_bash_value(argument)} ;;\n')
    return "".join(lines)


def _bash_value(value: _Value) -> str:
    if value.words:
        return f'values="{" ".join(value.words)}"'
    return "files=folders" if value.folders else "files=files" if value.files else ":"


def _names(command: _Command) -> list[str]:
    return [name for option in command.options for name in option.names]


# --- zsh ---------------------------------------------------------------------------------------


def _zsh(top: _Command, commands: Sequence[_Command]) -> str:
    told = "".join(f"        {shlex.quote(f'{each.name}:{each.help}')}\n" for each in commands)
    cases = "".join(f"        {each.name}) _arguments -S {' '.join(_zsh_specs(each))} ;;\n" for each in commands)
    return f"""\
#compdef nano
# zsh completion for nano; made by: nano completion zsh
_nano() {{
    local curcontext="$curcontext" state line
    local -a commands
    commands=(
{told}    )
    _arguments -C {" ".join(_zsh_specs(top))} '1:command:->command' '*::argument:->arguments'
    case $state in
        command) _describe command commands ;;
        arguments)
            case $words[1] in
{_indented(cases)}            esac ;;
    esac
}}
if [[ $funcstack[1] == _nano ]]; then _nano "$@"; else compdef _nano nano; fi
"""


def _indented(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.splitlines())


def _zsh_specs(command: _Command) -> list[str]:
    specs = []
    for option in command.options:
        others = " ".join(option.names)
        value = "" if option.value is None else f":{option.value.name.lower()}:{_zsh_value(option.value)}"
        for name in option.names:
            specs.append(shlex.quote(f"({others}){name}[{_zsh_text(option.help)}]{value}"))
    for index, each in enumerate(command.arguments, 1):
        # Only the first is known; what a script takes is the script's.
        specs.append(shlex.quote(f"{index}:{each.name.lower()}:{_zsh_value(each)}"))
    return specs


def _zsh_text(text: str) -> str:
    return re.sub(r"([][:])", r"\\\1", text)


def _zsh_value(value: _Value) -> str:
    if value.words:
        return f"({' '.join(value.words)})"
    return "_files -/" if value.folders else "_files" if value.files else " "


# --- fish --------------------------------------------------------------------------------------


def _fish(top: _Command, commands: Sequence[_Command]) -> str:
    lines = ["# fish completion for nano; made by: nano completion fish", "complete -c nano -f"]
    for command in commands:
        told = f"-a {command.name} -d {_fish_quoted(command.help)}"
        lines.append(f"complete -c nano -n __fish_use_subcommand {told}")
    lines += [f"complete -c nano -n __fish_use_subcommand {_fish_option(option)}" for option in top.options]
    for command in commands:
        when = f"complete -c nano -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{when} {_fish_option(option)}" for option in command.options]
        if command.arguments and (value := _fish_value(command.arguments[0])):
            lines.append(f"{when} {value}")
    return "".join(f"{line}\n" for line in lines)


def _fish_option(option: _Option) -> str:
    parts = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    if option.value is not None:
        exclusive = "-r" if option.value.files or option.value.folders else "-x"
        parts.append(f"{exclusive} {_fish_value(option.value)}".rstrip())
    return " ".join([*parts, f"-d {_fish_quoted(option.help)}"])


def _fish_value(value: _Value) -> str:
    if value.words:
        return f"-a {_fish_quoted(' '.join(value.words))}"
    return "-a '(__fish_complete_directories)'" if value.folders else "-F" if value.files else ""


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SHELLS: Mapping[str, Callable[[_Command, Sequence[_Command]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
