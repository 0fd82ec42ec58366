"""Domain shift: linear classifiers of one domain's pictures, tested on all four domains.

Usage: python -m bench.transfer_domains [--bodies own random ...] [--draws 20]. Each draw learns from four
fifths of a domain (384 pictures, 96 of each of 4 animals) and is tested on the last fifth and on all 480
pictures of each other domain. Bodies are those of bench.bodies; writes results/transfer_domains.json.
"""

import json

from bench import bodies
from gradschool.practice.probes import DOMAINS, between, whole
from gradschool.recipes.transfer.photos_to_sketches import photos_to_sketches
from gradschool.runs.settings import override, to_dict


def main() -> None:
    """Fill the tables of the bodies that are asked for."""
    args = bodies.options(__doc__)
    base = override(photos_to_sketches(), args.set, "photos_to_sketches")
    parts = [whole(base.opened(0, 0.0, name)) for name in DOMAINS]
    for name in args.bodies:
        domains = dict(zip(DOMAINS, bodies.looked_at(name, parts, base), strict=True))
        rows = list(bodies.told(between(domains, args.draws), body=name))
        bodies.write("transfer_domains", rows, "body", settings=to_dict(base))
        for row in rows:
            print(json.dumps({key: row[key] for key in ("body", "row", "mean", "interval")}), flush=True)


if __name__ == "__main__":
    main()
