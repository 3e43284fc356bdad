package experiments

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// expression is a formula over named values, written as in Go: numbers, names, + - * / %, << >>, comparisons, && || !,
// parentheses, and the functions ceil(a/b) or ceil(a, b) = a/b rounded up, min, max, and pick(condition, a, b). Whole
// numbers divide to whole numbers.
type expression struct {
	text string
	tree ast.Expr
}

// parseExpression reads a formula.
func parseExpression(text string) (*expression, error) {
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a formula: %v", text, err)
	}
	return &expression{text, tree}, nil
}

// names adds the names that the formula asks for to those of a set.
func (e *expression) names(to map[string]bool) {
	ast.Inspect(e.tree, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			for _, a := range call.Args {
				(&expression{tree: a}).names(to)
			}
			return false
		}
		if id, ok := n.(*ast.Ident); ok {
			to[id.Name] = true
		}
		return true
	})
}

// value is the formula's value.
func (e *expression) value(vars map[string]constant.Value) (v constant.Value, err error) {
	defer func() { // go/constant panics where operands do not fit
		if p := recover(); p != nil {
			err = fmt.Errorf("%q: operands do not fit: %v", e.text, p)
		}
	}()
	if v, err = evaluate(e.tree, vars); err != nil {
		return nil, fmt.Errorf("%q: %w", e.text, err)
	}
	return v, nil
}

// maxValueBits and maxValueText bound what a formula and all that is in it yield: values that are made of one another
// could double from one to the next.
const (
	maxValueBits = 512
	maxValueText = 64 << 10
)

func evaluate(tree ast.Expr, vars map[string]constant.Value) (constant.Value, error) {
	v, err := node(tree, vars)
	if err != nil {
		return nil, err
	}
	if v.Kind() == constant.Int && constant.BitLen(v) > maxValueBits {
		return nil, fmt.Errorf("a value of %d bits; allowed are %d", constant.BitLen(v), maxValueBits)
	}
	if v.Kind() == constant.String && len(constant.StringVal(v)) > maxValueText {
		return nil, fmt.Errorf("a text of %d bytes; allowed are %d", len(constant.StringVal(v)), maxValueText)
	}
	return v, nil
}

// node is the value of a node, of whatever size.
func node(tree ast.Expr, vars map[string]constant.Value) (constant.Value, error) {
	switch n := tree.(type) {
	case *ast.ParenExpr:
		return evaluate(n.X, vars)
	case *ast.BasicLit:
		return constant.MakeFromLiteral(n.Value, n.Kind, 0), nil
	case *ast.Ident:
		if v, ok := vars[n.Name]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("no value named %q; there are %s", n.Name, strings.Join(slices.Sorted(maps.Keys(vars)), ", "))
	case *ast.UnaryExpr:
		x, err := evaluate(n.X, vars)
		if err != nil {
			return nil, err
		}
		return constant.UnaryOp(n.Op, x, 0), nil
	case *ast.BinaryExpr:
		x, err := evaluate(n.X, vars)
		if err != nil {
			return nil, err
		}
		y, err := evaluate(n.Y, vars)
		if err != nil {
			return nil, err
		}
		return binary(n.Op, x, y)
	case *ast.CallExpr:
		if whole := quotient(n); whole != nil {
			n = whole
		}
		args := make([]constant.Value, len(n.Args))
		for i, a := range n.Args {
			var err error
			if args[i], err = evaluate(a, vars); err != nil {
				return nil, err
			}
		}
		name, _ := n.Fun.(*ast.Ident)
		return call(name, args)
	}
	return nil, errors.New("allowed are numbers, names, operators, ceil, min, max and pick")
}

func binary(op token.Token, x, y constant.Value) (constant.Value, error) {
	switch op {
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return constant.MakeBool(constant.Compare(x, op, y)), nil
	case token.SHL, token.SHR:
		n, ok := constant.Uint64Val(y)
		if !ok || n > 62 {
			return nil, fmt.Errorf("shift by %s; allowed is 0 to 62", y)
		}
		return constant.Shift(x, op, uint(n)), nil
	case token.QUO, token.REM:
		if y.Kind() != constant.Bool && constant.Sign(y) == 0 {
			return nil, errors.New("division by 0")
		}
		if op == token.QUO && x.Kind() == constant.Int && y.Kind() == constant.Int {
			op = token.QUO_ASSIGN // go/constant's name for division of whole numbers
		}
	}
	return constant.BinaryOp(x, op, y), nil
}

// quotient is ceil(a, b) for ceil(a/b), whose whole numbers would be divided before they are rounded.
func quotient(n *ast.CallExpr) *ast.CallExpr {
	if name, ok := n.Fun.(*ast.Ident); !ok || name.Name != "ceil" || len(n.Args) != 1 {
		return nil
	}
	x, ok := ast.Unparen(n.Args[0]).(*ast.BinaryExpr)
	if !ok || x.Op != token.QUO {
		return nil
	}
	return &ast.CallExpr{Fun: n.Fun, Args: []ast.Expr{x.X, x.Y}}
}

func call(name *ast.Ident, args []constant.Value) (constant.Value, error) {
	switch {
	case name == nil:
	case name.Name == "ceil" && len(args) == 2:
		sum := constant.BinaryOp(constant.BinaryOp(args[0], token.ADD, args[1]), token.SUB, constant.MakeInt64(1))
		return binary(token.QUO, sum, args[1])
	case (name.Name == "min" || name.Name == "max") && len(args) == 2:
		if constant.Compare(args[0], token.LSS, args[1]) == (name.Name == "min") {
			return args[0], nil
		}
		return args[1], nil
	case name.Name == "pick" && len(args) == 3 && args[0].Kind() == constant.Bool:
		if constant.BoolVal(args[0]) {
			return args[1], nil
		}
		return args[2], nil
	}
	return nil, errors.New("functions are ceil(a/b), min(a, b), max(a, b) and pick(condition, a, b)")
}

// template is text with formulas in braces.
type template struct {
	parts []string      // literal text before, between and after …
	exprs []*expression // … the formulas
}

func parseTemplate(text string) (*template, error) {
	t := &template{}
	for {
		before, rest, found := strings.Cut(text, "{")
		t.parts = append(t.parts, before)
		if !found {
			return t, nil
		}
		formula, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q: a brace is not closed", text)
		}
		e, err := parseExpression(formula)
		if err != nil {
			return nil, err
		}
		t.exprs, text = append(t.exprs, e), after
	}
}

func (t *template) names(to map[string]bool) {
	for _, e := range t.exprs {
		e.names(to)
	}
}

// fill is the text with the formulas' values.
func (t *template) fill(vars map[string]constant.Value) (string, error) {
	var b strings.Builder
	for i, part := range t.parts {
		b.WriteString(part)
		if i == len(t.exprs) {
			break
		}
		v, err := t.exprs[i].value(vars)
		if err != nil {
			return "", err
		}
		b.WriteString(valueText(v))
	}
	return b.String(), nil
}

// valueText is a value as a kernel's argument or a macro has it: true is 1.
func valueText(v constant.Value) string {
	switch v.Kind() {
	case constant.String:
		return constant.StringVal(v)
	case constant.Bool:
		if constant.BoolVal(v) {
			return "1"
		}
		return "0"
	case constant.Float:
		x, _ := constant.Float64Val(v)
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return v.ExactString()
}

// cellValue is a table's cell: a number where it is one, else text.
func cellValue(cell string) constant.Value {
	cell = strings.TrimSpace(cell)
	if n, err := strconv.ParseInt(cell, 10, 64); err == nil {
		return constant.MakeInt64(n)
	}
	if x, err := strconv.ParseFloat(cell, 64); err == nil && x-x == 0 {
		return constant.MakeFloat64(x)
	}
	return constant.MakeString(cell)
}
