"""baton policy explain | replay | diff | try | draft-test: what a policy makes of recorded conversations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import wraps
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.cli.common import PolicyFolder, config_path, environment, policy_folder, settings
from gateway.cli.policy import policy as policy_group
from gateway.clock import utc_now
from gateway.conversations.log import count_logged, logged, logged_one
from gateway.db.engine import Database
from packets.conversation import fold_all
from policies.cores import Judged, cores, judged
from policies.corpus import CorpusError, Entry, Recorded, lines, read
from policies.decide import decide
from policies.diff import Difference, escalation_line
from policies.draft_test import draft_test
from policies.explain import explain
from policies.load import load_policy
from policies.measure import Tally
from policies.measured import compared, report
from policies.model import PolicySet
from policies.pasted import read_pasted
from policies.replay import Verdict, moments, verdict_json

EVENTS = "events"  # the name of our own event log among corpora
LISTED = 20  # conversations shown by name; --json has all

Command = TypeVar("Command", bound=Callable[..., None])

_CORPORA = click.argument("corpora", nargs=-1, required=True, metavar="CORPUS…")
_FOLDER = PolicyFolder()
_POLICY = click.option("--policy", "folder", type=_FOLDER, help="Folder; without it the one baton.yml names.")
_JOBS = click.option("--jobs", type=click.IntRange(min=1), help="Processes; without it one for each core.")
_DAYS = click.option(
    "--days", type=click.IntRange(min=1), help="Of `events`, only what happened in the last so many days."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, the summary last.")


def _or_exit_2(command: Command) -> Command:
    """A corpus that cannot be read is "could not run", with file and line."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except CorpusError as error:
            click.echo(f"baton could not run:\n{error}", err=True)
            sys.exit(2)

    return run  # type: ignore[return-value]  # same arguments, same answer


@click.command("explain")
@click.argument("what", metavar="CONVERSATION")
@_POLICY
@click.option("--all-rules", is_flag=True, help="Also the rules that did not fire, and what they saw.")
@_or_exit_2
def explain_command(what: str, folder: Path | None, all_rules: bool) -> None:
    """
    Why CONVERSATION went as it did: every decision by which something fired, and the newest one.

    CONVERSATION is the id of one in the event log, judged as it was then; or a file as for `try`, or - for standard
    input, judged with --policy.
    """
    if _is_pasted(what):
        _explain_file(_from_file(what), load_policy(folder or policy_folder()), all_rules)
    elif folder is not None:
        raise click.UsageError(
            "--policy is for a file: a conversation of the event log is judged by the policy of its time"
        )
    else:
        _in_the_log(what)
        _explain_logged(what, all_rules)


def _explain_file(recorded: Recorded, judge_with: PolicySet, all_rules: bool) -> None:
    decided = [(m.turn, decide(m.state, judge_with, now=m.now, history=m.history)) for m in moments(recorded)]
    for number, (turn, decision) in enumerate(decided, start=1):
        if decision.because or number == len(decided):
            _say(f"turn {turn}\n{explain(decision, all_rules=all_rules)}\n")


def _explain_logged(conversation_id: str, all_rules: bool) -> None:
    env = environment("WARNING")
    with env.reading() as tx:
        row = tx.conversations.get(conversation_id)
        if row is None:
            raise click.ClickException(f"no conversation {conversation_id}")
        events = tx.intake.events_of(conversation_id)
        decisions = tx.intake.decisions_of(conversation_id)
    for number, (at, _action, because, revision, stored, position) in enumerate(decisions, start=1):
        if stored is None and not because and number < len(decisions):
            continue
        if stored is None:  # a quiet one: judged again, with the policy of its time
            state = fold_all(row.state.source, row.state.vendor_conversation_id, events[:position])
            then = env.policy.at_revision(revision)
            if then.revision != revision:
                raise click.ClickException(f"this version of Baton cannot read the policy of that time ({revision})")
            stored = decide(state, then, now=at)
        _say(f"{f'event {position}' if position else 'silence'}\n{explain(stored, all_rules=all_rules)}\n")
    over = row.state.talked_over
    if over.count:
        turns = ", ".join(map(str, over.turns))
        _say(f"the bot spoke {over.count} times while a person had the conversation (newest: turn {turns})")


@click.command("replay")
@_CORPORA
@_POLICY
@_DAYS
@_JOBS
@_JSON
@_or_exit_2
def replay_command(
    corpora: Sequence[str], folder: Path | None, days: int | None, jobs: int | None, as_json: bool
) -> None:
    """
    Judge every turn of recorded conversations: how often the policy escalates, when, why, and how right that is.

    A CORPUS is a JSONL file, or the word `events` for the event log of the configured database. Shows customers' own
    words. Exit 1 if there is no conversation in it.
    """
    judge_with = load_policy(folder or policy_folder())
    tally, missed, needless = Tally(judge_with), _Some("missed"), _Some("needless")
    with _judging(corpora, (judge_with,), days, jobs) as found:
        for (verdict,) in found:
            tally.add(verdict)
            missed.add(verdict, verdict.gold.should_escalate is True and verdict.first is None)
            needless.add(verdict, verdict.gold.should_escalate is False and verdict.first is not None)
            if as_json:
                click.echo(json.dumps(verdict_json(verdict)))
    if as_json:
        click.echo(json.dumps({"summary": tally.summary()}))
    else:
        _say("\n".join([report(tally.summary()), *missed.lines(), *needless.lines()]))
    sys.exit(0 if tally.conversations else 1)


@click.command("diff")
@click.argument("old", type=_FOLDER)
@click.argument("new", type=_FOLDER)
@_CORPORA
@_DAYS
@_JOBS
@_JSON
@_or_exit_2
def diff_command(
    old: Path, new: Path, corpora: Sequence[str], days: int | None, jobs: int | None, as_json: bool
) -> None:
    """
    What the policy in folder NEW would do otherwise than the one in folder OLD, conversation by conversation.

    CORPUS as for `replay`. Shows customers' own words. Exit 1 if any conversation goes otherwise.
    """
    both = (load_policy(old), load_policy(new))
    difference = Difference(*both)
    with _judging(corpora, both, days, jobs) as found:
        for before, after in found:
            changed = difference.add(before, after)
            if changed is not None:
                _say(json.dumps(changed.as_json()) if as_json else str(changed))
    summary = difference.summary()
    if as_json:
        click.echo(json.dumps({"summary": summary}))
    else:
        counts = [f"{name.replace('_', ' ')} {n}" for name, n in summary["counts"].items() if n]
        head = f"{summary['changed']} of {summary['conversations']} conversations go otherwise"
        _say(
            "\n".join(
                [": ".join(filter(None, (head, ", ".join(counts)))), "", compared(summary["old"], summary["new"])]
            )
        )
    sys.exit(1 if difference.changed else 0)


@click.command("try")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
@_POLICY
@click.option("--all-rules", is_flag=True, help="Also the rules that did not fire, and what they saw.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a turn.")
@_or_exit_2
def try_command(file: Any, folder: Path | None, all_rules: bool, as_json: bool) -> None:
    """
    Judge a conversation you paste or pipe: lines of `customer: …` and `bot: …`, or one dialogue as JSON.

    Without FILE, or with -, from standard input.
    """
    judge_with = load_policy(folder or policy_folder())
    if sys.stdin.isatty() and file.name == "<stdin>":
        click.echo("Paste the conversation, then end with Ctrl-D.", err=True)
    recorded = _pasted(file)
    for moment in moments(recorded):
        decision = decide(moment.state, judge_with, now=moment.now, history=moment.history)
        said = moment.state.new_turns[-1] if moment.state.new_turns else None
        if as_json:
            told = {
                "turn": moment.turn, "role": said.role.value if said else None, "action": decision.action.value,
                "rules": list(decision.because), "route": decision.route, "tier": decision.tier,
                "mode": decision.mode.value if decision.mode else None, "say": decision.customer_message,
            }  # fmt: skip
            click.echo(json.dumps(told))
            continue
        _say(f"turn {moment.turn}  {said.role.value}: {said.text}" if said else f"turn {moment.turn}  silence")
        if decision.because or all_rules:
            _say("\n".join(f"  {line}" for line in explain(decision, all_rules=all_rules).splitlines()))
        else:
            _say(f"  {decision.action.value}, none of {len(decision.rules)} rules fired")


@click.command("draft-test")
@click.argument("what", metavar="CONVERSATION")
@_POLICY
@_or_exit_2
def draft_test_command(what: str, folder: Path | None) -> None:
    """
    Make a test case of CONVERSATION: the id of one in the event log, a file as for `try`, or - for standard input.

    Printed in the shape of a *.test.yml, redacted; what it expects is what the policy does today, for you to judge.
    """
    judge_with = load_policy(folder or policy_folder())
    recorded = _from_file(what) if _is_pasted(what) else _from_log(what)
    try:
        text = draft_test(recorded, judge_with)
    except ValueError as error:
        raise CorpusError(str(error)) from error
    click.echo(text, nl=False)


@contextmanager
def _judging(
    corpora: Sequence[str], policies: Sequence[PolicySet], days: int | None, jobs: int | None
) -> Iterator[Iterable[tuple[Verdict, ...]]]:
    """The verdicts on all corpora, with a progress bar for whoever watches."""
    with closing(_Corpora(corpora, days)) as found, closing(judged(found, policies, jobs=jobs or cores())) as stream:
        if not sys.stderr.isatty():
            yield (verdicts for _, verdicts in stream)
            return
        ready = list(islice(stream, 1))  # the bar's clock starts when the processes have
        steps = max(1, found.size // 200)  # a bar drawn for every conversation would cost more than judging it
        with click.progressbar(length=found.size, label="Judging", file=sys.stderr, update_min_steps=steps) as bar:
            yield _watched(chain(ready, stream), bar.update)


def _watched(stream: Iterable[Judged], update: Callable[[int], None]) -> Iterator[tuple[Verdict, ...]]:
    for size, verdicts in stream:
        update(size)
        yield verdicts


class _Corpora:
    """All corpora one after the other, and their whole size in the units of their entries."""

    def __init__(self, names: Sequence[str], days: int | None) -> None:
        self._paths = {name: Path(name) for name in names if name != EVENTS}
        self._names = names
        self._since = utc_now() - timedelta(days=days) if days else None
        missing = [name for name, path in self._paths.items() if not path.is_file()]
        if missing:
            raise CorpusError(f"{missing[0]}: no such file; a corpus is a JSONL file, or `{EVENTS}` for the event log")
        self._database = Database(settings().database) if EVENTS in names else None
        self.size = sum(path.stat().st_size for path in self._paths.values())
        if self._database:
            self.size += count_logged(self._database, self._since)

    def __iter__(self) -> Iterator[Entry]:
        for name in self._names:
            if name in self._paths:
                yield from lines(self._paths[name])
            elif self._database:
                yield from logged(self._database, self._since)

    def close(self) -> None:
        if self._database:
            self._database.close()


class _Some:
    """The first few of a kind of conversation, and how many there are."""

    def __init__(self, kind: str) -> None:
        self.kind, self.count = kind, 0
        self.shown: list[str] = []

    def add(self, verdict: Verdict, belongs: bool) -> None:
        self.count += belongs
        if belongs and len(self.shown) < LISTED:
            window = verdict.gold.window
            wanted = f"{verdict.gold.trigger}, right at turn {window[0]} to {window[1]}" if window else ""
            told = escalation_line(verdict.first) if verdict.first else wanted
            self.shown.append(f"{self.kind}  {verdict.conversation}: {told}")

    def lines(self) -> list[str]:
        more = self.count - len(self.shown)
        left_out = [f"… and {more} more {self.kind}, all of them with --json"] if more else []
        return ["", *self.shown, *left_out] if self.shown else []


def _pasted(file: Any) -> Recorded:
    try:
        return read_pasted(file.read(), file.name)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file.name}: is not UTF-8 text") from error


def _is_pasted(what: str) -> bool:
    return what == "-" or Path(what).is_file()


def _from_file(name: str) -> Recorded:
    with click.open_file(name, encoding="utf-8") as file:
        return _pasted(file)


def _in_the_log(what: str) -> None:
    """Somebody who mistyped a file's name should not be told of a configuration."""
    if not config_path().exists():
        raise CorpusError(f"{what}: no such file, and no {config_path()} here to say where conversations are kept")


def _from_log(conversation_id: str) -> Recorded:
    _in_the_log(conversation_id)
    database = Database(settings().database)
    found = logged_one(database, conversation_id)
    database.close()
    if found is None:
        raise click.ClickException(f"no conversation {conversation_id}, and no file of that name")
    return read(found)


def _say(text: str) -> None:
    """Customers' words as a terminal may show them: no control characters, no halves of characters."""
    click.echo("".join(c if c.isprintable() or c == "\n" else "�" for c in text))


def register(cli: click.Group) -> None:
    """`cli` has the group `policy` already: these are more of its commands."""
    for command in (explain_command, replay_command, diff_command, try_command, draft_test_command):
        policy_group.add_command(command)
