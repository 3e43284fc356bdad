// Site writes the documentation as a web page: every Markdown page as HTML, with contents at the side, a search that
// needs no server, and the files that pages link to.
//
//	go run ./internal/site DIR
//
// scripts/site.sh adds the simulator in the browser.
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

//go:embed assets
var assets embed.FS

var frame = template.Must(template.ParseFS(assets, "assets/page.html"))

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/site DIR, in the repository's folder")
		os.Exit(2)
	}
	n, err := write(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("%d pages in %s\n", n, os.Args[1])
}

// sections of the contents, in their order.
var sections = []struct{ folder, title string }{
	{".", "Warpdrop"}, {"docs", "Overview"}, {"docs/guide", "Guide"}, {"docs/reference", "Reference"},
	{"docs/results", "Results"},
	{"docs/design", "How it works"}, {"docs/lab", "Lab notes"},
}

// doc is a Markdown page.
type doc struct {
	name  string // its path in the repository
	title string
	text  []byte
	root  ast.Node
}

// url is the page's path in the site.
func url(name string) string {
	if path.Base(name) == "README.md" {
		return path.Join(path.Dir(name), "index.html")
	}
	return strings.TrimSuffix(name, ".md") + ".html"
}

// write makes the site of the repository at root in dir, and returns the number of pages.
func write(root, dir string) (int, error) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	docs, err := read(root, md)
	if err != nil {
		return 0, err
	}
	var index []entry
	for i := range docs {
		d := &docs[i]
		index = append(index, d.entries()...)
		files, err := d.links(root, docs)
		if err != nil {
			return 0, err
		}
		for _, f := range files {
			if err := copyFile(filepath.Join(root, f), filepath.Join(dir, f)); err != nil {
				return 0, err
			}
		}
		if err := d.write(dir, md, docs); err != nil {
			return 0, err
		}
	}
	data, err := json.Marshal(index)
	if err != nil {
		return 0, err
	}
	// as a script: a page from a file may not fetch
	err = put(filepath.Join(dir, "index.js"), append([]byte("const sections = "), data...))
	for _, name := range []string{"search.js", "style.css"} {
		data, readErr := assets.ReadFile("assets/" + name)
		err = errors.Join(err, readErr, put(filepath.Join(dir, name), data))
	}
	return len(docs), err
}

// read parses all pages, those of a section in the order of their titles, an index first.
func read(root string, md goldmark.Markdown) (docs []doc, err error) {
	for _, s := range sections {
		names, err := fs.Glob(os.DirFS(root), path.Join(s.folder, "*.md"))
		if err != nil {
			return nil, err
		}
		first := len(docs)
		for _, name := range names {
			source, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				return nil, err
			}
			d := doc{name: name, text: source}
			d.root = md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(ids{}))))
			d.title = name
			if h, ok := d.root.FirstChild().(*ast.Heading); ok {
				d.title = plain(h, source)
			}
			docs = append(docs, d)
		}
		slices.SortFunc(docs[first:], func(a, b doc) int { return strings.Compare(order(a), order(b)) })
	}
	return docs, nil
}

func order(d doc) string {
	if path.Base(d.name) == "README.md" {
		return ""
	}
	return d.title
}

// ids are the anchors of headings as GitHub makes them, so that a link holds here and there.
type ids struct{}

var dropped = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)

func (ids) Generate(heading []byte, _ ast.NodeKind) []byte {
	s := strings.ToLower(strings.TrimSpace(string(heading)))
	return []byte(strings.ReplaceAll(dropped.ReplaceAllString(s, ""), " ", "-"))
}

func (ids) Put([]byte) {}

// plain is the text of a node.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it returns no error
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			if entering {
				for i := range n.Lines().Len() {
					line := n.Lines().At(i)
					b.Write(line.Value(source))
				}
			}
		default:
			if !entering && n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// entry is a section that the search finds.
type entry struct {
	URL   string `json:"url"`
	Page  string `json:"page"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// entries are the page's sections, each from its heading to the next.
func (d *doc) entries() (list []entry) {
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			id, _ := h.AttributeString("id")
			list = append(list, entry{URL: fmt.Sprintf("%s#%s", url(d.name), id), Page: d.title, Title: plain(h, d.text)})
		} else if len(list) > 0 {
			e := &list[len(list)-1]
			e.Text = strings.TrimSpace(e.Text + " " + plain(n, d.text))
		}
	}
	return list
}

// links turns the page's links to Markdown into those to HTML, and returns the other files that it links to. A folder
// is left as text.
func (d *doc) links(root string, docs []doc) (files []string, err error) {
	var folders []*ast.Link
	err = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		var to *[]byte
		switch n := n.(type) {
		case *ast.Link:
			to = &n.Destination
		case *ast.Image:
			to = &n.Destination
		}
		if to == nil || !entering || bytes.Contains(*to, []byte(":")) || bytes.HasPrefix(*to, []byte("#")) {
			return ast.WalkContinue, nil
		}
		file, fragment, cut := strings.Cut(string(*to), "#")
		name := path.Join(path.Dir(d.name), file)
		if slices.ContainsFunc(docs, func(o doc) bool { return o.name == name }) {
			file = url(file)
			if cut {
				file += "#" + fragment
			}
			*to = []byte(file)
			return ast.WalkContinue, nil
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			return ast.WalkStop, fmt.Errorf("%s links to %s: %w", d.name, *to, err)
		}
		if info.IsDir() {
			folders = append(folders, n.(*ast.Link))
			return ast.WalkContinue, nil
		}
		files = append(files, name)
		return ast.WalkContinue, nil
	})
	for _, link := range folders {
		for c := link.FirstChild(); c != nil; c = link.FirstChild() {
			link.Parent().InsertBefore(link.Parent(), link, c)
		}
		link.Parent().RemoveChild(link.Parent(), link)
	}
	return files, err
}

// group is a section of the contents.
type group struct {
	Title string
	Pages []item
}

type item struct {
	Title, URL string
	Here       bool
}

// write renders the page into dir.
func (d *doc) write(dir string, md goldmark.Markdown, docs []doc) error {
	var body bytes.Buffer
	if err := md.Renderer().Render(&body, d.text, d.root); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	up := strings.Repeat("../", strings.Count(d.name, "/"))
	var contents []group
	for _, s := range sections {
		g := group{Title: s.title}
		for _, o := range docs {
			if path.Dir(o.name) == s.folder {
				g.Pages = append(g.Pages, item{o.title, up + url(o.name), o.name == d.name})
			}
		}
		contents = append(contents, g)
	}
	var out bytes.Buffer
	err := frame.Execute(&out, map[string]any{"Title": d.title, "Up": up, "Contents": contents,
		"Body": template.HTML(body.String())})
	return errors.Join(err, put(filepath.Join(dir, url(d.name)), out.Bytes()))
}

func put(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return put(to, data)
}
