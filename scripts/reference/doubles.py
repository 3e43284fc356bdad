#!/usr/bin/env python3
"""Prints correctly rounded values of functions of doubles: internal/cudac/testdata/doubles.txt.

A line each: function, argument, value, the last two as the 64 bits of a double. Needs mpmath (PyPI).
"""
import math
import struct

from mpmath import mp, mpf

mp.prec = 1400  # enough for the sine of the largest double

INF, NAN = math.inf, math.nan
XS = [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, INF, -INF, NAN, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
      -1.7976931348623157e308, 709.7, 709.8, -745, -746, 1e10, 0.9999999999999999, 1.0000000000000002, 1e-8, math.pi, math.pi / 2,
      100000.5, 2.5, -2.5, 0.49999999999999994, 1023.5, 25, 171.5, 1e-300, 3e5, -3e5]
x = 0.001
while len(XS) < 96:
    XS += [x, -x]
    x *= 1.35


def nearest(v):
    """v as a double, rounded once"""
    if v == 0:
        return 0.0
    m, e = mp.frexp(abs(v))
    bits = max(min(53, int(e) + 1074), 0)
    n = int(mp.nint(mp.ldexp(m, bits)))
    try:
        r = math.ldexp(n, int(e) - bits)
    except OverflowError:
        r = INF
    return math.copysign(r, 1 if v > 0 else -1)


def half_even(v):
    return mp.nint(v)


def away(v):
    return mp.sign(v) * mp.floor(abs(v) + mpf(1) / 2)


def truncated(v):
    return mp.sign(v) * mp.floor(abs(v))


def lgamma(v):
    return mp.log(abs(mp.gamma(v))) if abs(v) < 1e4 else mp.re(mp.loggamma(v))


# name, function of finite arguments inside its domain, domain, values at inf and -inf; what is odd has the sign of -0.
FUNCTIONS = [
    ("exp", mp.exp, None, INF, 0.0), ("exp2", lambda v: mpf(2) ** v, None, INF, 0.0), ("expm1", mp.expm1, None, INF, -1.0),
    ("log", mp.log, (0, INF), INF, NAN), ("log2", lambda v: mp.log(v) / mp.log(2), (0, INF), INF, NAN),
    ("log10", lambda v: mp.log(v) / mp.log(10), (0, INF), INF, NAN), ("log1p", mp.log1p, (-1, INF), INF, NAN),
    ("sin", mp.sin, None, NAN, NAN), ("cos", mp.cos, None, NAN, NAN), ("tan", mp.tan, None, NAN, NAN),
    ("asin", mp.asin, (-1, 1), NAN, NAN), ("acos", mp.acos, (-1, 1), NAN, NAN), ("atan", mp.atan, None, math.pi / 2, -math.pi / 2),
    ("sinh", mp.sinh, None, INF, -INF), ("cosh", mp.cosh, None, INF, INF), ("tanh", mp.tanh, None, 1.0, -1.0),
    ("asinh", mp.asinh, None, INF, -INF), ("acosh", mp.acosh, (1, INF), INF, NAN), ("atanh", mp.atanh, (-1, 1), NAN, NAN),
    ("sqrt", mp.sqrt, (0, INF), INF, NAN), ("cbrt", lambda v: mp.sign(v) * mp.cbrt(abs(v)), None, INF, -INF),
    ("erf", mp.erf, None, 1.0, -1.0), ("erfc", mp.erfc, None, 0.0, 2.0), ("lgamma", lgamma, None, INF, INF),
    ("rsqrt", lambda v: 1 / mp.sqrt(v), (0, INF), 0.0, NAN),
    ("floor", mp.floor, None, INF, -INF), ("ceil", mp.ceil, None, INF, -INF), ("trunc", truncated, None, INF, -INF),
    ("rint", half_even, None, INF, -INF), ("round", away, None, INF, -INF), ("fabs", abs, None, INF, INF),
]
ODD = {"expm1", "log1p", "sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "sqrt", "cbrt", "erf", "floor", "ceil",
       "trunc", "rint", "round"}


def value(name, f, domain, at_inf, at_minus, x):
    if x != x:
        return NAN
    if math.isinf(x):
        return at_inf if x > 0 else at_minus
    if x == 0 and name in ODD:
        return x
    if domain and not domain[0] <= x <= domain[1]:
        return NAN
    if name in ("log", "log2", "log10") and x == 0 or name == "log1p" and x == -1:
        return -INF
    if name == "atanh" and abs(x) == 1:
        return math.copysign(INF, x)
    if name == "rsqrt" and x == 0:
        return math.copysign(INF, x)
    if name == "lgamma" and x <= 0 and x == math.floor(x):
        return INF
    if name in ("exp", "exp2", "expm1", "sinh", "cosh") and abs(x) > 2000:
        big = x > 0 or name == "cosh"
        return INF if big else {"exp": 0.0, "exp2": 0.0, "expm1": -1.0, "sinh": -INF}[name]
    if name in ("tanh", "erf") and abs(x) > 100:
        return math.copysign(1.0, x)
    if name == "erfc" and abs(x) > 100:
        return 0.0 if x > 0 else 2.0
    r = nearest(f(mpf(x)))
    return math.copysign(r, x) if name in ODD and r == 0 else r


def bits(v):
    return f"{struct.unpack('<Q', struct.pack('<d', v))[0]:016x}"


for x in XS:
    for f in FUNCTIONS:
        print(f[0], bits(x), bits(value(*f, float(x))))
