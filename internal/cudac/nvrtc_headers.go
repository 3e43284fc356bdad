//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package cudac

// prelude is what nvcc includes before every file, as far as NVRTC has it not by itself.
const prelude = "warpdrop_prelude.h"

// nvrtcHeaders stand in for the C and C++ library's, which NVRTC does not have: programs include them, mostly for host
// code or for what NVRTC defines anyway.
var nvrtcHeaders = map[string]string{
	prelude: `#pragma once
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
#endif
#ifndef HUGE_VALF
#define HUGE_VALF __int_as_float(0x7f800000)
#endif
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t; typedef unsigned long long uint64_t;
typedef unsigned long long uintptr_t; typedef long long intptr_t; typedef unsigned int uint;
`,
	"math.h": mathConstants, "cmath": mathConstants,
	"float.h": floatLimits, "cfloat": floatLimits,
	"limits.h": integerLimits, "climits": integerLimits,
	"stdint.h": integerRanges, "cstdint": integerRanges,
	"stdio.h": empty, "cstdio": empty, "stdlib.h": empty, "cstdlib": empty, "string.h": empty, "cstring": empty,
	"assert.h": empty, "cassert": empty, "stddef.h": empty, "cstddef": empty, "time.h": empty, "ctime": empty,
	"stdbool.h": empty, "iostream": empty, "vector": empty, "string": empty, "algorithm": empty, "iomanip": empty,
	"memory": empty, "random": empty, "chrono": empty, "fstream": empty, "sstream": empty,
}

const empty = "#pragma once\n"

const mathConstants = `#pragma once
#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
`

const floatLimits = `#pragma once
#define FLT_MAX 3.402823466e+38F
#define FLT_MIN 1.175494351e-38F
#define FLT_EPSILON 1.192092896e-07F
#define FLT_DIG 6
#define FLT_MANT_DIG 24
#define DBL_MAX 1.7976931348623158e+308
#define DBL_MIN 2.2250738585072014e-308
#define DBL_EPSILON 2.2204460492503131e-16
#define DBL_DIG 15
#define DBL_MANT_DIG 53
`

const integerLimits = `#pragma once
#define CHAR_BIT 8
#define SCHAR_MIN (-128)
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define CHAR_MIN (-128)
#define CHAR_MAX 127
#define SHRT_MIN (-32768)
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define INT_MIN (-2147483647 - 1)
#define INT_MAX 2147483647
#define UINT_MAX 4294967295U
#define LONG_MIN (-9223372036854775807L - 1)
#define LONG_MAX 9223372036854775807L
#define ULONG_MAX 18446744073709551615UL
#define LLONG_MIN (-9223372036854775807LL - 1)
#define LLONG_MAX 9223372036854775807LL
#define ULLONG_MAX 18446744073709551615ULL
`

const integerRanges = `#pragma once
#define INT8_MIN (-128)
#define INT8_MAX 127
#define UINT8_MAX 255
#define INT16_MIN (-32768)
#define INT16_MAX 32767
#define UINT16_MAX 65535
#define INT32_MIN (-2147483647 - 1)
#define INT32_MAX 2147483647
#define UINT32_MAX 4294967295U
#define INT64_MIN (-9223372036854775807L - 1)
#define INT64_MAX 9223372036854775807L
#define UINT64_MAX 18446744073709551615UL
`
