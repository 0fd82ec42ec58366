"""What `train --diagnose` says: each finding with its numbers and a next step."""

from typing import Any

from gradschool.cli.main import finish
from gradschool.phrases import command, counted, hanging


def diagnosed(args: Any, settings: Any, request: Any) -> int:
    """Look at a run in place of training it; 1 if something is wrong with it."""
    from gradschool.practice.diagnose.diagnose import diagnose

    found = diagnose(settings, request, print)
    steps = f"{counted(found.look.steps, 'step')}, " if found.look else ""
    what = counted(len(found.checked), "fault")
    print(f" looked   {steps}{found.seconds:.1f} s, {what} looked for")
    for name, reason in found.unchecked:
        print(hanging(" left out ", f"{name}: {reason}"))
    for each in found.findings:
        print(hanging(" found    ", f"{each.name}: {each.sentence}."))
        print(hanging("          ", each.next_step))
    for each in found.follows:
        print(hanging(" follows  ", f"{each.name}: {each.sentence}."))
    if not found.findings:
        print(f" found    nothing that is wrong. Train it: {command('train', args.recipe)}")
    finish(args, {"recipe": args.recipe, **found.facts()})
    return 1 if found.findings else 0
