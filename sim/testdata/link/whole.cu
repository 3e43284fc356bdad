// first.cu and second.cu in one compilation.
#include "first.cu"
#include "second.cu"
