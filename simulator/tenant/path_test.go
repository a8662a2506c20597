package tenant

import (
	"fmt"
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

// Every octet, as it stands and encoded, in the middle and at the end of a path.
func TestEveryOctetOfAPath(t *testing.T) {
	for n := range 256 {
		c := byte(n)
		for _, end := range []string{"", "z", "/z"} {
			for form, raw := range []string{"/http/a" + string([]byte{c}) + end, fmt.Sprintf("/http/a%%%02x%s", c, end), fmt.Sprintf("/http/a%%%02X%s", c, end)} {
				encoded := form > 0
				got, err := CleanPath(raw)
				switch {
				case c == '\\' || encoded && c == '/':
					assert.ErrorIs(t, err, errPathEncoded, "%q", raw)
				case c < 0x20 || c == 0x7f:
					assert.ErrorIs(t, err, errPathControl, "%q", raw)
				case c == '%' && !encoded:
					assert.ErrorIs(t, err, errPathEscape, "%q", raw)
				case c == ';' && !encoded:
					assert.Equal(t, "/http/a"+strings.TrimPrefix(end, "z"), got)
				case c == '/':
					assert.Equal(t, "/http/a/"+strings.TrimPrefix(end, "/"), got)
				default:
					assert.Equal(t, "/http/a"+string([]byte{c})+end, got)
				}
			}
		}
	}
	for _, raw := range []string{"/a%", "/a%4", "/a%4g", "/a%g4", "/a%:0", "/a%@0", "/a%`0", "/a%/0", "/a%0G"} {
		_, err := CleanPath(raw)
		assert.ErrorIs(t, err, errPathEscape, raw)
	}
	for raw, want := range map[string]string{"/a/;x": "/a/", "/;x": "/", "/a/%2e": "/a/", "/a/b/%2E%2e": "/a/", "/a.": "/a.", "/a%41": "/aA", "/a%4F%6f": "/aOo"} {
		got, err := CleanPath(raw)
		require.NoError(t, err)
		assert.Equal(t, want, got, raw)
	}
}
