"""The test of the tests: the core is broken on purpose, one line at a time, and the suite sees it.

`python tests/mutants.py` takes one mutant after the other.  It runs the test that is known to see
it, then, where that one passes, the suite of the core, and prints which test was the first to fail;
`python tests/mutants.py momentum floor` takes those that have these words.  It fails where a mutant
survives; that the lines to change and the tests are there is a test (`test_mutants.py`).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
# In this order, and each only where those before it see nothing.
SUITE = (
    ["tests/test_moments.py", "tests/test_rescaling.py", "tests/test_optimizers.py"],
    ["tests/test_rounding.py", "tests/test_round_stochastically.py", "tests/test_chain.py"],
    ["tests/test_conversion.py", "tests/test_refused_states.py", "tests/telemetry"],
    ["tests/properties", "tests/theory", "tests/contract"],
)


class Mutant(NamedTuple):
    """A line of the core, and what it becomes.

    Attributes:
        name: What is wrong with it.
        file: The module, in the folder of the package.
        line: The line as it is.
        becomes: The line as it is not to be.
        test: A test that is known to see it, which is run before all others to save their time.
    """

    name: str
    file: str
    line: str
    becomes: str
    test: str


MUTANTS = [
    Mutant(
        "bias correction dropped",
        "_rescaling.py",
        "correction = moments.bias_correction(rho, jnp.asarray(count)) if corrected else None",
        "correction = None",
        "test_optimizers.py::test_rmsprop_float64",
    ),
    Mutant(
        "bias correction one step late",
        "_moments.py",
        "difference = 1 - decay ** (lax.convert_element_type(count, dtype) + 1)",
        "difference = 1 - decay ** (lax.convert_element_type(count, dtype) + 2)",
        "test_optimizers.py::test_rmsprop_float64",
    ),
    Mutant(
        "momentum ignored",
        "_chain.py",
        "b = lax.add(u, coefficient * lax.convert_element_type(buffer, u.dtype))",
        "b = u",
        "test_rescaling.py::test_half_precision_is_rounded_once",
    ),
    Mutant(
        "Nesterov ignored",
        "_chain.py",
        "step = lax.add(u, coefficient * b) if nesterov else b",
        "step = b",
        "test_rescaling.py::test_complex_mean_and_momentum",
    ),
    Mutant(
        "learning rate on the other side of momentum",
        "_optimizers.py",
        'if hyperparameters.flag("lr_in_momentum", lr_in_momentum):',
        'if not hyperparameters.flag("lr_in_momentum", lr_in_momentum):',
        "test_rescaling.py::test_accumulator_dtype",
    ),
    Mutant(
        "half precision between the links of a chain",
        "_chain.py",
        "return (wide if needs_care else chain).update(updates, state, params, **extra)",
        "return chain.update(updates, state, params, **extra)",
        "test_rescaling.py::test_half_precision_is_rounded_once",
    ),
    Mutant(
        "eps on the other side of the root",
        "_moments.py",
        "        if not self.eps_in_sqrt:",
        "        if self.eps_in_sqrt:",
        "test_moments.py::test_the_first_centered_step_is_the_same_at_every_scale",
    ),
    Mutant(
        "saturation without the floor of the denominator",
        "_moments.py",
        "d = lax.max(square_root(v), lax.convert_element_type(rule.floor, real) * magnitude)",
        "d = square_root(v)",
        "test_moments.py::test_the_square_may_overflow_and_the_step_may_not",
    ),
    Mutant(
        "floor of the denominator without saturation",
        "_moments.py",
        "return lax.select(lax.gt(w, largest), largest, w)",
        "return w",
        "test_moments.py::test_the_square_may_overflow_and_the_step_may_not",
    ),
    Mutant(
        "zero divided by zero",
        "_moments.py",
        "if rule.may_vanish:",
        "if False:",
        "test_moments.py::test_zero_gradient_gives_zero_step",
    ),
    Mutant(
        "weight of the variance without its decay",
        "_moments.py",
        "return denominator.rule(decay, decay * (1 - decay))",
        "return denominator.rule(decay, 1 - decay)",
        "test_moments.py::test_the_first_centered_step_is_the_same_at_every_scale",
    ),
    Mutant(
        "limit of the centered step dropped",
        "_moments.py",
        "return quotient(gradient, g, lax.max(d, magnitude * 2.0**-64)), mean, accumulator",
        "return quotient(gradient, g, d), mean, accumulator",
        "properties/test_bounds.py::test_finite_and_within_t3",
    ),
    Mutant(
        "deviation whose square is lost",
        "_moments.py",
        "return lax.convert_element_type(lost, magnitude.dtype) * magnitude",
        "return lax.full_like(magnitude, 0)",
        "test_moments.py::test_the_square_may_overflow_and_the_step_may_not",
    ),
    Mutant(
        "deviation whose weighted square is lost",
        "_moments.py",
        "weighted = lax.convert_element_type(rule.floor, magnitude.dtype) * magnitude",
        "weighted = magnitude",
        "test_moments.py::test_the_first_centered_step_is_the_same_at_every_scale",
    ),
    Mutant(
        "mean overwritten before it is read",
        "_moments.py",
        "mean, accumulator = in_order(mean, accumulator)",
        "mean, accumulator = mean, accumulator",
        "test_rounding.py::test_a_loop_for_each_array_and_not_one_copy",
    ),
    Mutant(
        "what is stored computed twice",
        "_moments.py",
        "return in_order(stochastic_round(narrow(x, jnp.dtype(jnp.float32)), noise, like))[0]",
        "return stochastic_round(narrow(x, jnp.dtype(jnp.float32)), noise, like)",
        "test_rounding.py::test_a_loop_for_each_array_and_not_one_copy",
    ),
    Mutant(
        "momentum in bfloat16 returned before it is rounded",
        "_chain.py",
        "b = lax.convert_element_type(buffer, u.dtype)",
        "pass",
        "test_rounding.py::test_momentum_moves_by_the_buffer_as_it_is_stored",
    ),
    Mutant(
        "infinite parameters that become NaN",
        "_apply.py",
        "return lax.select((total == 0) | ~lax.is_finite(change), u, change)",
        "return change",
        "test_round_stochastically.py::test_every_number_becomes_what_apply_updates_makes_of_it",
    ),
    Mutant(
        "sum contracted with the product before it",
        "_apply.py",
        "return lax.select(lax.is_finite(wide), wide, wide + wide)",
        "return wide",
        "test_round_stochastically.py::test_every_step_is_that_of_apply_updates",
    ),
    Mutant(
        "update in bfloat16 added before it is rounded",
        "_apply.py",
        "return lax.reduce_precision(wide, exponent_bits=8, mantissa_bits=7)",
        "return wide",
        "test_round_stochastically.py::test_every_step_is_that_of_apply_updates",
    ),
    Mutant(
        "subnormal float16 carried to its neighbour",
        "_rounding.py",
        "(random >> np.uint32(18), jnp.float32) * np.float32(2.0**-14)",
        "(random >> np.uint32(8), jnp.float32) * np.float32(2.0**-24)",
        "test_rounding.py::test_every_number_of_the_dtype_stays",
    ),
    Mutant(
        "watched places read after the state is overwritten",
        "telemetry/_watch.py",
        "seen, updates, inner_state = _before(seen, updates, state.inner_state)",
        "inner_state = state.inner_state",
        "telemetry/test_telemetry.py::test_no_large_array_is_copied_and_one_program_does_for_all_steps",
    ),
    Mutant(
        "watched step taken for the one after it",
        "telemetry/_watch.py",
        "step=jnp.where(is_complete, state.count - 1, state.step),",
        "step=jnp.where(is_complete, state.count, state.step),",
        "telemetry/test_telemetry.py::test_the_numbers_are_those_of_the_step_before",
    ),
    Mutant(
        "sampled coordinates that stand for themselves alone",
        "telemetry/_measures.py",
        "each = sizes.astype(dtype) / jnp.maximum(places, 1).astype(dtype)",
        "each = jnp.ones_like(sizes).astype(dtype)",
        "telemetry/test_telemetry.py::test_all_leaves_count_by_their_sizes",
    ),
    Mutant(
        "AdaGrad that forgets",
        "_moments.py",
        "return denominator.rule(1.0, 1.0)",
        "return denominator.rule(0.999, 1.0)",
        "test_rescaling.py::test_bfloat16_average_does_not_stall",
    ),
    Mutant(
        "infinite derivative of the root at zero",
        "_moments.py",
        "return root, lax.select(zero, lax.full_like(root, 0), slope) * tangents[0]",
        "return root, 0.5 / root * tangents[0]",
        "test_moments.py::test_derivatives_through_the_update_are_finite",
    ),
    Mutant(
        "accumulators in the parameter's dtype",
        "_precision.py",
        "return choice if choice is not None else np.promote_types(real_dtype(leaf), np.float32)",
        "return choice if choice is not None else real_dtype(leaf)",
        "test_moments.py::test_zero_gradient_gives_zero_step",
    ),
    Mutant(
        "bfloat16 accumulators rounded to nearest",
        "_moments.py",
        "    if noise is None or not is_narrow(like.dtype):",
        "    if True:",
        "test_rounding.py::test_leaves_have_noise_of_their_own",
    ),
    Mutant(
        "the same noise at each step",
        "_rounding.py",
        "steps = lax.convert_element_type(count, jnp.uint32)",
        "steps = jnp.uint32(0)",
        "test_rounding.py::test_random_bits_are_even_and_independent",
    ),
    Mutant(
        "the same noise in each leaf",
        "_rounding.py",
        "_mix(seed ^ (padded * np.uint32(0xC2B2AE35)))",
        "_mix(seed ^ (padded * np.uint32(0)))",
        "test_rounding.py::test_leaves_have_noise_of_their_own",
    ),
    Mutant(
        "places that are not multiplied",
        "_rounding.py",
        "stride = lax.broadcast(noise.seed, shape), 0x9E3779B9",
        "stride = lax.broadcast(noise.seed, shape), 1",
        "test_rounding.py::test_no_two_places_of_an_array_are_correlated",
    ),
    Mutant(
        "the same noise in mean and variance",
        "_moments.py",
        "None if noise is None else noise.fold(1)",
        "noise",
        "test_rounding.py::test_steps_and_what_is_stored_in_one_have_noise_of_their_own",
    ),
    Mutant(
        "the same noise in average and momentum",
        "_chain.py",
        "_MOMENTUM = 1 ",
        "_MOMENTUM = 0 ",
        "test_rounding.py::test_steps_and_what_is_stored_in_one_have_noise_of_their_own",
    ),
    Mutant(
        "infinite derivative of the quotient",
        "_moments.py",
        "return step, (tangents[0] - step * tangents[1]) / denominator",
        "return step, tangents[0] / denominator - g * tangents[1] / (denominator * denominator)",
        "test_moments.py::test_derivatives_through_the_update_are_finite",
    ),
    Mutant(
        "updates wider than their gradients",
        "_precision.py",
        "    return lax.convert_element_type(x, dtype)\n\n\ndef _is_complex",
        "    return x\n\n\ndef _is_complex",
        "test_moments.py::test_the_centered_step_is_bounded_where_the_arithmetic_is_wider_than_the_variance",
    ),
    Mutant(
        "infinite float16 updates",
        "_precision.py",
        "x = lax.select(too_large, lax.sign(x) * largest, x)",
        "x = x",
        "test_moments.py::test_float16_updates_are_finite_and_saturate",
    ),
    Mutant(
        "starting value ignored",
        "_states.py",
        "array = sharded_like(leaf, jnp.full_like(leaf, value, dtype=dtype(own)))",
        "array = sharded_like(leaf, jnp.full_like(leaf, 0.0, dtype=dtype(own)))",
        "test_optimizers.py::test_rmsprop_float64",
    ),
    Mutant(
        "counts that stand still",
        "_states.py",
        "return jnp.asarray(optax.safe_increment(count))",
        "return count",
        "test_optimizers.py::test_rmsprop_float64",
    ),
    Mutant(
        "hyper-parameters in half precision accepted",
        "_hyperparameters.py",
        "    if is_half:",
        "    if False:",
        "test_optimizers.py::test_wrong_types_are_refused_when_built",
    ),
    Mutant(
        "a momentum buffer in other units",
        "_conversion.py",
        "factor = 1.0 if old_inside == new_inside else old / new",
        "factor = 1.0",
        "test_conversion.py::test_the_rate_changes_its_place",
    ),
    Mutant(
        "a converted average that keeps its bias",
        "_moment_forms.py",
        "return self.corrections[1] / self.corrections[0]",
        "return 1.0",
        "test_conversion.py::test_bias_correction_is_switched",
    ),
    Mutant(
        "a converted variance that may be negative",
        "_moment_forms.py",
        "return jnp.maximum(q - square_of_mean / self.corrections[0] ** 2, 0)",
        "return q - square_of_mean / self.corrections[0] ** 2",
        "test_conversion.py::test_a_negative_variance_of_optax_becomes_zero",
    ),
    Mutant(
        "a schedule or a buffer that is dropped in silence",
        "_chain.py",
        "check_fields(state, ())",
        "pass",
        "test_refused_states.py::test_the_state_of_other_options_is_refused",
    ),
]


def caught_by(mutant: Mutant) -> str | None:
    """The first test that fails on the mutant, or None if it survives."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "rmsprop"
        shutil.copytree(ROOT / "src/rmsprop", package)
        source = (package / mutant.file).read_text()
        (package / mutant.file).write_text(source.replace(mutant.line, mutant.becomes))
        environment = os.environ | {"PYTHONPATH": folder}
        find = "import importlib.util as util; print(util.find_spec('rmsprop').origin)"
        where = _python(environment, "-c", find)
        assert Path(where.stdout.strip()).parent == package, where
        for tests in ([f"tests/{mutant.test}"], *SUITE):
            ran = _python(
                environment, "-m", "pytest", *["-x", "-q", "-n0", "-p", "no:cacheprovider"], *tests
            )
            failed = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - |$)", ran.stdout, re.M)
            if failed:
                return failed[1]
            if ran.returncode:
                sys.exit(
                    f"{mutant.name}: no test failed, but pytest did:\n{ran.stdout}{ran.stderr}"
                )
    return None


def _python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def main() -> None:
    """The command line."""
    words = sys.argv[1:]
    chosen = [m for m in MUTANTS if not words or any(word in m.name for word in words)]
    survivors = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, test in zip(chosen, pool.map(caught_by, chosen), strict=True):
            print(f"{'caught' if test else 'SURVIVES'}: {mutant.name}", flush=True)
            print(f"    {test or 'no test has failed'}", flush=True)
            survivors += test is None
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants are caught")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
