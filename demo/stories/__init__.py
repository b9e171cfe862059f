"""All cases. Days are working days: ``received`` counts back from today, a step's first number forward from there."""

from demo.stories import afterwards, discretion, outages, simple, usage

CASES = (*outages.CASES, *usage.CASES, *discretion.CASES, *simple.CASES, *afterwards.CASES)
