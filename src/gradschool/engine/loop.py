"""The only training loop. It reads top to bottom: batch, step, log, evaluate, save.

Everything random in step t is drawn from a generator seeded by (seed, t), so a resumed run needs no
generator state and its loss curve is the uninterrupted one's, bit for bit on a CPU. Hooks observe, they
never steer.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import torch

from gradschool.engine.log import Hook, Journal, interruptible
from gradschool.engine.plan import Plan as Plan  # whoever uses the loop finds its plan beside it
from gradschool.engine.plan import Progress as Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.seeds import mix
from gradschool.engine.task import Batch, Batches, Task
from gradschool.engine.update import Stepper
from gradschool.errors import Interrupted
from gradschool.phrases import command

HeldOut = Callable[[], Iterator[Batch]]
FIRST_SAVE = 5.0  # seconds into a run


def fit(
    task: Task, batches: Batches, held_out: HeldOut | None, stepper: Stepper, plan: Plan,
    run: RunFolder | None = None, hooks: Sequence[Hook] = (), progress: Progress | None = None,
) -> Progress:  # fmt: skip
    """Train a task to the end of its plan.

    Args:
        task: what is optimised.
        batches: training batches as a function of (epoch, position).
        held_out: makes the evaluation batches anew each time; None for no evaluation.
        stepper: takes the optimiser steps.
        plan: how long, how often.
        run: where to write; None writes nothing.
        hooks: called with every logged line.
        progress: where a resumed run stands.
    Raises:
        WorkFailed: the loss became NaN or infinite.
        Interrupted: the run was asked to stop; it has been saved.
    """
    at = progress or Progress()
    journal = Journal(run, hooks, stepper)
    start, saved = time.monotonic() - at.seconds, time.monotonic()
    with interruptible() as interrupted:
        for batch in stream(batches, plan, at):
            # 1. One step of the task, in its own randomness.
            torch.manual_seed(mix(plan.seed, at.step, stepper.rank))
            stepper.begin(plan.done(at))
            losses = task.step(tuple(stepper.machine.place(value) for value in batch), stepper)
            at.step, at.seconds = at.step + 1, time.monotonic() - start
            epoch = at.step / len(batches)
            journal.note({"step": at.step, "epoch": epoch, "lr": stepper.rate, "seconds": at.seconds}, losses)
            # 2. Look up now and then: evaluate, and stop early when nothing improves any more.
            at_end, is_best = plan.done(at) >= 1, False
            if held_out and plan.evaluate_every and (at_end or at.step % plan.evaluate_every == 0):
                journal.flush()
                is_best = evaluate(task, held_out, stepper, plan, at)
                journal.note(
                    {"step": at.step, "epoch": epoch, **at.scores, "seconds": time.monotonic() - start}, {}
                )
            if plan.halt and not at_end and not at.stopped:
                at.stopped = plan.halt()
            # 3. Save when due, never with weights that a bad loss has spoiled: the flush refuses it first.
            due = time.monotonic() - saved >= min(plan.save_every, max(FIRST_SAVE, saved - start))
            asked, due = stepper.agree(interrupted.is_set() and not at_end, due)
            if is_best or at_end or at.stopped or asked or due:
                journal.flush()
                if run:
                    stepper.save(run, asdict(at), is_best)
                saved = time.monotonic()
            if asked:
                where = f"Go on with: {command('train --resume', run.path)}" if run else ""
                raise Interrupted(
                    f"Stopped at step {at.step} of {plan.steps}; everything is saved", "", where
                )
    return at


def stream(batches: Batches, plan: Plan, at: Progress) -> Iterator[Batch]:
    """The run's batches from where it stands to its end, epoch after epoch."""
    while True:
        for batch in batches.epoch(*divmod(at.step, len(batches))):
            if plan.done(at) >= 1 or at.stopped:
                return
            yield batch
        if plan.done(at) >= 1 or at.stopped:
            return


def evaluate(task: Task, held_out: HeldOut, stepper: Stepper, plan: Plan, at: Progress) -> bool:
    """Score the averaged weights on held-out batches; update `at` and say whether this is the best so far."""
    # 1. Scores, without dropout and with running statistics.
    for module in stepper.modules.values():
        module.eval()
    with stepper.averaged(), torch.inference_mode():
        at.scores = task.evaluate(stepper.machine.placed(held_out()))
    for module in stepper.modules.values():
        module.train()
    if plan.monitor is None:
        return False
    # 2. What follows from them: a lower rate, patience spent, a best.
    score = at.scores[plan.monitor] * (-1 if plan.higher_is_better else 1)
    stepper.plateau.observe(score)
    improved = at.best is None or score < at.best
    at.best, at.waited = (score, 0) if improved else (at.best, at.waited + 1)
    at.kept = at.scores | {"step": at.step} if improved else at.kept
    if plan.patience and at.waited >= plan.patience:
        at.stopped = f"no improvement in {plan.patience} evaluations"
    return improved
