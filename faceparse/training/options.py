"""Options of a training: fields of dataclasses, from which the command line is made (scripts/options.py).

A new option is one field here, or in plans.py, and the code that uses it; a recipe may hold its default under the same
name.
"""
from dataclasses import dataclass, field, fields
from pathlib import Path


def option(help, *, group, default=None, choices=None, metavar=None):
    """A dataclass field that is an option of the command line: field `class_weights` is --class-weights.

    help     what it does; where a recipe has a field of this name, its values are appended as the default
    group    title of the group under which --help lists it
    choices  the values to choose from, or None
    """
    return field(default=default, metadata={"help": help, "group": group, "choices": choices, "metavar": metavar})


def option_fields(dataclass_type):
    """{name: field} of the fields that are options."""
    return {field.name: field for field in fields(dataclass_type) if "help" in field.metadata}


RUN, MACHINE = "the run", "the machine"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where and how a training runs. Nothing here changes what is learnt, except bfloat16 its precision."""
    runs: Path = option("folder in which run folders are looked for and made (default: runs/)", group=RUN,
                        default=Path("runs"), metavar="DIR")
    name: str | None = option("name of the run's folder (default: the data set, the architecture and each option that "
                              "differs from the recipe)", group=RUN, metavar="NAME")
    resume: bool = option("continue an unfinished run (default: an unfinished run is an error)", group=RUN, default=False)
    skip_bad: bool = option("leave out unreadable files and list them (default: stop at the first)", group=RUN,
                            default=False)
    dry_run: bool = option("print what would be trained and how long it would take, measured over a few real steps; write "
                           "nothing", group=RUN, default=False)
    max_params: int | None = option(
        "refuse a network with more trainable parameters; heads used in training only are not counted (default: any "
        "number; zhou2025's challenge allows 1821085)", group=RUN, metavar="N")
    device: str = option("cpu, cuda, cuda:1 or mps (default: a GPU where there is one)", group=MACHINE, default="auto",
                         metavar="NAME")
    amp: str = option("compute in bfloat16, which is faster (default: auto, where the processor supports it)",
                      group=MACHINE, default="auto", choices=("auto", "on", "off"))
    workers: int | None = option("threads that read ahead (default: 0 on a CPU, whose cores the network uses, else 4)",
                                 group=MACHINE, metavar="N")
