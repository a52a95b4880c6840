"""schema.py SCHEMAS PLAN_SAMPLE: holds plan.schema.json and diagnosis.schema.json against the codec.

Every value of a plan in which all is set is taken away, doubled by an unknown one, and replaced by values of
other types; each time the schema and the reader must agree. The reader alone knows what a schema cannot say
(a day that exists, a kind that is its address's): only there may it be the stricter one.
"""

import copy
import json
import subprocess
import sys

import jsonschema

READER_KNOWS_MORE = {"address", "kind", "target", "created", "expires", "time"}
REPLACEMENTS = [None, True, -1, 65, 1.5, "", "x", "a\u001bb", "caf\u00e9", "x" * 4097, [], [None], ["x"], {}, {"x": 1}]


def load(folder, name):
    with open(f"{folder}/{name}", encoding="ascii") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def validator(folder, name):
    schemas = {file: load(folder, file) for file in ("plan.schema.json", "diagnosis.schema.json")}
    try:
        from referencing import Registry, Resource

        registry = Registry().with_resources((file, Resource.from_contents(s)) for file, s in schemas.items())
        return jsonschema.Draft202012Validator(schemas[name], registry=registry)
    except ImportError:
        resolver = jsonschema.RefResolver("", schemas[name], store=schemas)
        return jsonschema.Draft202012Validator(schemas[name], resolver=resolver)


def nodes(value, path=()):
    """The path of every value below the root."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield path + (key,)
        yield from nodes(child, path + (key,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def mutants(document):
    for path in nodes(document):
        mutant = copy.deepcopy(document)
        del at(mutant, path[:-1])[path[-1]]
        yield path, "taken away", mutant
        for value in REPLACEMENTS:
            mutant = copy.deepcopy(document)
            at(mutant, path[:-1])[path[-1]] = value
            yield path, f"now {str(value)[:20]!r}", mutant
    for path in [()] + [path for path in nodes(document) if isinstance(at(document, path), dict)]:
        mutant = copy.deepcopy(document)
        at(mutant, path)["unknown"] = 1
        yield path, "with an unknown key", mutant


def main():
    folder, program = sys.argv[1:]

    def written(what):
        return json.loads(subprocess.run([program, what], check=True, stdout=subprocess.PIPE).stdout)

    def reader_takes(document):
        done = subprocess.run([program, "read"], input=json.dumps(document).encode("ascii"), stderr=subprocess.PIPE)
        if done.returncode not in (0, 1):
            sys.exit(f"plan_sample read ended with {done.returncode}")
        return done.returncode == 0

    plan_schema = validator(folder, "plan.schema.json")
    diagnosis_schema = validator(folder, "diagnosis.schema.json")
    plan = written("plan")
    plan_schema.validate(plan)
    plan_schema.validate(written("empty"))
    diagnosis_schema.validate(written("diagnosis"))

    tried = refused = wrong = 0
    for path, how, mutant in mutants(plan):
        schema, reader = plan_schema.is_valid(mutant), reader_takes(mutant)
        tried += 1
        refused += not reader
        if schema == reader or (schema and not reader and READER_KNOWS_MORE.intersection(path)):
            continue
        wrong += 1
        print(f"{'.'.join(map(str, path))} {how}: the schema {'takes' if schema else 'refuses'} it, "
              f"the reader {'takes' if reader else 'refuses'} it")
    diagnosis = written("diagnosis")
    for path in nodes(diagnosis):
        if not isinstance(path[-1], str):
            continue
        mutant = copy.deepcopy(diagnosis)
        del at(mutant, path[:-1])[path[-1]]
        tried += 1
        if diagnosis_schema.is_valid(mutant):
            wrong += 1
            print(f"diagnosis: {'.'.join(map(str, path))} taken away is not noticed")
    print(f"{tried} documents, {refused} plans refused, {wrong} disagreements")
    if wrong or refused < 500:
        sys.exit(1)


main()
