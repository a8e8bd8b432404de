"""Runs the blocks of a page of docs/ one after another, as one program.

`python run_page.py PAGE` prints the number of blocks.
"""

import pathlib
import re
import sys


def main(page):
    blocks = re.findall(r"```python\n(.*?)```", pathlib.Path(page).read_text(), re.S)
    namespace = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)
    print(len(blocks))


if __name__ == "__main__":
    main(sys.argv[1])
