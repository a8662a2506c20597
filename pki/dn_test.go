package pki_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"unicode"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func der(t testing.TB, dn string) []byte {
	t.Helper()
	parsed, err := pki.ParseDN(dn)
	require.NoError(t, err, dn)
	raw, err := parsed.Marshal()
	require.NoError(t, err, dn)
	return raw
}

func TestParseDN(t *testing.T) {
	cases := []struct{ in, out, trace string }{
		{"", "", ""},
		{"   ", "", ""},
		{"CN=warehouse, O=Example, C=DE", "CN=warehouse, O=Example, C=DE", "C=DE, O=Example, CN=warehouse"},
		{" cn = warehouse ,o=Example,  c=DE ", "CN=warehouse, O=Example, C=DE", "C=DE, O=Example, CN=warehouse"},
		{`CN=warehouse\ ,O=x`, `CN=warehouse\ , O=x`, `O=x, CN=warehouse\ `},
		{`CN=warehouse \20 ,O=x`, `CN=warehouse \ , O=x`, `O=x, CN=warehouse \ `},
		{`CN=\ a b\ `, `CN=\ a b\ `, `CN=\ a b\ `},
		{`CN=a\, b\+c\"d\\e\;f\<g\>h\=i`, `CN=a\, b\+c\"d\\e\;f\<g\>h=i`, `CN=a\, b\+c\"d\\e\;f\<g\>h=i`},
		{`CN=\#1`, `CN=\#1`, `CN=\#1`},
		{`CN=Lu\C4\8Di\C4\87`, "CN=Lučić", "CN=Lučić"},
		{"CN=Lučić", "CN=Lučić", "CN=Lučić"},
		{`CN=a\0Ab`, `CN=a\0Ab`, `CN=a\0Ab`},
		{`CN="a, b + c" , O=x`, `CN=a\, b \+ c, O=x`, `O=x, CN=a\, b \+ c`},
		{`CN=" a "`, `CN=\ a\ `, `CN=\ a\ `},
		{`CN=`, `CN=`, `CN=`},
		{`CN=,O=x`, `CN=, O=x`, `O=x, CN=`},
		{`CN=a+OU=b, O=x`, `CN=a+OU=b, O=x`, `O=x, CN=a + OU=b`},
		{`S=Bavaria, SP=Bern, ST=Hesse`, `ST=Bavaria, ST=Bern, ST=Hesse`, `ST=Hesse, ST=Bern, ST=Bavaria`},
		{`E=a@b.example, UID=u, DC=example, STREET=s, T=t, SN=n, GN=g, SERIALNUMBER=1`,
			`emailAddress=a@b.example, UID=u, DC=example, STREET=s, title=t, SN=n, GN=g, serialNumber=1`,
			`serialNumber=1, GN=g, SN=n, title=t, STREET=s, DC=example, UID=u, emailAddress=a@b.example`},
		{`2.5.4.3=x`, `CN=x`, `CN=x`},
		{`OID.2.5.4.3=x`, `CN=x`, `CN=x`},
		{`1.3.6.1.4.1.32473.1=#130178`, `1.3.6.1.4.1.32473.1=x`, `1.3.6.1.4.1.32473.1=x`},
		{`CN=#130178`, `CN=x`, `CN=x`},
		{`CN=#020105`, `CN=#020105`, `CN=#020105`},
		{"CN=x\u202ey", `CN=x\E2\80\AEy`, `CN=x\E2\80\AEy`},
	}
	for _, c := range cases {
		t.Run(c.in, func(t *testing.T) {
			raw := der(t, c.in)
			assert.Equal(t, c.out, pki.FormatDN(raw))
			assert.Equal(t, c.trace, pki.TraceDN(raw))
			assert.Equal(t, raw, der(t, c.out), "reads again to the same bytes")
		})
	}
}

func TestParseDNSaysWhere(t *testing.T) {
	cases := []struct {
		in      string
		column  int
		message string
	}{
		{"CN", 1, `expected ATTRIBUTE=value, found "CN"`},
		{"CN=a, b", 7, `expected ATTRIBUTE=value, found "b"`},
		{"CN=č, XN=b", 7, `unknown attribute "XN"; did you mean "CN"?`},
		{"=b", 1, `unknown attribute ""`},
		{"9.9.9=b", 1, `unknown attribute "9.9.9"`},
		{"CN=a,", 6, "expected an attribute after ',', found the end"},
		{"CN=a+ ", 7, "expected an attribute after '+', found the end"},
		{"CN=a;O=b", 5, `';' inside a value is written \3B`},
		{`CN=a"b`, 5, `'"' inside a value is written \22`},
		{`CN=a\`, 5, "after the backslash"},
		{`CN=a\x`, 5, "after the backslash"},
		{`CN="a`, 4, "the quote is not closed"},
		{`CN="a"b`, 7, "expected a comma, a plus or the end after the closing quote"},
		{"CN=#zz", 4, "expected pairs of hex digits after #"},
		{"CN=#0c0", 4, "expected pairs of hex digits after #"},
		{"CN=#0c05", 4, "expected the DER of one value after #"},
		{"CN=#0c0178 x", 12, "after the hex digits"},
		{"C=D_", 3, "C takes letters, digits, blanks"},
		{`CN=\ff`, 4, "the value of CN is not UTF-8"},
		{"CN=a\xff", 5, "expected UTF-8"},
	}
	for _, c := range cases {
		t.Run(c.in, func(t *testing.T) {
			dn, err := pki.ParseDN(c.in)
			var at *pki.DNError
			require.ErrorAs(t, err, &at)
			assert.Nil(t, dn)
			assert.Equal(t, c.column, at.Column)
			assert.Contains(t, at.Message, c.message)
		})
	}
	_, err := pki.ParseDN("CN=" + strings.Repeat("x", 1<<17))
	assert.ErrorContains(t, err, "the name is too long")
}

func TestDNEncoding(t *testing.T) {
	cases := []struct{ dn, hex string }{
		{"", "3000"},
		{"CN=warehouse", "3014311230100603550403130977617265686f757365"},           // PrintableString
		{"CN=a_b", "300e310c300a06035504030c03615f62"},                             // UTF8String
		{"C=DE", "300d310b3009060355040613024445"},                                 // PrintableString
		{"DC=a", "3013" + "3111" + "300f" + "060a0992268993f22c640119" + "160161"}, // IA5String
		{"O=b, C=DE", "3019310b3009060355040613024445310a3008060355040a130162"},    // C first
		{"CN=b+O=a", "3016" + "3114" + "3008060355040313" + "0162" + "3008060355040a13" + "0161"},
	}
	for _, c := range cases {
		assert.Equal(t, c.hex, hex.EncodeToString(der(t, c.dn)), c.dn)
	}
	_, err := pki.DN{{{Type: "x", Value: "y"}}}.Marshal()
	assert.ErrorContains(t, err, `"x" is not an object identifier`)
}

func TestOtherStringTypes(t *testing.T) {
	name := func(value string) []byte {
		raw, err := hex.DecodeString(value)
		require.NoError(t, err)
		attribute := append([]byte{0x06, 0x03, 0x55, 0x04, 0x03}, raw...)
		set := append([]byte{0x30, byte(len(attribute))}, attribute...)
		rdn := append([]byte{0x31, byte(len(set))}, set...)
		return append([]byte{0x30, byte(len(rdn))}, rdn...)
	}
	cases := []struct{ what, value, cn, formatted string }{
		{"T61String is Latin-1", "1402e441", "äA", "CN=äA"},
		{"BMPString", "1e0400e40041", "äA", "CN=äA"},
		{"UniversalString", "1c080001f60000000041", "😀A", "CN=😀A"},
		{"VisibleString", "1a024142", "AB", "CN=AB"},
		{"NumericString", "12023132", "12", "CN=12"},
		{"PrintableString with other characters", "1303615f40", "a_@", "CN=a_@"},
		{"trailing space", "0c0278" + "20", "x ", `CN=x\ `},
		{"BMPString of odd length", "1e0300e400", "", "CN=#1e0300e400"},
		{"UTF8String that is not UTF-8", "0c01ff", "", "CN=#0c01ff"},
		{"UniversalString beyond Unicode", "1c0400110000", "", "CN=#1c0400110000"},
		{"UniversalString far beyond", "1c04ffffffff", "", "CN=#1c04ffffffff"},
		{"BIT STRING", "030100", "", "CN=#030100"},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			assert.Equal(t, c.cn, pki.CommonName(name(c.value)))
			assert.Equal(t, c.formatted, pki.FormatDN(name(c.value)))
		})
	}
}

func TestMalformedDN(t *testing.T) {
	for _, c := range []struct{ raw, out string }{
		{"", "#"}, {"30", "#30"}, {"300100", "#300100"}, {"30023100", "#30023100"}, {"0400", "#0400"},
		{"300000", "#300000"}, {strings.Repeat("ff", 100), "#" + strings.Repeat("ff", 64) + "..."},
	} {
		raw, err := hex.DecodeString(c.raw)
		require.NoError(t, err)
		assert.Equal(t, c.out, pki.FormatDN(raw))
		assert.Equal(t, c.out, pki.TraceDN(raw))
		assert.Empty(t, pki.CommonName(raw))
		_, err = pki.ParseRawDN(raw)
		assert.EqualError(t, err, "not the DER of a distinguished name")
	}
}

func TestCommonNameIsTheLastOne(t *testing.T) {
	assert.Equal(t, "b ", pki.CommonName(der(t, `CN=b\ , CN=a, C=DE`)))
	assert.Equal(t, "", pki.CommonName(der(t, "O=x")))
}

// names draws names of everything that a name can hold.
func names() *rapid.Generator[pki.DN] {
	types := rapid.SampledFrom([]string{"2.5.4.3", "2.5.4.10", "2.5.4.11", "2.5.4.8", "1.2.840.113549.1.9.1", "2.999.99999999999999999999"})
	text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune(` #,+"\;<>=ab`+"\x00\né\u202e")), 0, 8, -1))
	attribute := rapid.Custom(func(t *rapid.T) pki.Attribute {
		if rapid.IntRange(0, 9).Draw(t, "raw") == 0 {
			return pki.Attribute{Type: "2.5.4.3", Raw: []byte{2, 1, rapid.Byte().Draw(t, "integer")}}
		}
		oid := types.Draw(t, "type")
		return pki.Attribute{Type: oid, Value: strings.ToValidUTF8(text.Draw(t, "value"), "")}
	})
	rdn := rapid.Custom(func(t *rapid.T) pki.RDN { return rapid.SliceOfN(attribute, 1, 3).Draw(t, "rdn") })
	return rapid.Custom(func(t *rapid.T) pki.DN { return rapid.SliceOfN(rdn, 0, 4).Draw(t, "dn") })
}

func TestDNReadsBackWhatItWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := names().Draw(t, "name").Marshal()
		require.NoError(t, err)
		text := pki.FormatDN(raw)
		parsed, err := pki.ParseDN(text)
		require.NoError(t, err, text)
		again, err := parsed.Marshal()
		require.NoError(t, err)
		require.Equal(t, raw, again, text)
		require.Equal(t, pki.CommonName(raw), parsed.CommonName())
		for _, form := range []string{text, pki.TraceDN(raw)} {
			require.Equal(t, -1, strings.IndexFunc(form, func(r rune) bool { return !unicode.IsPrint(r) }), form)
		}
	})
}

// OpenSSL reads the same name out of a certificate.
func TestDNsAreAsOpenSSLPrintsThem(t *testing.T) {
	root := pki.NewRoot("r", pki.Clock(atNoon))
	for _, dn := range []string{
		"CN=sender.example, O=Example, L=Munich, ST=Bavaria, C=DE",
		`CN=warehouse\ , O=Example`,
		`CN=\ \#x, O=a\, b\+c\"d\\e\;f\<g\>h=i`,
		"CN=Lučić, emailAddress=a@b.example, DC=example",
		"SN=n, GN=g, title=t, serialNumber=12, UID=u, initials=i, postalCode=1",
		"CN=x+OU=y, O=z",
	} {
		c := root.Client("c", pki.Subject(dn))
		file := writePEM(t, t.TempDir()+"/c.pem", c.DER())
		const common = "esc_2253,esc_ctrl,utf8,dump_nostr,dump_der,sep_comma_plus_space,sname"
		out := run(t, "x509", "-in", file, "-noout", "-subject", "-nameopt", common)
		assert.Equal(t, "subject="+pki.TraceDN(c.X509().RawSubject), strings.TrimRight(out, "\r\n"))
		out = run(t, "x509", "-in", file, "-noout", "-subject", "-nameopt", common+",dn_rev")
		if !strings.Contains(dn, "+OU") { // which it writes in another order
			assert.Equal(t, "subject="+pki.FormatDN(c.X509().RawSubject), strings.TrimRight(out, "\r\n"))
		}
	}
}

func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{"", "CN=a, O=b+C=DE", `CN=\ a\2c\,`, `CN="q"`, "CN=#0c0178", "1.2.3=#0500", "CN=a;b", "OID.1.2=x", "C=\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		dn, err := pki.ParseDN(in)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		raw, err := dn.Marshal()
		require.NoError(t, err)
		text := pki.FormatDN(raw)
		again, err := pki.ParseDN(text)
		require.NoError(t, err, "%q", text)
		second, err := again.Marshal()
		require.NoError(t, err)
		require.Equal(t, text, pki.FormatDN(second))
	})
}

func FuzzFormatDN(f *testing.F) {
	for _, seed := range []string{"3000", "3014311230100603550403130977617265686f757365", "300e310c300a06035504030c03615f62", "30023100", "ff",
		"3010310e300c06035504031e0500e40041ff", "300a3108300606015504030500"} {
		raw, err := hex.DecodeString(seed)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, text := range []string{pki.FormatDN(raw), pki.TraceDN(raw)} {
			require.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }))
		}
		if dn, err := pki.ParseRawDN(raw); err == nil {
			require.Equal(t, dn.CommonName(), pki.CommonName(raw))
		} else {
			require.True(t, strings.HasPrefix(pki.FormatDN(raw), "#"))
		}
	})
}
