"""Reads pictures with decoders of others, for `cargo bench --bench reading`.

Takes paths of grey pictures (PGM) on standard input, one a line, and prints for each and for each
decoder that is installed: its name, the path, the milliseconds of the median of three runs, and
the texts as JSON. Wants the wheels zxing-cpp, pyzbar (with libzbar) and numpy; runs with those it
finds.
"""

import json
import sys
import time

import numpy


def load(path):
    data = open(path, "rb").read()
    magic, width, height, _ = data.split(maxsplit=4)[:4]
    assert magic == b"P5"
    width, height = int(width), int(height)
    return numpy.frombuffer(data[-width * height:], numpy.uint8).reshape(height, width)


def readers():
    found = {}
    try:
        import zxingcpp

        def zxing(picture):
            read = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
            return [symbol.text for symbol in read if symbol.valid]

        found["zxing-cpp"] = zxing
    except ImportError:
        pass
    try:
        from pyzbar import pyzbar

        def zbar(picture):
            try:
                read = pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])
            except ValueError:  # of an orientation that it does not know
                return []
            return [symbol.data.decode("utf-8", "replace") for symbol in read]

        found["zbar"] = zbar
    except ImportError:
        pass
    return found


def main():
    found = readers()
    for line in sys.stdin:
        path = line.rstrip("\n")
        picture = load(path)
        for name, read in found.items():
            times = []
            for _ in range(3):
                started = time.thread_time()
                texts = read(picture)
                times.append((time.thread_time() - started) * 1000)
            print(name, path, f"{sorted(times)[1]:.3f}", json.dumps(texts), sep="\t")


main()
