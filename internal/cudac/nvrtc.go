//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package cudac

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/ebitengine/purego"

	"warpdrop/internal/toolchain"
)

// libNVRTC is NVIDIA's run-time compiler, a shared library. It needs no CUDA installation; CUDA's headers, which most
// programs include, come in a package of their own.
type libNVRTC struct {
	path    string
	include []string // folders of CUDA's headers

	version func(major, minor *int32) int32
	create  func(prog *uintptr, src, name string, n int32, headers, names **byte) int32
	compile func(prog uintptr, n int32, options **byte) int32
	destroy func(prog *uintptr) int32
	cubin   blob // nil functions in a library before 11.1
	ptx     blob
	log     blob
}

// blob is a pair of NVRTC's functions that give a size and then the bytes.
type blob struct {
	size func(prog uintptr, n *uintptr) int32
	get  func(prog uintptr, to *byte) int32
}

func (b *blob) bytes(prog uintptr) ([]byte, bool) {
	var n uintptr
	if b.size(prog, &n) != 0 || n == 0 {
		return nil, false
	}
	data := make([]byte, n)
	return data, b.get(prog, &data[0]) == 0
}

func openNVRTC() (*libNVRTC, error) {
	var first error
	for _, path := range nvrtcLibraries() {
		handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			if first == nil && toolchain.IsFile(path) {
				first = err
			}
			continue
		}
		l := &libNVRTC{path: path, include: cudaHeaders(path)}
		for name, f := range map[string]any{"nvrtcVersion": &l.version, "nvrtcCreateProgram": &l.create,
			"nvrtcCompileProgram": &l.compile, "nvrtcDestroyProgram": &l.destroy, "nvrtcGetCUBINSize": &l.cubin.size,
			"nvrtcGetCUBIN": &l.cubin.get, "nvrtcGetPTXSize": &l.ptx.size, "nvrtcGetPTX": &l.ptx.get,
			"nvrtcGetProgramLogSize": &l.log.size, "nvrtcGetProgramLog": &l.log.get} {
			address, err := purego.Dlsym(handle, name)
			if strings.HasPrefix(name, "nvrtcGetCUBIN") && err != nil {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			purego.RegisterFunc(f, address)
		}
		return l, nil
	}
	if first != nil {
		return nil, fmt.Errorf("libnvrtc: %w", first)
	}
	return nil, fmt.Errorf("libnvrtc %w", toolchain.ErrMissing)
}

// nvrtcNames are the library's names, the last with sm_5x and sm_6x first.
var nvrtcNames = []string{"libnvrtc.so.12", "libnvrtc.so.11.2"}

// nvrtcLibraries are the places where it may be: the tool chain, Python's packages, CUDA's usual folder, and wherever
// the system's loader looks.
func nvrtcLibraries() (paths []string) {
	if path := os.Getenv("WARPDROP_NVRTC"); path != "" {
		return []string{path}
	}
	for _, name := range nvrtcNames {
		for _, dir := range toolchain.Folders() {
			paths = append(paths, filepath.Join(dir, "lib", name))
		}
		for _, root := range pythonPackages() {
			paths = append(paths, filepath.Join(root, "nvidia", "cuda_nvrtc", "lib", name))
		}
		paths = append(paths, filepath.Join("/usr/local/cuda/lib64", name), name)
	}
	return paths
}

// pythonPackages are the folders of Python packages that are there.
func pythonPackages() (dirs []string) {
	var roots []string
	if env := os.Getenv("VIRTUAL_ENV"); env != "" {
		roots = append(roots, env)
	}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, ".local"))
	}
	for _, root := range append(roots, "/usr/local", "/usr") {
		for _, folder := range []string{"site-packages", "dist-packages"} {
			found, _ := filepath.Glob(filepath.Join(root, "lib", "python3*", folder))
			dirs = append(dirs, found...)
		}
	}
	return dirs
}

// cudaHeaders are the folders of CUDA's headers that belong to a library: the run-time's own, and those of CUDA's C++
// core libraries, which cooperative_groups.h includes. They may be one.
func cudaHeaders(library string) (found []string) {
	up := filepath.Dir(filepath.Dir(library))
	for _, file := range []string{"cuda_runtime.h", filepath.Join("nv", "target")} {
		for _, dir := range []string{os.Getenv("WARPDROP_CUDA_INCLUDE"), filepath.Join(up, "include"),
			filepath.Join(filepath.Dir(up), "cuda_runtime", "include"), filepath.Join(filepath.Dir(up), "cuda_cccl", "include"),
			"/usr/local/cuda/include"} {
			if dir != "" && toolchain.IsFile(filepath.Join(dir, file)) {
				found = append(found, dir)
				break
			}
		}
	}
	return found
}

// cStrings is a list of strings as C has it; hold keeps it where it is.
func cStrings(list []string) (first **byte, hold any) {
	pointers := make([]*byte, len(list)+1)
	for i, s := range list {
		pointers[i] = &append([]byte(s), 0)[0]
	}
	return &pointers[0], pointers
}

func (l *libNVRTC) run(ctx context.Context, file string, source []byte, opt Options) ([]byte, string, error) {
	var names, texts []string
	for name, text := range nvrtcHeaders {
		names, texts = append(names, name), append(texts, text)
	}
	code := "sm"
	if l.cubin.get == nil {
		code = "compute" // PTX
	}
	options := []string{fmt.Sprintf("-arch=%s_%d", code, opt.Arch), "-lineinfo", "--pre-include=" + prelude,
		"-I" + filepath.Dir(file)}
	for _, dir := range slices.Concat(opt.Include, l.include) {
		options = append(options, "-I"+dir)
	}
	for _, d := range opt.Defines {
		options = append(options, "-D"+d)
	}
	if opt.Object {
		options = append(options, "--relocatable-device-code=true")
	}
	n, holdNames := cStrings(names)
	t, holdTexts := cStrings(texts)
	o, holdOptions := cStrings(options)
	var prog uintptr
	if rc := l.create(&prog, string(source), file, int32(len(names)), t, n); rc != 0 {
		return nil, "", fmt.Errorf("nvrtcCreateProgram: error %d", rc)
	}
	defer l.destroy(&prog)
	rc := l.compile(prog, int32(len(options)), o)
	runtime.KeepAlive([]any{holdNames, holdTexts, holdOptions})
	if rc != 0 {
		log, _ := l.log.bytes(prog)
		text := strings.TrimRight(string(log), "\x00")
		if line, rest, ok := strings.Cut(text, "\n"); ok && strings.Contains(line, "Architectures prior to") {
			text = rest // a warning that every compilation has
		}
		text = strings.TrimSpace(text)
		if strings.Contains(text, "host functions are not allowed in JIT mode") {
			return nil, "", fmt.Errorf("%s %w", file, errHostCode)
		}
		if len(l.include) < 2 && strings.Contains(text, "could not open source file") {
			text += "\nCUDA's headers were not found beside the library: `pip install nvidia-cuda-runtime-cu12 " +
				"nvidia-cuda-cccl-cu12`, run scripts/toolchain.sh, " +
				"or set WARPDROP_CUDA_INCLUDE to their folder"
		}
		return nil, "", fmt.Errorf("nvrtc: %s", text)
	}
	if l.cubin.get == nil {
		ptx, ok := l.ptx.bytes(prog)
		if !ok {
			return nil, "", fmt.Errorf("nvrtc: no PTX came out of %s", file)
		}
		cubin, err := assembleText(ctx, bytes.TrimRight(ptx, "\x00"), opt)
		return cubin, l.name(), err
	}
	cubin, ok := l.cubin.bytes(prog)
	if !ok {
		return nil, "", fmt.Errorf("nvrtc: no machine code for sm_%d came out of %s", opt.Arch, file)
	}
	return cubin, l.name(), nil
}

// name is what the library calls itself, and ptxas where that makes the machine code.
func (l *libNVRTC) name() string {
	var major, minor int32
	l.version(&major, &minor)
	if l.cubin.get == nil {
		return fmt.Sprintf("NVRTC %d.%d and ptxas", major, minor)
	}
	return fmt.Sprintf("NVRTC %d.%d", major, minor)
}
