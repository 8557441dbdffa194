"""Write and read back a JPEG and a PNG."""

import io

from PIL import Image, features

assert features.check("jpg") and features.check("zlib")
image = Image.linear_gradient("L").convert("RGB")
for kind in ("JPEG", "PNG"):
    file = io.BytesIO()
    image.save(file, kind)
    file.seek(0)
    with Image.open(file) as again:
        again.load()
        assert again.format == kind and again.size == (256, 256)
        low, high = again.getpixel((128, 2)), again.getpixel((128, 253))
        assert low[0] < 16 and high[0] > 240, (low, high)
