package document_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/document"
)

type moment struct{ time.Time }

func (m *moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("found %q, expected a date such as 2026-11-23", text)
	}
	m.Time = t
	return nil
}

type entry struct {
	Name  string   `yaml:"name"`
	CA    bool     `yaml:"ca,omitempty"`
	Usage []string `yaml:"usage,omitempty"`
	Until moment   `yaml:"until,omitempty"`
}

type doc struct {
	Tenant struct {
		Account string        `yaml:"account"`
		Nodes   int           `yaml:"nodes"`
		Wait    time.Duration `yaml:"wait"`
	} `yaml:"tenant"`
	PKI []entry `yaml:"pki"`
}

func TestReadGood(t *testing.T) {
	var d doc
	source, err := document.Read("good.yaml", []byte(`
# a comment
tenant: {account: e100999, nodes: 2, wait: 30s}
pki:
  - &base {name: root, ca: true}
  - name: leaf
    usage: [clientAuth]
    until: 2027-01-02
  - *base
`), &d)
	require.NoError(t, err)
	assert.Equal(t, "e100999", d.Tenant.Account)
	assert.Equal(t, 2, d.Tenant.Nodes)
	assert.Equal(t, 30*time.Second, d.Tenant.Wait)
	require.Len(t, d.PKI, 3)
	assert.Equal(t, 2027, d.PKI[1].Until.Year())
	assert.Equal(t, "root", d.PKI[2].Name)

	p := source.Problem("pki[1].usage[0]", "wrong")
	assert.Equal(t, "good.yaml:7:13: pki[1].usage[0]: wrong", p.Error())
	assert.Equal(t, 6, source.Problem("pki[1].issuer", "missing").Line, "a key that is not there: the entry around it")
}

func TestReadEmptyIsAllDefaults(t *testing.T) {
	var d doc
	_, err := document.Read("empty.yaml", []byte("# nothing\n"), &d)
	require.NoError(t, err)
	assert.Zero(t, d.Tenant.Nodes)
}

func TestReadTellsEveryProblemWithPosition(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"unknown key":     {"tenant:\n  acount: x\n", []string{`f.yaml:2:3: tenant: unknown key "acount", did you mean "account"?; the keys here are account, nodes, wait`}},
		"unknown top key": {"tenants: {}\n", []string{`f.yaml:1:1: unknown key "tenants", did you mean "tenant"?; the keys here are tenant, pki`}},
		"nothing near":    {"zzz: 1\n", []string{`f.yaml:1:1: unknown key "zzz"; the keys here are tenant, pki`}},
		"two problems": {"tenant: {nodes: two}\npki: {name: x}\n", []string{
			`f.yaml:1:17: tenant.nodes: found "two", expected a whole number`,
			`f.yaml:2:6: pki: found a mapping, expected a list`}},
		"bool":               {"pki: [{name: a, ca: perhaps}]\n", []string{`f.yaml:1:21: pki[0].ca: found "perhaps", expected true or false`}},
		"duration":           {"tenant: {wait: 30}\n", []string{`f.yaml:1:16: tenant.wait: found "30", expected a duration such as 30s or 10m`}},
		"text":               {"pki:\n- name: a\n  until: soon\n", []string{`f.yaml:3:10: pki[0].until: found "soon", expected a date such as 2026-11-23`}},
		"list for text":      {"tenant: {account: [a]}\n", []string{`f.yaml:1:19: tenant.account: found a list, expected a text`}},
		"scalar for mapping": {"tenant: e100999\n", []string{`f.yaml:1:9: tenant: found "e100999", expected a mapping with the keys account, nodes, wait`}},
		"dangling alias":     {"pki: [*gone]\n", []string{`alias`}},
		"second document":    {"tenant: {}\n---\ntenant: {}\n", []string{`f.yaml:3:1: a second document begins here`}},
		"repeated key":       {"tenant: {nodes: 1, nodes: 2}\n", []string{`nodes`}},
		"tag":                {"tenant: !!map {nodes: 1}\n", []string{`found the tag`}},
	} {
		t.Run(name, func(t *testing.T) {
			var d doc
			_, err := document.Read("f.yaml", []byte(test.text), &d)
			require.Error(t, err)
			var problems document.Problems
			require.ErrorAs(t, err, &problems)
			require.Len(t, problems, len(test.want), err.Error())
			for i, want := range test.want {
				assert.Contains(t, problems[i].Error(), want)
			}
		})
	}
}

func TestSyntaxErrorHasPosition(t *testing.T) {
	var d doc
	_, err := document.Read("f.yaml", []byte("tenant:\n  nodes: [1\npki: []\n"), &d)
	var problems document.Problems
	require.ErrorAs(t, err, &problems)
	assert.Positive(t, problems[0].Line)
}

func TestReadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "l.yaml")
	var d doc
	_, err := document.ReadFile(file, &d)
	require.Error(t, err)
	assert.True(t, strings.HasPrefix(err.Error(), file+": cannot be read: "), err.Error())
	require.NoError(t, os.WriteFile(file, []byte("tenant: {nodes: 3}"), 0o600))
	_, err = document.ReadFile(file, &d)
	require.NoError(t, err)
	assert.Equal(t, 3, d.Tenant.Nodes)
	require.NoError(t, os.WriteFile(file, make([]byte, document.MaxSize+1), 0o600))
	_, err = document.ReadFile(file, &d)
	assert.ErrorContains(t, err, "expected at most")
}

func TestAliasBombIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("tenant: {}\npki:\n- name: x\n")
	b.WriteString("  usage: &l0 [x, x, x, x, x, x, x, x, x, x]\n")
	for range 20_100 {
		b.WriteString("- {name: a, usage: *l0}\n")
	}
	var d doc
	_, err := document.Read("bomb.yaml", []byte(b.String()), &d)
	assert.ErrorContains(t, err, "counted with its aliases")
}

func TestNearest(t *testing.T) {
	among := []string{"warehouse", "example-root", "example-issuing"}
	for word, want := range map[string]string{"wharehouse": "warehouse", "Example-Root": "example-root", "exmaple-root": "example-root", "zebra": "", "": ""} {
		got, _ := document.Nearest(word, among)
		assert.Equal(t, want, got, word)
	}
	_, ok := document.Nearest("x", nil)
	assert.False(t, ok)
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"tenant: {account: e1, nodes: 2}", "pki: [&a {name: x}, *a]", "a: [", "<<: *x", "? [a]\n: b", "tenant: !!str x", "- - - -", "\x00", "pki:\n- <<: {name: a}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d doc
		source, err := document.Read("f.yaml", data, &d)
		if err == nil {
			_ = source.Problem("pki[0].name", "x").Error()
		}
	})
}
