//go:build !js

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// example is an entry of the page's list.
type example struct {
	Name string `json:"name"`
	request
}

func examples(t *testing.T) (list []example) {
	t.Helper()
	data, err := page.ReadFile("page/examples.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// codeOf reads a file of the list from its place in the repository.
func codeOf(t *testing.T, file string) []byte {
	t.Helper()
	for _, name := range cubins {
		if filepath.Base(name) == file {
			data, err := os.ReadFile(filepath.Join("../..", name))
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
	t.Fatalf("%s is not among the files that are put beside the page", file)
	return nil
}

func value(a *answer, name string) string {
	for _, r := range a.Rows {
		if r[0] == name {
			return r[1]
		}
	}
	return "no such row"
}

// TestExamples: each example of the page runs, and shows what its name says.
func TestExamples(t *testing.T) {
	conflicts := map[string]string{}
	for _, e := range examples(t) {
		code := codeOf(t, e.File)
		names, err := kernels(e.File, code)
		if err != nil || !strings.Contains(strings.Join(names, " "), e.Kernel) {
			t.Errorf("%s: kernels %v, error %v", e.Name, names, err)
		}
		a, err := simulate(t.Context(), &e.request, code, nil)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		if !strings.Contains(a.Page, "<table") || !strings.Contains(a.Page, e.Kernel) {
			t.Errorf("%s: its page has no table or no kernel", e.Name)
		}
		conflicts[e.Kernel] = value(a, "shared bank conflicts")
		t.Log(e.Name, a.Rows)
	}
	// 512 x 512 words in tiles of 32 x 32: each warp's read of a column takes 31 passes more where the row has 32 words.
	if got := conflicts["transpose_conflicts"]; got != "253952" { // 512*512/32*31
		t.Errorf("%s conflicts without padding, want 253952", got)
	}
	if got := conflicts["transpose_padded"]; got != "0" {
		t.Errorf("%s conflicts with padding, want 0", got)
	}
}

// TestRefused: what is wrong with a request is said.
func TestRefused(t *testing.T) {
	good := examples(t)[0].request
	code := codeOf(t, good.File)
	for _, c := range []struct {
		change func(*request)
		want   string
	}{
		{func(r *request) { r.GPU = "gtx1" }, "is not one of"},
		{func(r *request) { r.Grid = "1,2,3,4" }, "at most three"},
		{func(r *request) { r.Block = "0" }, "no number in"},
		{func(r *request) { r.Args = r.Args[:2] }, "arguments"},
		{func(r *request) { r.Args = []string{"f33:1"} }, "argument"},
		{func(r *request) { r.Kernel = "nothing" }, "nothing"},
		{func(r *request) { r.Checks = []string{"nothing"} }, "nothing"},
	} {
		r := good
		c.change(&r)
		if _, err := simulate(t.Context(), &r, code, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	if _, err := kernels("a.txt", []byte("no code")); err == nil {
		t.Error("a text is taken for code")
	}
	if got := answerText(t.Context(), "{", nil, nil); !strings.Contains(got, `"error"`) {
		t.Errorf("a request that is no JSON is answered with %s", got)
	}
}

// driver opens the page in a frame, runs every example as a reader would, drops a file that is no code, and posts what
// the page showed.
const driver = `<!doctype html><iframe id=f src="index.html" style="width:1000px;height:800px"></iframe><script>
const wait = (what, f) => new Promise((done, fail) => { const began = Date.now(), id = setInterval(() => {
  const v = f(); if (v) { clearInterval(id); done(v); }
  if (Date.now() - began > 120000) { clearInterval(id); fail(what); } }, 50); });
onload = async () => { const out = {runs: []}; try {
  const d = document.getElementById("f").contentDocument, at = (id) => d.getElementById(id);
  out.ready = Number(await wait("ready", () => d.body.dataset.ready));
  await wait("kernels", () => !at("run").disabled);
  for (let i = 0; i < at("example").length; i++) {
    at("example").selectedIndex = i; at("kernel").replaceChildren(); at("run").disabled = true; at("example").onchange();
    await wait("kernels", () => at("kernel").length && !at("run").disabled);
    at("run").click();
    await wait(at("example").value, () => !at("result").hidden || at("error").textContent);
    const frame = at("profile"); await wait("page", () => frame.contentDocument && frame.contentDocument.querySelector("table"));
    out.runs.push({name: at("example").value, error: at("error").textContent, rows: [...at("rows").rows].map((r) => [...r.cells].map((c) => c.textContent)),
      tables: frame.contentDocument.querySelectorAll("table").length, wide: d.documentElement.scrollWidth > 1000});
  }
  const dropped = new DataTransfer(); dropped.items.add(new File(["no code"], "a.txt"));
  at("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
  out.refused = await wait("refusal", () => at("error").textContent);
} catch (e) { out.failed = String(e); } await fetch("answer", {method: "POST", body: JSON.stringify(out)}); };
</script>`

// TestPageInChromium: in a browser each example gives the figures that it gives here, and what is no code is refused.
func TestPageInChromium(t *testing.T) {
	if os.Getenv("WARPDROP_BROWSER") == "" {
		t.Skip("WARPDROP_BROWSER is not set: no browser is started")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := build(dir); err != nil {
		t.Fatal(err)
	}
	answers := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(dir)))
	mux.HandleFunc("/driver.html", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, driver) })
	mux.HandleFunc("/answer", func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		answers <- data
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(),
		server.URL+"/driver.html")
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cancel()
	var got struct {
		Ready   int    `json:"ready"`
		Refused string `json:"refused"`
		Failed  string `json:"failed"`
		Runs    []struct {
			Name   string     `json:"name"`
			Error  string     `json:"error"`
			Rows   [][]string `json:"rows"`
			Tables int        `json:"tables"`
			Wide   bool       `json:"wide"`
		} `json:"runs"`
	}
	select {
	case data := <-answers:
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("the page has not answered in five minutes")
	}
	size, err := os.Stat(filepath.Join(dir, "warpdrop.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB of WebAssembly, ready after %d ms", float64(size.Size())/1e6, got.Ready)
	if got.Failed != "" || !strings.Contains(got.Refused, "a.txt holds no code") || got.Ready == 0 {
		t.Errorf("failed: %q; a text was refused with %q; ready after %d ms", got.Failed, got.Refused, got.Ready)
	}
	list := examples(t)
	if len(got.Runs) != len(list) {
		t.Fatalf("%d examples ran, want %d", len(got.Runs), len(list))
	}
	for i, e := range list {
		r := got.Runs[i]
		want, err := simulate(t.Context(), &e.request, codeOf(t, e.File), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Error != "" || r.Tables == 0 || r.Wide || len(r.Rows) != len(want.Rows) {
			t.Errorf("%s: error %q, %d tables of its page, wider than the window: %v, %d rows", e.Name, r.Error, r.Tables,
				r.Wide, len(r.Rows))
			continue
		}
		for k, row := range want.Rows {
			if row[0] == "seconds to simulate" {
				t.Logf("%s: %s s in the browser, %s here", e.Name, r.Rows[k][1], row[1])
			} else if r.Rows[k][0] != row[0] || r.Rows[k][1] != row[1] {
				t.Errorf("%s: %v in the browser, %v here", e.Name, r.Rows[k], row)
			}
		}
	}
}
