"""cuda.core on the simulated GPU: NVRTC's cubin through the library API, memory pools, streams."""
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
from cuda.bindings import driver
from cuda.core import Device, LaunchConfig, Program, ProgramOptions, launch

device = Device()
device.set_current()
assert tuple(device.compute_capability) == (6, 1), device.compute_capability
stream = device.create_stream()
source = 'extern "C" __global__ void square(float *x, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] *= x[i]; }'
n = 1000
host = np.arange(n, dtype=np.float32)
for kind in "cubin", "ptx":
    kernel = Program(source, code_type="c++", options=ProgramOptions(arch="sm_61")).compile(kind).get_kernel("square")
    buffer = device.memory_resource.allocate(4 * n, stream=stream)
    assert driver.cuMemcpyHtoD(int(buffer.handle), host.ctypes.data, 4 * n)[0] == 0
    launch(stream, LaunchConfig(grid=8, block=128), kernel, buffer, np.int32(n))
    stream.sync()
    out = np.empty_like(host)
    assert driver.cuMemcpyDtoH(out.ctypes.data, int(buffer.handle), 4 * n)[0] == 0
    np.testing.assert_array_equal(out, host * host)
    buffer.close(stream)
print("cuda.core: a kernel as cubin and as PTX agrees with NumPy", file=sys.stderr)
