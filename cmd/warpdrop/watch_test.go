package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"warpdrop/experiments"
)

// watched is a page of three points: one trains, one failed, one is done.
func watched(t *testing.T) string {
	t.Helper()
	points := make([]experiments.Point, 3)
	for i, hash := range []string{"a", "b", "c"} {
		points[i] = experiments.Point{Hash: hash, Spec: experiments.Search{Rate: 0.1 * float64(i+1), Search: "sgd"}}
	}
	bar := newProgress(io.Discard, &experiments.Plan{Points: []experiments.Planned{
		{Point: points[0], Seconds: 10}, {Point: points[1], Seconds: 10}, {Point: points[2], Seconds: 10}}})
	page, url, err := newWatchPage("<b>three</b> points", "out/x/report.html", points, bar)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(page.close)
	page.curve("a", []experiments.TracePoint{{Iteration: 10, Accuracy: 0.5, Loss: 2}, {Iteration: 20, Accuracy: 0.75, Loss: 1}})
	for _, e := range []experiments.Event{{Kind: experiments.Started, Point: points[0]},
		{Kind: experiments.Progress, Point: points[0], Share: 0.25},
		{Kind: experiments.Failed, Point: points[1], Err: errors.New("no <script>")},
		{Kind: experiments.Finished, Point: points[2], Seconds: 10, Threads: 1},
		{Kind: experiments.Finished, Point: experiments.Point{Hash: "of another run"}}} {
		if e.Point.Spec != nil {
			bar.notify(e)
		}
		page.notify(e)
	}
	return url
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, error %v", url, r.Status, err)
	}
	return string(data)
}

func TestWatchPage(t *testing.T) {
	url := watched(t)
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("the page is at %s: others must not reach it", url)
	}
	var s watchState
	if err := json.Unmarshal([]byte(get(t, url+"/state")), &s); err != nil {
		t.Fatal(err)
	}
	// 2.5 s of a and 10 s of c are done; 7.5 s of a are left, and b failed.
	if s.Done != 1 || s.Share < 0.62 || s.Share > 0.63 || len(s.Points) != 3 || len(s.Points[0].Trace) != 2 ||
		s.Points[0].State != "running" || s.Points[1].State != "failed" || s.Points[2].State != "done" {
		t.Errorf("state %+v", s)
	}
	if !strings.Contains(get(t, url), "echarts.js") || !strings.Contains(get(t, url+"/echarts.js"), "echarts") {
		t.Error("the page lacks its scripts")
	}
	if r, err := http.Get(url + "/../etc/passwd"); err != nil || r.StatusCode != http.StatusNotFound {
		t.Errorf("another file: %v, error %v", r.StatusCode, err)
	}
}

// TestWatchedRun has the address of a run's page printed; the page is gone when the run is.
func TestWatchedRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "e.yaml")
	text := "name: w\ntitle: Watched\npoints:\n  - search: {rate: 0.5}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"run", file, "--watch", "--out", filepath.Join(dir, "out")}
	if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &stderr)
	}
	_, rest, ok := strings.Cut(stderr.String(), "watch: ")
	url, _, _ := strings.Cut(rest, "\n")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("no address was printed:\n%s", &stderr)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("the page outlives the run")
	}
}

// TestWatchPageInChromium looks at the page: names are shown as text, the curve is drawn.
func TestWatchPageInChromium(t *testing.T) {
	if os.Getenv("WARPDROP_BROWSER") == "" {
		t.Skip("WARPDROP_BROWSER is not set: no browser is started")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--user-data-dir="+t.TempDir(), "--enable-logging=stderr",
		"--virtual-time-budget=3000", "--dump-dom", watched(t))
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if strings.Contains(stderr.String(), "CONSOLE") {
		t.Errorf("the console says:\n%s", &stderr)
	}
	for _, want := range []string{"&lt;b&gt;three&lt;/b&gt; points", "1 of 3 points", "failed: no &lt;script&gt;", "<canvas"} {
		if !strings.Contains(string(dom), want) {
			t.Errorf("the page lacks %q:\n%s", want, dom)
		}
	}
}
