//go:build !js

package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed page
var page embed.FS

// cubins are the files of the page's list, by their place in the repository.
var cubins = []string{"profile/testdata/faults.cubin", "workloads/examples/saxpy.cubin"}

func main() {
	out := flag.String("out", "", "write the page's files to this folder and serve nothing")
	address := flag.String("addr", "localhost:8030", "where to serve the page")
	flag.Parse()
	if err := serve(*out, *address); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

func serve(out, address string) error {
	if out != "" {
		return build(out)
	}
	dir, err := os.MkdirTemp("", "warpdrop-browser")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { l.Close() }) // so that the folder is removed
	fmt.Printf("the simulator is at http://%s until Ctrl-C\n", l.Addr())
	if err = http.Serve(l, http.FileServer(http.Dir(dir))); ctx.Err() != nil {
		return nil
	}
	return err
}

// build writes the page, the program as WebAssembly with Go's loader for it, and the kernels of the list into dir.
func build(dir string) error {
	root, err := goSays("list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "warpdrop.wasm"),
		"./cmd/browser")
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "GOOS=js", "GOARCH=wasm"), os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build for GOOS=js: %w", err)
	}
	goroot, err := goSays("env", "GOROOT")
	if err != nil {
		return err
	}
	loader, err := os.ReadFile(filepath.Join(goroot, "lib/wasm/wasm_exec.js"))
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(dir, "wasm_exec.js"), loader, 0o644)
	for _, name := range cubins {
		data, readErr := os.ReadFile(filepath.Join(root, name))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o644))
	}
	names, listErr := fs.Glob(page, "page/*")
	err = errors.Join(err, listErr)
	for _, name := range names {
		data, readErr := page.ReadFile(name)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o644))
	}
	return err
}

// goSays is what the go command prints.
func goSays(args ...string) (string, error) {
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return "", fmt.Errorf("go %s, in the repository's folder: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
