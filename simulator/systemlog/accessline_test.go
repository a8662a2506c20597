package systemlog

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const sampleHost = "e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443"

// samples are the lines of testdata/http_access_1a2b3c4_2021-04-12.log, in the form of real ones.
var samples = []AccessLine{
	{LoadBalancer: "10.0.0.14", Client: "198.51.100.49", Time: time.Date(2021, 4, 12, 0, 0, 3, 0, time.UTC), Method: "POST", URI: "/http/orders",
		Protocol: "HTTP/1.1", Status: 401, Bytes: 5, Duration: 123 * time.Millisecond, Host: sampleHost},
	{LoadBalancer: "10.0.0.14", Client: "198.51.100.49", User: "WAREHOUSE", Time: time.Date(2021, 4, 12, 0, 0, 5, 0, time.UTC), Method: "POST", URI: "/http/orders",
		Protocol: "HTTP/1.1", Status: 200, Bytes: 6824, Duration: 1762 * time.Millisecond, Host: sampleHost},
	{LoadBalancer: "10.0.0.13", Client: "198.51.100.21", User: "warehouse.example@Example Issuing CA 2", Time: time.Date(2021, 4, 12, 0, 32, 23, 0, time.UTC),
		Method: "POST", URI: "/cxf/orders", Protocol: "HTTP/1.1", Status: 403, Bytes: -1, Duration: 16 * time.Millisecond, Host: sampleHost},
	{LoadBalancer: "10.0.0.13", Client: "198.51.100.21", User: "oauth_client_3f2a9c1e-0d4b-4b7a-9a51-6f0e8c7d2b10", Time: time.Date(2021, 4, 12, 0, 40, 1, 0, time.UTC),
		Method: "GET", URI: "/http/stock?item=4711&site=north", Protocol: "HTTP/1.1", Status: 200, Bytes: 48, Duration: 9 * time.Millisecond, Host: sampleHost,
		Passport: "00112233445566778899aabbccddeeff/ffeeddccbbaa99887766554433221100/1/0f0e0d0c0b0a09080706050403020100"},
}

func TestAccessLinesAreThoseOfTheSamplesByteForByte(t *testing.T) {
	golden, err := os.ReadFile("testdata/http_access_1a2b3c4_2021-04-12.log")
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(golden), "\n"), "\n")
	require.Len(t, lines, len(samples))
	for i, sample := range samples {
		want := strings.TrimSuffix(lines[i], "\n")
		assert.Equal(t, want, sample.String())
		got, err := ParseAccessLine(lines[i])
		require.NoError(t, err)
		assert.Equal(t, sample, got)
	}
}

func TestZeroAccessLineCanBeWritten(t *testing.T) {
	line := AccessLine{}.String()
	assert.Equal(t, "- (-) - - [01/Jan/0001:00:00:00 +0000] - - HTTP/1.1 000 0 0 - -", line)
	got, err := ParseAccessLine(line)
	require.NoError(t, err)
	assert.Equal(t, AccessLine{Protocol: "HTTP/1.1"}, got)
}

func TestShortFormOfAccessLine(t *testing.T) {
	at := time.Date(2021, 4, 12, 0, 0, 5, 0, time.UTC)
	for text, want := range map[string]AccessLine{
		"10.0.0.14 - WAREHOUSE [12/Apr/2021:00:00:05 +0000] POST /http/orders HTTP/1.1 200":                              {User: "WAREHOUSE", Status: 200},
		"10.0.0.14 - - [12/Apr/2021:00:00:05 +0000] POST /http/orders HTTP/1.1 401":                                      {Status: 401},
		"10.0.0.14 - warehouse.example@Example Issuing CA 2 [12/Apr/2021:00:00:05 +0000] POST /http/orders HTTP/1.1 403": {User: "warehouse.example@Example Issuing CA 2", Status: 403},
		"10.0.0.14 - (x) [12/Apr/2021:00:00:05 +0000] POST /http/orders HTTP/1.1 403":                                    {User: "(x)", Status: 403},
	} {
		want.LoadBalancer, want.Time, want.Method, want.URI, want.Protocol = "10.0.0.14", at, "POST", "/http/orders", "HTTP/1.1"
		want.Bytes, want.Short = -1, true
		got, err := ParseAccessLine(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got)
		assert.Equal(t, text, got.String())
	}
}

func TestHostileContentStaysInItsColumn(t *testing.T) {
	for name, test := range map[string]struct {
		line AccessLine
		want string // must be in the text
	}{
		"a user that imitates the rest of a line": {AccessLine{User: "x [12/Apr/2021:00:00:05 +0000] GET /a HTTP/1.1 200 1 1 h:443 -"}, "- x [12/Apr/2021:00:00:05 +0000] GET /a HTTP/1.1 200 1 1 h:443 - ["},
		"a user with line feeds":                  {AccessLine{User: "x\r\n10.0.0.1 (1.1.1.1) - ADMIN"}, `x\u000d\u000a10.0.0.1 (1.1.1.1) - ADMIN`},
		"a user in brackets":                      {AccessLine{User: "[admin]"}, "- [admin] ["},
		"a user that is a dash":                   {AccessLine{User: "-"}, `- \u002d [`},
		"a user that ends in blanks":              {AccessLine{User: "sender  "}, "- sender   ["},
		"a user that is a blank":                  {AccessLine{User: " "}, "-   ["},
		"a user in a domain":                      {AccessLine{User: `DOMAIN\name`}, `DOMAIN\\name`},
		"a user with an umlaut":                   {AccessLine{User: "Müller"}, "Müller"},
		"a user that turns the line around":       {AccessLine{User: "a\u202eb"}, `a\u202eb`},
		"an unprintable beyond 16 bits":           {AccessLine{User: "a\U000e0001b"}, `a\U000e0001b`},
		"bytes that are not UTF-8":                {AccessLine{User: "a\xffb"}, `a\xffb`},
		"a terminal's escape":                     {AccessLine{URI: "/\x1b[2J"}, `/\u001b[2J`},
		"a URI with blanks":                       {AccessLine{URI: "/a HTTP/1.1 200 1"}, `/a\u0020HTTP/1.1\u0020200\u00201`},
		"a method with a line feed":               {AccessLine{Method: "GET\n"}, `GET\u000a`},
		"a host with a blank":                     {AccessLine{Host: "a b:443"}, `a\u0020b:443`},
		"a client with a parenthesis":             {AccessLine{Client: "1) - x"}, `(1)\u0020-\u0020x)`},
		"a passport with a bracket":               {AccessLine{Passport: "a] -"}, `[a]\u0020-]`},
		"an escape that is content":               {AccessLine{URI: `/\u000a`}, `/\\u000a`},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.line.String()
			assert.Contains(t, text, test.want)
			assert.NotContains(t, text, "\n")
			got, err := ParseAccessLine(text)
			require.NoError(t, err)
			test.line.Protocol = "HTTP/1.1"
			assert.Equal(t, test.line, got)
		})
	}
}

func TestUnusualNumbersInAccessLine(t *testing.T) {
	got, err := ParseAccessLine(AccessLine{Status: 1000, Bytes: -7, Duration: -time.Second, Time: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}.String())
	require.NoError(t, err)
	assert.Equal(t, AccessLine{Status: 0, Bytes: -1, Duration: 0, Protocol: "HTTP/1.1", Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, got)
}

func TestParseAccessLineConvertsToUTC(t *testing.T) {
	got, err := ParseAccessLine("l - u [12/Apr/2021:01:30:05 +0130] GET / HTTP/1.1 200")
	require.NoError(t, err)
	assert.Equal(t, time.Date(2021, 4, 12, 0, 0, 5, 0, time.UTC), got.Time)
}

func TestParseAccessLineSaysWhatIsWrong(t *testing.T) {
	good := samples[1].String()
	_, err := ParseAccessLine(good)
	require.NoError(t, err)
	for _, test := range []struct{ old, new, want string }{
		{good, "", "no address of a load balancer"},
		{good, "\n", "no address of a load balancer"},
		{"(198.51.100.49)", "(198.51.100.49", "does not stand in parentheses"},
		{"(198.51.100.49)", "()", "does not stand in parentheses"},
		{") - W", ") W", `no "-" after the addresses`},
		{"WAREHOUSE ", " ", "the user column is empty"},
		{"12/Apr", "31/Feb", `time "[31/Feb/2021:00:00:05 +0000]": expected [dd/Mon/yyyy:HH:mm:ss +0000]`},
		{"Apr", "prM", "time"},
		{"+0000", "+00000", "time"},
		{"+0000", "+1960", "time"},
		{"00:00:05", "24:00:05", "time"},
		{"2021", "0000", "time"},
		{" 200 ", " 20 ", `status "20": expected three digits`},
		{" 6824 ", " x ", `bytes "x"`},
		{" 6824 ", " 9223372036854775808 ", "bytes"},
		{" 1762 ", " - ", `duration "-"`},
		{" 1762 ", " 9223372036855 ", "duration"},
		{"443 -", "443 x", `last column "x"`},
		{"443 -", "443 []", `last column "[]"`},
		{"443 -", "443  -", "column missing or empty"},
		{" 6824", "", "column missing or empty: expected 10 after the user"},
		{" -", "", "column missing or empty: expected 10 after the user"},
		{" 6824", " Europe", `bytes "Europe"`},
		{"POST", "PO\nST", "a line break within the line"},
	} {
		text := strings.Replace(good, test.old, test.new, 1)
		if test.old == " -" {
			text = strings.TrimSuffix(good, " -")
		}
		_, err := ParseAccessLine(text)
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), test.want)
	}
}

// hostile draws strings that mix ordinary parts with those that mean something to the formats.
func hostile() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{" ", "-", "[", "]", "(", ")", "#", "|", `\`, "\n", "\r", "|\n", `\|`, "\x00", "\xff", "\u2028", "\u202e",
			`\u0041`, `\U0001f600`, `\x41`, `\ud800`, " - ", "anonymous", "na", "2022 10 07 08:06:55", "2022 10 07 08:06:55#+00#", "HEADER_END", "ä", "日本",
			"[12/Apr/2021:00:00:05 +0000]", "HTTP/1.1 200"}),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 4), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 5), func(parts []string) string { return strings.Join(parts, "") })
}

func drawTime(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "time"), 0).UTC()
}

func drawAccessLine(t *rapid.T) AccessLine {
	l := AccessLine{
		LoadBalancer: hostile().Draw(t, "load balancer"),
		User:         hostile().Draw(t, "user"),
		Time:         drawTime(t),
		Method:       hostile().Draw(t, "method"),
		URI:          hostile().Draw(t, "URI"),
		Protocol:     hostile().Filter(func(s string) bool { return s != "" }).Draw(t, "protocol"),
		Status:       rapid.IntRange(0, 999).Draw(t, "status"),
		Bytes:        -1,
		Short:        rapid.Bool().Draw(t, "short"),
	}
	if !l.Short {
		l.Client = hostile().Draw(t, "client")
		l.Bytes = rapid.Int64Min(-1).Draw(t, "bytes")
		l.Duration = time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "ms")) * time.Millisecond
		l.Host = hostile().Draw(t, "host")
		l.Passport = hostile().Draw(t, "passport")
	}
	return l
}

func TestAnyAccessLineIsOneLineAndReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := drawAccessLine(t)
		text := line.String()
		if strings.ContainsAny(text, "\r\n\x00") {
			t.Fatalf("more than a line: %q", text)
		}
		got, err := ParseAccessLine(text)
		if err != nil || got != line {
			t.Fatalf("wrote %+v\nas %q\nread %+v, %v", line, text, got, err)
		}
	})
}

func FuzzParseAccessLine(f *testing.F) {
	for _, sample := range samples {
		f.Add(sample.String())
		sample.Short = true
		f.Add(sample.String())
	}
	f.Add(AccessLine{}.String())
	f.Add(AccessLine{User: "a\n\xff\\ -", URI: "/ b", Passport: "[]"}.String())
	f.Add("- (-) - - [01/Jan/0001:00:00:00 -0100] - - - 000 0 0 - -")
	f.Fuzz(func(t *testing.T, text string) {
		line, err := ParseAccessLine(text)
		if err != nil {
			return
		}
		written := line.String()
		again, err := ParseAccessLine(written)
		if err != nil || again != line {
			t.Fatalf("read %q\nas %+v\nwrote %q\nread %+v, %v", text, line, written, again, err)
		}
	})
}

func BenchmarkAccessLineAppendTo(b *testing.B) {
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf = samples[2].AppendTo(buf[:0])
	}
}

func BenchmarkParseAccessLine(b *testing.B) {
	text := samples[2].String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseAccessLine(text); err != nil {
			b.Fatal(err)
		}
	}
}
