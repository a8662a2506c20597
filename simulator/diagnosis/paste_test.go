package diagnosis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/systemlog"
)

const (
	pastedLine   = "10.0.0.13 (198.51.100.21) - warehouse.example@Example Issuing CA 2 [12/Apr/2021:00:32:23 +0000] POST /cxf/orders HTTP/1.1 403 - 16 e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443 -"
	pastedRecord = "2022 10 07 08:06:55#+00#ERROR#com.sap.esb.security.cloud.authentication.CloudAuthenticationFilter##anonymous#https-jsse-nio-8041-exec-12###ae17f860e#na#na#na#na#client certificate status from load balancer: Invalid Certificate Presented, OpenSSL verify result code: 20|"
)

func paste(text string) pasted { return readPasted(Text{Name: "mail", Data: []byte(text)}, "") }

func TestPastedLinesAreReadAsProgramsForTextsLeaveThem(t *testing.T) {
	t.Parallel()
	good, err := systemlog.ParseAccessLine(pastedLine)
	require.NoError(t, err)
	require.Len(t, paste(pastedLine).lines, 1, "positive control")
	for name, text := range map[string]string{
		"as it is":             pastedLine,
		"indented":             "\t  " + pastedLine + "  \r\n",
		"en dashes":            strings.ReplaceAll(pastedLine, " - ", " – "),
		"em dashes":            strings.ReplaceAll(pastedLine, "-", "—"),
		"blanks that hold":     strings.ReplaceAll(pastedLine, " ", "\u00a0"),
		"marks of no width":    "\ufeff" + strings.Replace(pastedLine, "warehouse", "ware\u200bhouse", 1),
		"broken at blanks":     strings.Replace(strings.Replace(pastedLine, " POST", "\nPOST", 1), " 403", "\n403", 1),
		"broken within a word": strings.Replace(pastedLine, "hcisbp.eu1", "hcisbp.\neu1", 1),
		"quoted in a mail":     "> " + strings.Replace(pastedLine, " HTTP/1.1 403", "\n> HTTP/1.1 403", 1),
		"quoted twice":         "> > " + pastedLine,
	} {
		got := paste(text)
		if assert.Len(t, got.lines, 1, "%s: %v", name, got.rest) {
			assert.Equal(t, good, got.lines[0].AccessLine, name)
		}
		assert.Empty(t, got.rest, name)
		assert.Equal(t, name != "as it is" && name != "indented", got.mended > 0 && name != "indented", name)
	}
}

func TestPastedRecordsAreReadWhereverTheyAreBroken(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as it is":             pastedRecord,
		"broken at a blank":    strings.Replace(pastedRecord, "verify result", "verify\nresult", 1),
		"broken within a word": strings.Replace(pastedRecord, "CloudAuth", "Cloud\nAuth", 1),
		"broken twice":         strings.Replace(strings.Replace(pastedRecord, "Invalid Cert", "Invalid\nCert", 1), "code: 20", "code:\n20", 1),
		"quoted":               "> " + pastedRecord,
	} {
		got := paste(text)
		if assert.Len(t, got.records, 1, "%s: %v", name, got.rest) {
			code, ok := systemlog.ParseCertificateStatus(got.records[0].Text)
			assert.True(t, ok, "%s: %q", name, got.records[0].Text)
			assert.Equal(t, 20, code, name)
		}
	}
}

func TestTheBlogsShortFormIsRead(t *testing.T) {
	t.Parallel()
	got := paste("10.0.0.14 – – [12/Apr/2021:00:00:03 +0000] POST /http/orders HTTP/1.1 401\n10.0.0.14 – WAREHOUSE [12/Apr/2021:00:00:05 +0200] POST /http/orders HTTP/1.1 200\n")
	require.Len(t, got.lines, 2)
	assert.True(t, got.lines[0].Short)
	assert.Equal(t, 401, got.lines[0].Status)
	assert.Equal(t, 22, got.lines[1].Time.Hour(), "times are in UTC")
}

func TestWhatIsNoLineIsCountedAndShown(t *testing.T) {
	t.Parallel()
	got := paste("Hello,\n" + pastedLine + "\n10.0.0.14 (198.51.100.7) - - [32/Apr/2021:00:00:03 +0000] POST\n" + pastedLine + "\n")
	assert.Len(t, got.lines, 2)
	require.Len(t, got.rest, 2)
	assert.Equal(t, Quote{File: "mail", Line: 1, Text: "Hello,"}, got.rest[0])
	assert.EqualValues(t, 3, got.rest[1].Line)
}

// Whatever stands between them, whole lines are found, each once.
func TestLinesAreFoundInAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOf(rapid.StringMatching(`[A-Za-z ,.!?]{0,40}`)).Draw(t, "noise")
		var text strings.Builder
		want := 0
		for _, n := range noise {
			text.WriteString(n + "\n\n")
			if rapid.Bool().Draw(t, "line") {
				text.WriteString(pastedLine + "\n")
				want++
			}
		}
		assert.Len(t, paste(text.String()).lines, want)
	})
}

func FuzzReadPasted(f *testing.F) {
	for _, text := range []string{pastedLine, pastedRecord, "> " + pastedLine, strings.ReplaceAll(pastedLine, " ", "\n"), "\xff\xfe", "10.0.0.1 (", "2022 10 07 08:06:55#|\n|"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := readPasted(Text{Name: "fuzz", Data: data}, "")
		for _, l := range p.lines {
			again, err := systemlog.ParseAccessLine(l.quote.Text)
			require.NoError(t, err, "what is quoted is a line")
			require.Equal(t, l.Status, again.Status)
		}
		if out := readOutput("fuzz", p.rest); out != nil {
			require.LessOrEqual(t, len(out.quotes), mostOutput)
		}
	})
}
