"""Records ten studies of digits: `python tests/study/proof/record_replication.py`.

That takes some 16,000 runs, ten minutes on two cores.
"""

import json
import pathlib

from replication import replicate

from rmsprop.study import tasks

FILE = pathlib.Path(__file__).with_name("replication.json")


def main():
    lines = replicate(tasks.task("digits"))
    FILE.write_text("[\n" + ",\n".join(json.dumps(each) for each in lines) + "\n]\n")


if __name__ == "__main__":
    main()
