"""The command line of the scripts, made from the option fields of dataclasses (training/options.py)."""
import os
import types
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from functools import partial
from pathlib import Path

from faceparse.errors import FaceparseError
from faceparse.recipes import RECIPES
from faceparse.training.options import LabelMaps, RunOptions, option_fields

WIDE = partial(RawDescriptionHelpFormatter, max_help_position=26)  # the formatter_class of the scripts' parsers


def add_options(parser, *dataclass_types, leave_out=(), **changes):
    """Add an option for each option field of some dataclasses, in groups with the fields' titles.

    leave_out  names of fields without an option
    changes    {name of a field: {keyword of add_argument: value}} where a script differs, e.g. nargs="+"
    A field of a plan has no default here: None means that the recipe or the data decides.
    """
    groups = {group.title: group for group in parser._action_groups}
    done = set(leave_out)
    for dataclass_type in dataclass_types:
        for name, field in option_fields(dataclass_type).items():
            if name not in done:
                done.add(name)
                title = field.metadata["group"]
                groups[title] = groups.get(title) or parser.add_argument_group(title)
                add_option(groups[title], name, field, **changes.get(name, {}))


def add_option(group, name, field, **changes):
    """Add the option of a field to a group of an argument parser."""
    flag, kind = f"--{name.replace('_', '-')}", field.type
    if isinstance(kind, types.UnionType):  # such as int | None
        kind = next(option for option in kind.__args__ if option is not type(None))
    help = field.metadata["help"]
    if "default" not in help and hasattr(RECIPES["toy"], name):
        help += f" (default: toy {getattr(RECIPES['toy'], name)}, baker2023 {getattr(RECIPES['baker2023'], name)})"
    if kind is bool:
        return group.add_argument(flag, action="store_true", default=field.default or None, help=help)
    group.add_argument(flag, **{"type": number if name == "workers" else kind, "choices": field.metadata["choices"],
                                "metavar": field.metadata["metavar"], "help": help, **changes})


def values_of(args, *dataclass_types):
    """{name: value} of the options of some dataclasses that are set on the command line."""
    names = [name for dataclass_type in dataclass_types for name in option_fields(dataclass_type)]
    return {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}


# Options that only some data sets have
WITH_REAL = ("mixed", "mixed-baker2023", "mixed-portrait")  # synthetic faces and a real set
SETS_OF = {"mix": (*WITH_REAL, "toymixed"), "mix_real": WITH_REAL, "helen_rule": ("helen", *WITH_REAL),
           "full": ("facesynthetics", "facesynthetics-baker2023", "ibugmask", "mixed", "mixed-baker2023")}


def refuse_unused(args, data):
    """Raises FaceparseError for an option that the user set and that no data set in the list `data` has."""
    for option, sets in SETS_OF.items():
        if getattr(args, option, None) is not None and not set(sets) & set(data):
            raise FaceparseError(f"--{option.replace('_', '-')} is for --data {', '.join(sets)}, and changes nothing "
                                 f"for {', '.join(data)}: leave it out")


def number(text):
    """The type of an option that is an integer from 0 up."""
    if int(text) < 0:
        raise ArgumentTypeError(f"{text} should be 0 or more")
    return int(text)


def add_root(group):
    """Add --root to a group of an argument parser."""
    group.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"), metavar="DIR",
                       help="folder that holds a folder for each data set, as published (default: $FACEPARSE_DATA, "
                            "else data/)")


def add_helen_rule(group):
    """Add --helen-rule to a group of an argument parser."""
    add_option(group, "helen_rule", option_fields(LabelMaps)["helen_rule"])


def add_machine_options(parser, **changes):
    """Add --device, --amp and --workers of RunOptions; changes as in add_options."""
    add_options(parser, RunOptions, leave_out=set(option_fields(RunOptions)) - {"device", "amp", "workers"}, **changes)
