"""Has a STIX 2.1 bundle judged by PyPI stix2-validator, reads it with PyPI stix2, nothing custom allowed, and writes it again:
`stix2_bundle.py IN OUT`. Prints one JSON line: how many objects of each type there are, and what the patterns compare."""
import collections
import json
import sys

import stix2
import stix2validator
from stix2.pattern_visitor import create_pattern_object

told, back = sys.argv[1:]
judged = stix2validator.validate_file(told, stix2validator.ValidationOptions(version="2.1"))
if not judged.is_valid:
    sys.exit(f"stix2-validator: {[str(error) for result in judged.object_results for error in result.errors]}")
with open(told, encoding="utf-8") as file:
    bundle = stix2.parse(file, allow_custom=False, version="2.1")

types = collections.Counter()
compared = []
for thing in bundle.objects:
    if not isinstance(thing, stix2.base._STIXBase):
        sys.exit(f"stix2 does not know {thing['type']}")
    types[thing.type] += 1
    if thing.type == "indicator":
        pattern = create_pattern_object(thing.pattern, version="2.1")
        compared.append(str(pattern.operand.lhs))
        if not (thing.valid_from <= thing.modified < thing.valid_until and 1 <= thing.confidence <= 100):
            sys.exit(f"{thing.id} does not hold together")

with open(back, "w", encoding="utf-8") as file:
    file.write(bundle.serialize())
print(json.dumps({"types": types, "compared": compared}))
