"""The Anyang formula in OpenFisca-core, for comparison only: it computes in 32-bit floats.

A person is a claim here: `costs` is the running total of the term with this claim and `before`
without it, both worked out beforehand, so that OpenFisca need not sum over a member's claims.
"""

from __future__ import annotations

from typing import Any

import numpy
from openfisca_core import entities, periods, simulations, taxbenefitsystems, variables

PERIOD = "2020-01"
MONTH = periods.DateUnit.MONTH
person = entities.Entity("person", "persons", "", "")


class costs(variables.Variable):
    value_type, entity, definition_period = float, person, MONTH
    label = "Costs of the term with this claim, yuan"


class before(variables.Variable):
    value_type, entity, definition_period = float, person, MONTH
    label = "Costs of the term before this claim, yuan"


class given(variables.Variable):
    value_type, entity, definition_period = float, person, MONTH
    label = "Benefits of the term before this claim, yuan"


class banded(variables.Variable):
    value_type, entity, definition_period = float, person, MONTH
    label = "30% to 1,000 yuan, 50% above"

    def formula(person: Any, period: Any) -> Any:
        def curve(costs_so_far: Any) -> Any:
            low = numpy.minimum(costs_so_far, 1000)
            return half_up(low * 0.3 + (costs_so_far - low) * 0.5)

        return curve(person("costs", period)) - curve(person("before", period))


class benefit(variables.Variable):
    value_type, entity, definition_period = float, person, MONTH
    label = "At most 100,000 yuan a term"

    def formula(person: Any, period: Any) -> Any:
        left = 100000 - person("given", period)
        return numpy.minimum(person("banded", period), left)


def half_up(yuan: Any) -> Any:
    """To the fen, halves up, as the schemes say; numpy's own round takes halves to even."""
    return numpy.floor(yuan * 100 + 0.5) / 100


def a_system() -> Any:
    """The tax-benefit system that holds just this formula."""
    system = taxbenefitsystems.TaxBenefitSystem([person])
    system.add_variables(costs, before, given, banded, benefit)
    return system


def calculate(system: Any, inputs: dict[str, Any], trace: bool = False) -> Any:
    """The benefit of every claim in yuan; `inputs` are arrays by variable."""
    count = len(inputs["costs"])
    builder = simulations.SimulationBuilder()
    simulation = builder.build_default_simulation(system, count)
    simulation.trace = trace
    for name, values in inputs.items():
        simulation.set_input(name, PERIOD, values)
    return simulation.calculate("benefit", PERIOD)
