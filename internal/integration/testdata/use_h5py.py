"""Write a compressed HDF5 file and read it back."""

import os
import tempfile

import h5py
import numpy

data = numpy.arange(120000, dtype="f8").reshape(300, 400)
path = os.path.join(tempfile.mkdtemp(), "demo.h5")
with h5py.File(path, "w") as file:
    file.create_dataset("group/data", data=data, compression="gzip", shuffle=True)
    file["group"].attrs["unit"] = "metre"
with h5py.File(path, "r") as file:
    assert file["group"].attrs["unit"] == "metre"
    assert (file["group/data"][...] == data).all()
os.remove(path)
