package driver

// Result is a CUresult. The names and texts are those of the CUDA driver API reference manual.
type Result int32

// What the driver answers.
const (
	Success             Result = 0
	InvalidValue        Result = 1
	OutOfMemory         Result = 2
	NotInitialized      Result = 3
	Deinitialized       Result = 4
	NoDevice            Result = 100
	InvalidDevice       Result = 101
	InvalidImage        Result = 200
	InvalidContext      Result = 201
	NoBinaryForGPU      Result = 209
	PeerUnsupported     Result = 217
	InvalidPTX          Result = 218
	JITCompilerNotFound Result = 221
	FileNotFound        Result = 301
	InvalidHandle       Result = 400
	IllegalState        Result = 401
	NotFound            Result = 500
	NotReady            Result = 600
	IllegalAddress      Result = 700
	LaunchResources     Result = 701
	LaunchTimeout       Result = 702
	PeerNotEnabled      Result = 705
	AssertFailed        Result = 710
	HostRegistered      Result = 712
	HostNotRegistered   Result = 713
	HardwareStack       Result = 714
	IllegalInstruction  Result = 715
	MisalignedAddress   Result = 716
	LaunchFailed        Result = 719
	CooperativeTooLarge Result = 720
	NotSupported        Result = 801
	CaptureUnsupported  Result = 900
	CaptureInvalidated  Result = 901
	CaptureUnmatched    Result = 903
	CaptureImplicit     Result = 906
	GraphUpdateFailed   Result = 910
	Unknown             Result = 999
)

var resultNames = map[Result][2]string{
	Success:             {"CUDA_SUCCESS", "no error"},
	InvalidValue:        {"CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	OutOfMemory:         {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	NotInitialized:      {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
	Deinitialized:       {"CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
	NoDevice:            {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	InvalidDevice:       {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
	InvalidImage:        {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
	InvalidContext:      {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	NoBinaryForGPU:      {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
	PeerUnsupported:     {"CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "peer access is not supported between these two devices"},
	InvalidPTX:          {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
	JITCompilerNotFound: {"CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "PTX JIT compiler library not found"},
	FileNotFound:        {"CUDA_ERROR_FILE_NOT_FOUND", "file not found"},
	InvalidHandle:       {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
	IllegalState:        {"CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"},
	NotFound:            {"CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	NotReady:            {"CUDA_ERROR_NOT_READY", "device not ready"},
	IllegalAddress:      {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
	LaunchResources:     {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
	LaunchTimeout:       {"CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
	PeerNotEnabled:      {"CUDA_ERROR_PEER_ACCESS_NOT_ENABLED", "peer access has not been enabled"},
	AssertFailed:        {"CUDA_ERROR_ASSERT", "device-side assert triggered"},
	HostRegistered: {"CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
		"part or all of the requested memory range is already mapped"},
	HostNotRegistered: {"CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED",
		"pointer does not correspond to a registered memory region"},
	HardwareStack:       {"CUDA_ERROR_HARDWARE_STACK_ERROR", "hardware stack error"},
	IllegalInstruction:  {"CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
	MisalignedAddress:   {"CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
	LaunchFailed:        {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
	CooperativeTooLarge: {"CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE", "too many blocks in cooperative launch"},
	NotSupported:        {"CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
	CaptureUnsupported:  {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
	CaptureInvalidated: {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
		"operation failed due to a previous error during capture"},
	CaptureUnmatched: {"CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
	CaptureImplicit: {"CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
		"operation would make the legacy stream depend on a capturing blocking stream"},
	GraphUpdateFailed: {"CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE",
		"the graph update was not performed because it included changes which violated constraints specific to " +
			"instantiated graph update"},
	Unknown: {"CUDA_ERROR_UNKNOWN", "unknown error"},
}

// String is the result's name.
func (r Result) String() string {
	if n, ok := resultNames[r]; ok {
		return n[0]
	}
	return "CUDA_ERROR_UNKNOWN"
}

func init() {
	text := func(i int) func(*call) Result {
		return func(c *call) Result {
			n, ok := resultNames[Result(c.int(0))]
			if !ok {
				put64(c.u64(1), 0)
				return InvalidValue
			}
			return c.put64(1, c.cString(n[i]))
		}
	}
	register(needsNothing, map[string]func(*call) Result{"cuGetErrorName": text(0), "cuGetErrorString": text(1)})
}
