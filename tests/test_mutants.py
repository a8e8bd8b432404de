"""The mutants can be made: what each changes stands in the core, once."""

import pytest

import mutants

pytestmark = pytest.mark.every_case("takes no time")


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_the_line_is_there_once(mutant):
    source = (mutants.ROOT / "src/rmsprop" / mutant.file).read_text()
    assert source.count(mutant.line) == 1
    assert mutant.becomes != mutant.line


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_the_test_that_is_known_to_see_it_exists(mutant):
    file, _, function = mutant.test.partition("::")
    assert f"\ndef {function}(" in (mutants.ROOT / "tests" / file).read_text()
