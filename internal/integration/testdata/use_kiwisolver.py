"""Solve constraints, and have one refused."""

from kiwisolver import Solver, UnsatisfiableConstraint, Variable

left, right = Variable("left"), Variable("right")
solver = Solver()
solver.addConstraint(left >= 10)
solver.addConstraint(right == left + 5)
solver.addEditVariable(left, "strong")
solver.suggestValue(left, 20)
solver.updateVariables()
assert (left.value(), right.value()) == (20, 25)
try:
    solver.addConstraint(right == left)
except UnsatisfiableConstraint as error:
    assert "right" in str(error) or "left" in str(error) or error.args
else:
    raise AssertionError("a contradiction was taken")
