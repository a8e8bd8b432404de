"""What RMSprop tends to when eps is large: T11."""

import measurements
import numpy as np
import pytest


@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_t11_a_large_eps_makes_heavy_ball(eps_in_sqrt, x64):
    """T11: with the rate scaled along, the error falls as 1 / eps.

    Inside the root sqrt(v + E) = sqrt(E) (1 + v / 2E - ...), outside sqrt(v) + E = E (1 + sqrt(v) /
    E): the next term of either is smaller by another 1 / E, 1 % at E = 100 where the fit begins.
    """
    epsilons = 10.0 ** np.arange(2, 9)
    errors = measurements.distances_from_heavy_ball(epsilons, eps_in_sqrt)
    np.testing.assert_allclose(measurements.slope(epsilons, errors), -1, atol=0.01)
    # 1 / E alone is as well 1 / E of nothing: at E = 100 the runs differ by a visible amount.
    assert 1e-4 < errors[0] < 1e-1
    np.testing.assert_allclose(errors * epsilons, errors[-1] * 1e8, rtol=0.01)
