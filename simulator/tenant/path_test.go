package tenant

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCleanPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/":                           "/",
		"/http/orders":                "/http/orders",
		"/http/orders/":               "/http/orders/",
		"/http//orders":               "/http/orders",
		"//http/orders":               "/http/orders",
		"/http/./orders":              "/http/orders",
		"/http/orders/.":              "/http/orders/",
		"/http/a/../orders":           "/http/orders",
		"/http/orders/a/..":           "/http/orders/",
		"/http/%2e%2E/cxf/a":          "/cxf/a",
		"/http/..;a=b/cxf/a":          "/cxf/a",
		"/http/orders;jsessionid=1":   "/http/orders",
		"/http;x/orders;y=1/;z":       "/http/orders/",
		"/http/%6frders":              "/http/orders",
		"/http/%252e%252e/orders":     "/http/%2e%2e/orders",
		"/http/.../orders":            "/http/.../orders",
		"/http/.hidden":               "/http/.hidden",
		"/http/%C3%A4":                "/http/ä",
		"/http/a%3Bb":                 "/http/a;b",
		"/a/b/../../c":                "/c",
		"/a/..":                       "/",
		"/.":                          "/",
		"//":                          "/",
		"/http/a%20b":                 "/http/a b",
		"/gw/odata/S;v=1/Orders('1')": "/gw/odata/S/Orders('1')",
	} {
		got, err := CleanPath(raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, got, raw)
	}
	for raw, want := range map[string]error{
		"":                    errPathRelative,
		"*":                   errPathRelative,
		"http/orders":         errPathRelative,
		"/http%2forders":      errPathEncoded,
		"/http%2Forders":      errPathEncoded,
		"/http\\orders":       errPathEncoded,
		"/http/%5corders":     errPathEncoded,
		"/http/%00":           errPathControl,
		"/http/%0d%0aorders":  errPathControl,
		"/http/a\tb":          errPathControl,
		"/..":                 errPathAbove,
		"/http/../../orders":  errPathAbove,
		"/%2e%2e/orders":      errPathAbove,
		"/http/100%":          errPathEscape,
		"/http/%zz":           errPathEscape,
		"/http/%2":            errPathEscape,
		"/a/%2e%2e/%2e./http": errPathAbove,
	} {
		got, err := CleanPath(raw)
		assert.Empty(t, got, raw)
		assert.ErrorIs(t, err, want, raw)
	}
}

func TestACleanPathIsClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := "/" + rapid.StringOfN(rapid.SampledFrom([]rune("/.;%2eEfFä\\a")), 0, 20, -1).Draw(t, "path")
		clean, err := CleanPath(raw)
		if err != nil {
			return
		}
		checkClean(t, raw, clean)
	})
}

type failer interface {
	Fatalf(format string, arguments ...any)
}

func checkClean(t failer, raw, clean string) {
	if !strings.HasPrefix(clean, "/") || strings.Contains(clean, "//") || strings.Contains(clean, "\\") {
		t.Fatalf("CleanPath(%q) = %q", raw, clean)
	}
	for segment := range strings.SplitSeq(clean, "/") {
		if segment == "." || segment == ".." {
			t.Fatalf("CleanPath(%q) = %q holds %q", raw, clean, segment)
		}
	}
	if strings.ContainsAny(clean, "%;") {
		return
	}
	if again, err := CleanPath(clean); err != nil || again != clean {
		t.Fatalf("CleanPath(%q) = %q, and again %q, %v", raw, clean, again, err)
	}
}

func FuzzRoute(f *testing.F) {
	for _, seed := range []string{"/http/orders", "/HTTP/orders", "/http/../cxf/orders", "/cxf/orders/%2e%2e/x", "*", "", "/gw/odata/S;v=1", "/http/all/a/b/c"} {
		f.Add(seed)
	}
	t, err := New(good(), nil)
	require.NoError(f, err)
	s := t.Snapshot()
	f.Fuzz(func(t *testing.T, raw string) {
		channel, answer := s.Route(raw)
		if answer.Refused != nil {
			return
		}
		checkClean(t, raw, answer.Path)
		if answer.Found {
			base, _ := wildcardBase(channel.Address)
			if !strings.EqualFold(base+answer.Below, answer.Path) {
				t.Fatalf("%q: %q serves %q with %q below", raw, channel.Address, answer.Path, answer.Below)
			}
		}
	})
}
