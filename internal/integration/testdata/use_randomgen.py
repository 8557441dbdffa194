"""Draw random numbers from two bit generators, the same ones twice."""

import numpy
from randomgen import PCG64, Xoshiro256

for generator in (PCG64, Xoshiro256):
    first = numpy.random.Generator(generator(20)).standard_normal(1000)
    second = numpy.random.Generator(generator(20)).standard_normal(1000)
    assert (first == second).all()
    assert abs(first.mean()) < 0.2, first.mean()
