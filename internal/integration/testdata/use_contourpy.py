"""Draw the contour of a cone, with threads and without."""

import contourpy
import numpy

y, x = numpy.mgrid[-2:2:41j, -2:2:41j]
for name in ("serial", "threaded", "mpl2014"):
    lines = contourpy.contour_generator(x, y, numpy.hypot(x, y), name=name).lines(1.0)
    points = numpy.concatenate([line for line in (lines[0] if isinstance(lines, tuple) else lines)])
    radius = numpy.hypot(points[:, 0], points[:, 1])
    assert abs(radius - 1).max() < 0.01, (name, radius)
try:
    contourpy.contour_generator(x, y, x[:2])
except (TypeError, ValueError):
    pass
else:
    raise AssertionError("arrays of other shapes were taken")
