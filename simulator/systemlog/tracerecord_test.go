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

const sampleDN = "C=DE, ST=Bavaria, L=Munich, O=Example, CN=sender.example"

// refusedPair is what a certificate leaves that the load balancer did not accept.
func refusedPair() []TraceRecord {
	first := TraceRecord{
		Time: time.Date(2022, 10, 7, 8, 6, 55, 0, time.UTC), Zone: "+00", Level: LevelError, Logger: AuthenticationFilter,
		Thread: "https-jsse-nio-8041-exec-12", Tenant: "ae17f860e", Text: CertificateReceived(sampleDN),
	}
	second := first
	second.Text = CertificateStatus(20)
	return []TraceRecord{first, second}
}

func TestTraceRecordsAreThoseOfTheSamplesByteForByte(t *testing.T) {
	golden, err := os.ReadFile("testdata/ljs_trace_1a2b3c4_2022-10-07.log")
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(golden), "\n"), "\n")
	require.Len(t, lines, 2)
	for i, record := range refusedPair() {
		assert.Equal(t, strings.TrimSuffix(lines[i], "\n"), record.String())
		got, err := ParseTraceRecord(lines[i])
		require.NoError(t, err)
		assert.Equal(t, record, got)
	}
}

func TestZeroTraceRecordCanBeWritten(t *testing.T) {
	text := TraceRecord{}.String()
	assert.Equal(t, "0001 01 01 00:00:00#+00#ERROR###anonymous#####na#na#na#na#|", text)
	got, err := ParseTraceRecord(text)
	require.NoError(t, err)
	assert.Equal(t, TraceRecord{Zone: "+00", Level: LevelError}, got)
}

func TestTraceRecordHasItsZone(t *testing.T) {
	record := TraceRecord{Time: time.Date(2022, 10, 7, 23, 30, 0, 0, time.UTC), Zone: "+02", Level: "INFO"}
	text := record.String()
	assert.True(t, strings.HasPrefix(text, "2022 10 08 01:30:00#+02#INFO#"), text)
	got, err := ParseTraceRecord(text)
	require.NoError(t, err)
	assert.Equal(t, record, got)
	record.Zone = "nonsense"
	assert.True(t, strings.HasPrefix(record.String(), "2022 10 07 23:30:00#+00#"))
}

func TestHostileContentStaysInItsField(t *testing.T) {
	for name, test := range map[string]struct {
		record TraceRecord
		want   string
	}{
		"separators in the text":        {TraceRecord{Text: `a#b|c\d`}, `#a\#b\|c\\d|`},
		"a text over lines":             {TraceRecord{Text: "a\nb"}, "#a\nb|"},
		"a text that imitates a record": {TraceRecord{Text: "x|\n2022 10 07 08:06:55#+00#ERROR#"}, "x\\|\n2022 10 07 08:06:55\\#+00\\#ERROR\\#|"},
		"a text that ends in backslash": {TraceRecord{Text: `C:\`}, `#C:\\|`},
		"separators in the user":        {TraceRecord{User: "a#b|c"}, `#a\#b\|c#`},
		"a line feed in the user":       {TraceRecord{User: "a\n2022 10 07 08:06:55"}, `#a\u000a2022 10 07 08:06:55#`},
		"a user in a domain":            {TraceRecord{User: `DOMAIN\name`}, `#DOMAIN\\name#`},
		"a passport":                    {TraceRecord{Passport: [3]string{"00", "", "11"}, PassportFlag: "1"}, "#00#na#11#1#"},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.record.String()
			assert.Contains(t, text, test.want)
			got, err := ParseTraceRecord(text + "\n")
			require.NoError(t, err)
			test.record.Zone, test.record.Level = "+00", LevelError
			assert.Equal(t, test.record, got)
		})
	}
}

func TestParseTraceRecordToleratesWhatOthersWrite(t *testing.T) {
	got, err := ParseTraceRecord("2022 10 07 08:06:55#+0200#INFO#l#ACH#DOMAIN\\name#t#b#s#a#web#null#null#x#a # b|c|\r\n")
	require.NoError(t, err)
	assert.Equal(t, TraceRecord{
		Time: time.Date(2022, 10, 7, 6, 6, 55, 0, time.UTC), Zone: "+0200", Level: "INFO", Logger: "l", Component: "ACH", User: `DOMAIN\name`, Thread: "t",
		Bundle: "b", Space: "s", Tenant: "a", Passport: [3]string{"web", "null", "null"}, PassportFlag: "x", Text: "a # b|c",
	}, got)
}

func TestParseTraceRecordSaysWhatIsWrong(t *testing.T) {
	good := refusedPair()[1].String()
	_, err := ParseTraceRecord(good)
	require.NoError(t, err)
	for _, test := range []struct{ old, new, want string }{
		{good, "", `not ended by "|"`},
		{"20|", "20", `not ended by "|"`},
		{"20|", `20\|`, `not ended by "|"`},
		{"#na#na#na#na", "", "11 fields: expected 15"},
		{"2022 10 07", "2022 02 30", `time "2022 02 30 08:06:55": expected yyyy MM dd HH:mm:ss`},
		{"2022 10 07", "2022-10-07", "time"},
		{"+00", "UTC", `zone "UTC"`},
		{"ERROR", "", "the level is empty"},
		{"anonymous", "a\nb", "a line break in field 6"},
	} {
		_, err := ParseTraceRecord(strings.Replace(good, test.old, test.new, 1))
		require.Error(t, err, test)
		assert.Contains(t, err.Error(), test.want)
	}
}

func drawTraceRecord(t *rapid.T) TraceRecord {
	field := func(name string, not ...string) string {
		return hostile().Filter(func(s string) bool {
			for _, n := range not {
				if s == n {
					return false
				}
			}
			return true
		}).Draw(t, name)
	}
	r := TraceRecord{
		Time: drawTime(t), Zone: rapid.SampledFrom([]string{"+00", "+02", "-0730", "+05:30"}).Draw(t, "zone"),
		Level: field("level", ""), Logger: field("logger"), Component: field("component"), User: field("user", nobody),
		Thread: field("thread"), Bundle: field("bundle"), Space: field("space"), Tenant: field("tenant"),
		PassportFlag: field("flag", notAvailable), Text: field("text"),
	}
	for i := range r.Passport {
		r.Passport[i] = field("passport", notAvailable)
	}
	if y := r.Time.Year(); y < 2 || y > 9998 {
		r.Zone = "+00" // the local time must have four digits too
	}
	return r
}

func TestAnyTraceReadsBackRecordForRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := make([]TraceRecord, rapid.IntRange(0, 4).Draw(t, "records"))
		var log []byte
		for i := range records {
			records[i] = drawTraceRecord(t)
			got, err := ParseTraceRecord(records[i].String())
			if err != nil || got != records[i] {
				t.Fatalf("wrote %+v\nas %q\nread %+v, %v", records[i], records[i].String(), got, err)
			}
			log = append(records[i].AppendTo(log), '\n')
		}
		n := 0
		for got, err := range ReadTrace(strings.NewReader(string(log))) {
			if err != nil || n >= len(records) || got != records[n] {
				t.Fatalf("record %d of %q: read %+v, %v", n, log, got, err)
			}
			n++
		}
		if n != len(records) {
			t.Fatalf("read %d of %d records of %q", n, len(records), log)
		}
	})
}

func FuzzParseTraceRecord(f *testing.F) {
	for _, record := range refusedPair() {
		f.Add(record.String())
	}
	f.Add(TraceRecord{}.String())
	f.Add(TraceRecord{User: "a#\n", Text: "a#|\\\nb", Zone: "-12:30"}.String())
	f.Fuzz(func(t *testing.T, text string) {
		record, err := ParseTraceRecord(text)
		if err != nil {
			return
		}
		written := record.String()
		again, err := ParseTraceRecord(written)
		if err != nil || again != record {
			t.Fatalf("read %q\nas %+v\nwrote %q\nread %+v, %v", text, record, written, again, err)
		}
	})
}

func TestTraceTexts(t *testing.T) {
	const received = "client certificate received at load balancer: Qz1ERSwgU1Q9QmF2YXJpYSwgTD1NdW5pY2gsIE89RXhhbXBsZSwgQ049c2VuZGVyLmV4YW1wbGU="
	assert.Equal(t, received, CertificateReceived(sampleDN))
	dn, ok := ParseCertificateReceived(received)
	assert.True(t, ok)
	assert.Equal(t, sampleDN, dn)
	_, ok = ParseCertificateReceived(received[:len(received)-1])
	assert.False(t, ok, "not Base64")
	_, ok = ParseCertificateReceived(CertificateStatus(20))
	assert.False(t, ok, "another text")

	const status = "client certificate status from load balancer: Invalid Certificate Presented, OpenSSL verify result code: 20"
	assert.Equal(t, status, CertificateStatus(20))
	code, ok := ParseCertificateStatus(status)
	assert.True(t, ok)
	assert.Equal(t, 20, code)
	_, ok = ParseCertificateStatus(status + "x")
	assert.False(t, ok)
	_, ok = ParseCertificateStatus(received)
	assert.False(t, ok)
}

func TestNotInTable(t *testing.T) {
	assert.Equal(t, "Unauthorized. Subject and issuer (subject: cn=sender.example,o=Example; issuer: cn=Example Issuing CA,c=DE)"+
		" of the provided certificate is not contained in the accepted subjectAndIssuers list of the integration flow.",
		NotInTable("CN=sender.example, O=Example", "CN=Example Issuing CA, C=DE"))
	for dn, want := range map[string]string{
		"":                          "",
		"CN=a":                      "cn=a",
		"CN = a ,  OU= B":           "cn=a ,ou=B",
		`CN=Doe\, John, O=A`:        `cn=Doe\, John,o=A`,
		`O="A, B", C=DE`:            `o="A, B",c=DE`,
		"CN=a + UID=B, O=c":         "cn=a +uid=B,o=c",
		`CN=a\; issuer: b, O=x`:     `cn=a\; issuer: b,o=x`,
		"1.2.3.4=#0c0141, CN=A=B,c": "1.2.3.4=#0c0141,cn=A=B,c",
	} {
		assert.Equal(t, want, tableDN(dn))
		subject, issuer, ok := ParseNotInTable(NotInTable(dn, dn))
		assert.True(t, ok, dn)
		assert.Equal(t, [2]string{want, want}, [2]string{subject, issuer})
	}
	_, _, ok := ParseNotInTable("Unauthorized.")
	assert.False(t, ok)
	_, _, ok = ParseNotInTable(notInTableText + "cn=a" + notInTableEnd)
	assert.False(t, ok)
}
