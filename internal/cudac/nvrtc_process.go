//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package cudac

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"warpdrop/internal/toolchain"
)

// NVRTC runs in a process of its own, which is this program again under the name nvrtcProcess. While it compiles, the
// library takes over SIGINT and SIGTERM of the process that it is loaded into, in ways that Go cannot stand: the
// process ends without a word, with exit code 4, or crashes. Nor can a call be interrupted. A process can.
const nvrtcProcess = "warpdrop-nvrtc"

// nvrtcRequest is what the process reads from its standard input. It ends when the input does, which is when whoever
// asked is gone.
type nvrtcRequest struct {
	File    string // "": the library's name alone is wanted
	Source  []byte
	Options Options
}

// nvrtcReply is what it writes to its standard output.
type nvrtcReply struct {
	Cubin []byte
	By    string
	Error string
	Is    int // of Error: 1 + index in nvrtcErrors
}

// errHostCode is the error for a file with host code, which NVRTC refuses.
var errHostCode = errors.New(
	"has host code, and NVRTC compiles device code only: put the kernels into a file of their own, " +
		"or the host code between #ifndef __CUDACC_RTC__ and #endif")

// nvrtcErrors are the errors that callers ask for.
var nvrtcErrors = []error{toolchain.ErrMissing, errHostCode}

// nvrtcError is an error of the process.
type nvrtcError struct {
	text string
	is   error
}

func (e nvrtcError) Error() string { return e.text }
func (e nvrtcError) Unwrap() error { return e.is }

func init() {
	if os.Args[0] == nvrtcProcess {
		os.Exit(serveNVRTC(os.Stdin, os.Stdout))
	}
}

// serveNVRTC answers one request.
func serveNVRTC(stdin io.Reader, stdout io.Writer) (exit int) {
	var q nvrtcRequest
	if gob.NewDecoder(stdin).Decode(&q) != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(1)
	}()
	var r nvrtcReply
	l, err := openNVRTC()
	switch {
	case err != nil:
	case q.File == "":
		r.By = l.name()
	default:
		r.Cubin, r.By, err = l.run(context.Background(), q.File, q.Source, q.Options)
	}
	if err != nil {
		r.Error = err.Error()
		for i, is := range nvrtcErrors {
			if errors.Is(err, is) {
				r.Is = 1 + i
			}
		}
	}
	if gob.NewEncoder(stdout).Encode(r) != nil {
		return 1
	}
	return 0
}

// askNVRTC has a process answer.
func askNVRTC(ctx context.Context, q nvrtcRequest) (r nvrtcReply, err error) {
	self := "/proc/self/exe" // there also when the file has been replaced since
	if runtime.GOOS != "linux" {
		if self, err = os.Executable(); err != nil {
			return r, err
		}
	}
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, self)
	c.Args = []string{nvrtcProcess}
	c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+withoutDriver(os.Getenv("LD_LIBRARY_PATH")))
	c.Stdout, c.Stderr = &stdout, &stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for us
	stdin, err := c.StdinPipe()
	if err != nil {
		return r, err
	}
	if err := c.Start(); err != nil {
		return r, err
	}
	_ = gob.NewEncoder(stdin).Encode(q) // a process that is gone says why below
	err = c.Wait()
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	if err == nil {
		err = gob.NewDecoder(&stdout).Decode(&r)
	}
	if err != nil {
		return r, fmt.Errorf("nvrtc: %w %s", err, strings.TrimSpace(stderr.String()))
	}
	if r.Error != "" {
		e := nvrtcError{text: r.Error}
		if 0 < r.Is && r.Is <= len(nvrtcErrors) {
			e.is = nvrtcErrors[r.Is-1]
		}
		return r, e
	}
	return r, nil
}

// withoutDriver leaves folders with this project's driver library out of a list of folders. NVRTC loads the driver that
// it finds; with ours, a second Go program would begin in that process, and neither would go on. Programs that run on
// the simulated GPU have it there, and may compile.
func withoutDriver(folders string) string {
	list := filepath.SplitList(folders)
	list = slices.DeleteFunc(list, func(dir string) bool {
		return toolchain.IsFile(filepath.Join(dir, "libwarpdrop.so"))
	})
	return strings.Join(list, string(filepath.ListSeparator))
}

// nvrtc compiles a source.
func nvrtc(ctx context.Context, file string, source []byte, opt Options) (cubin []byte, by string, err error) {
	opt.Headers = nil // clang's
	r, err := askNVRTC(ctx, nvrtcRequest{file, source, opt})
	return r.Cubin, r.By, err
}

// nvrtcNamed are the names of the libraries that were found, by the places that were looked at.
var nvrtcNamed sync.Map

// nvrtcVersion names the library that is found.
func nvrtcVersion() (string, error) {
	places := strings.Join(nvrtcLibraries(), "\n")
	if by, ok := nvrtcNamed.Load(places); ok {
		return by.(string), nil
	}
	r, err := askNVRTC(context.Background(), nvrtcRequest{})
	if err == nil {
		nvrtcNamed.Store(places, r.By)
	}
	return r.By, err
}
