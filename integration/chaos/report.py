"""The report of an outage: a text, and a picture of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from integration.chaos.picture import picture
from integration.chaos.proof import Proof
from integration.chaos.run import Outcome


def text(outcome: Outcome) -> str:
    """Return the report for people."""
    settings = outcome.settings
    how = 'SIGKILL' if settings.kill else 'stop'
    lines = [
        f'Rolling outage by {how}: {outcome.proof.produced} messages in '
        f'{outcome.samples[-1].at:g} s, times divided by {settings.speed:g}, seed {settings.seed}',
        '',
        *(f'{at:8.1f} s  {event}' for at, event in outcome.events),
        '',
        *books(outcome.proof),
    ]
    return '\n'.join(lines)


def books(proof: Proof) -> list[str]:
    """Return what arrived where, and the verdict, as lines."""
    lines = [f'{"route":10} {"arrived":>8} {"missing":>8} {"duplicates":>11}']
    for route, missing in proof.missing.items():
        arrived, duplicates = proof.arrived[route], proof.duplicates[route]
        lines.append(f'{route:10} {arrived:8} {missing:8} {duplicates:11}')
        lines += [f'           missing: {example}' for example in proof.examples[route]]
    if proof.unsent:
        lines += ['', f'{proof.unsent} requests of the producer are not in the topic']
    if proof.repeated:
        lines += [
            '',
            f'{proof.repeated} requests were produced again: one that arrived stands for both',
        ]
    verdict = 'nothing was lost' if proof.lost_nothing else 'MESSAGES WERE LOST'
    if proof.lost_nothing and proof.repeated:
        verdict += ', as far as it can be told of requests that were produced again'
    return [*lines, '', f'dead letters: {proof.dead_letters}', f'verdict: {verdict}']


def write(outcome: Outcome, folder: Path) -> None:
    """Write chaos.txt, chaos.json and chaos.svg into a folder, made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'chaos.txt').write_text(text(outcome) + '\n', encoding='utf-8')
    (folder / 'chaos.json').write_text(json.dumps(asdict(outcome), indent=1), encoding='utf-8')
    (folder / 'chaos.svg').write_text(picture(outcome), encoding='utf-8')
